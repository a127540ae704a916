import Client
import Histogram

/// What one worker has seen; workers share nothing, and their tallies are merged at the end.
struct Tally: Sendable {
    /// What went wrong in one way.
    struct Failures: Hashable, Sendable {
        var count: Int
        /// The first one's words.
        var example: String
    }

    /// The kind of an operation that an open loop did not make because its bound was reached.
    static let overflow = "OVERFLOW"
    /// The kind of an answer that lacks what some nodes hold.
    static let incomplete = "INCOMPLETE"
    /// The kind of anything else that is not the client's typed error.
    private static let unknown = RookeryError.Status.unknown.rawValue

    /// What a run fails with when this kind was the most frequent.
    static func status(of kind: String) -> RookeryError.Status {
        switch kind {
        case overflow: .resourceExhausted
        case incomplete: .unavailable
        default: RookeryError.Status(rawValue: kind) ?? .unknown
        }
    }

    /// Microseconds with three digits, of what succeeded; by `LoadOperation.index`, made when first needed.
    private var latencies = [Histogram<UInt32>?](repeating: nil, count: LoadOperation.allCases.count)
    private(set) var failures: [String: Failures] = [:]
    /// Successes that make up the rate.
    private(set) var inTime = 0
    /// When the last answer came.
    private(set) var lastNs: UInt64 = 0

    /// - Parameter isInTime: whether it belongs to the rate.
    mutating func succeeded(_ operation: LoadOperation, startNs: UInt64, endNs: UInt64, isInTime: Bool) {
        if isInTime { inTime += 1 }
        let index = operation.index
        if latencies[index] == nil { latencies[index] = Histogram(numberOfSignificantValueDigits: .three) }
        latencies[index]?.record((endNs - startNs) / 1000)
        lastNs = max(lastNs, endNs)
    }

    mutating func failed(_ error: any Error, endNs: UInt64) {
        switch error {
        case let error as RookeryError: add(1, error.status.rawValue, example: error.message)
        case let error as Incomplete: add(1, Self.incomplete, example: String(describing: error))
        default: add(1, Self.unknown, example: String(describing: error))
        }
        lastNs = max(lastNs, endNs)
    }

    mutating func overflowed(_ count: Int) {
        if count > 0 { add(count, Self.overflow, example: "--max-outstanding operations were under way already") }
    }

    mutating func merge(_ other: Tally) {
        for (index, histogram) in other.latencies.enumerated() {
            guard let histogram else { continue }
            if latencies[index] == nil { latencies[index] = histogram } else { latencies[index]?.add(histogram) }
        }
        inTime += other.inTime
        for (kind, failures) in other.failures { add(failures.count, kind, example: failures.example) }
        lastNs = max(lastNs, other.lastNs)
    }

    private mutating func add(_ count: Int, _ kind: String, example: String) {
        failures[kind, default: Failures(count: 0, example: example)].count += count
    }

    func latency(of operation: LoadOperation) -> LatencyFigures? { latencies[operation.index].map(LatencyFigures.init) }

    /// Of all operations together.
    var latency: LatencyFigures {
        var all = Histogram<UInt32>(numberOfSignificantValueDigits: .three)
        for case .some(let histogram) in latencies { all.add(histogram) }
        return LatencyFigures(all)
    }

    var failed: Int { failures.values.reduce(0) { $0 + $1.count } }
}

/// An answer that lacks what some nodes hold.
struct Incomplete: Error, CustomStringConvertible {
    var missingNodes: [String]

    var description: String { "\(missingNodes.joined(separator: ", ")) did not answer" }
}

/// How long operations took, in microseconds.
struct LatencyFigures: Hashable, Sendable {
    var count: Int
    var p50Us, p99Us, p999Us, maxUs: UInt64

    init(_ histogram: Histogram<UInt32>) {
        count = Int(histogram.totalCount)
        p50Us = histogram.valueAtPercentile(50)
        p99Us = histogram.valueAtPercentile(99)
        p999Us = histogram.valueAtPercentile(99.9)
        maxUs = histogram.maxRecorded
    }
}

/// What a run has found: the document of `--json`. Latencies are of the operations that succeeded.
struct BenchReport: Encodable {
    /// One kind of operation of the mix.
    struct Part: Encodable {
        var ops: Int
        var p50_us, p99_us, p999_us, max_us: UInt64
    }

    var mix: String
    var loop: String
    /// Operations a second that an open loop was to make.
    var rate: UInt64?
    /// The measured time; of an open loop, and of a run that was stopped, until the last answer.
    var seconds: Double
    var connections: Int
    /// Operations under way at most, a connection.
    var in_flight: Int
    var users: Int
    /// How the users were chosen.
    var popularity: String
    var seed: UInt64
    /// Answered from the measured time on: also those that were under way at its end.
    var ops: Int
    /// Answered in the measured time, a second.
    var ops_per_s: Double
    var p50_us, p99_us, p999_us, max_us: UInt64
    var operations: [String: Part]
    /// By status; what an open loop did not make stands there as OVERFLOW, an answer without what some nodes hold as
    /// INCOMPLETE.
    var errors: [String: Int]

    /// - Parameter elapsedNs: what the measured operations took together.
    init(_ settings: BenchSettings, users: Int, elapsedNs: UInt64, _ tally: Tally) {
        let all = tally.latency
        (mix, loop, rate) = (settings.mix.rawValue, settings.loop.name, settings.loop.rate)
        (connections, in_flight) = (settings.connections, settings.inFlight)
        (self.users, popularity, seed) = (users, settings.popularity.description, settings.seed)
        let seconds = Double(elapsedNs) / 1e9
        self.seconds = (seconds * 1000).rounded() / 1000
        ops = all.count
        ops_per_s = seconds > 0 ? (Double(tally.inTime) / seconds * 10).rounded() / 10 : 0
        (p50_us, p99_us, p999_us, max_us) = (all.p50Us, all.p99Us, all.p999Us, all.maxUs)
        operations = Dictionary(
            uniqueKeysWithValues: LoadOperation.allCases.compactMap { operation in
                tally.latency(of: operation).map { (operation.rawValue, Part($0)) }
            })
        errors = tally.failures.mapValues(\.count)
    }
}

extension BenchReport.Part {
    init(_ figures: LatencyFigures) {
        ops = figures.count
        (p50_us, p99_us, p999_us, max_us) = (figures.p50Us, figures.p99Us, figures.p999Us, figures.maxUs)
    }
}

extension BenchReport {
    /// The same for a person.
    /// - Parameter failures: the errors with their words.
    func lines(_ style: Style, _ failures: [String: Tally.Failures]) -> [String] {
        let pace = rate.map { "\($0)/s, at most \(connections) × \(in_flight)" } ?? "\(connections) × \(in_flight)"
        let failed = errors.values.reduce(0, +)
        return [
            "\(mix): \(loop) loop, \(pace) in flight, \(users) users (\(popularity)), seed \(seed)",
            style.strong("\(Int(ops_per_s.rounded())) operations/s")
                + " in \(Decimal.oneDigit(seconds)) s; \(ops) were made, \(failed) failed",
        ] + style.table(table) + failureLines(style, failures)
    }

    private var table: [[String]] {
        let all = Part(ops: ops, p50_us: p50_us, p99_us: p99_us, p999_us: p999_us, max_us: max_us)
        let parts = operations.sorted { $0.key < $1.key } + (operations.count == 1 ? [] : [("all", all)])
        return [["ms", "count", "p50", "p99", "p99.9", "max"]]
            + parts.map { name, part in
                [name, "\(part.ops)"] + [part.p50_us, part.p99_us, part.p999_us, part.max_us].map(Self.ms)
            }
    }

    /// The most frequent first.
    private func failureLines(_ style: Style, _ failures: [String: Tally.Failures]) -> [String] {
        failures.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }.map { kind, failures in
            style.bad("\(failures.count) × \(kind)") + ": " + Style.harmless(failures.example)
        }
    }

    /// Milliseconds with two digits behind the point.
    private static func ms(_ us: UInt64) -> String {
        let hundredths = (us + 5) / 10
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
    }
}

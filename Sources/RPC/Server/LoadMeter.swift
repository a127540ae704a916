import Synchronization

/// What a server knows of its own load. Counting is lock-free; latencies come in batches, one a flush.
final class LoadMeter: Sendable {
    private let capacity: Int
    private let running = Atomic<Int>(0)
    private let watching = Atomic<Int>(0)
    private let medianUs = Atomic<UInt32>(0)
    private let draining = Atomic<Bool>(false)
    private let recent = Mutex(RecentLatencies())

    init(capacity: Int) {
        self.capacity = max(1, capacity)
    }

    /// Takes a place for one request; false when all are taken.
    ///
    /// Peers are always let in: nodes full of clients' calls that refused each other could finish none of them.
    func admit(_ role: Role) -> Bool {
        guard running.add(1, ordering: .relaxed).newValue <= capacity || role == .peer else {
            running.subtract(1, ordering: .relaxed)
            return false
        }
        return true
    }

    /// Gives a place back.
    func leave() {
        running.subtract(1, ordering: .relaxed)
    }

    /// Calls that last and do nothing, over all connections: they load nobody, and must not take the others' places.
    static let mostWatches = 1024

    /// Takes a place for one of those; false when all are taken.
    func admitWatch() -> Bool {
        guard watching.add(1, ordering: .relaxed).newValue <= Self.mostWatches else {
            leaveWatch()
            return false
        }
        return true
    }

    func leaveWatch() {
        watching.subtract(1, ordering: .relaxed)
    }

    func record(latenciesUs: [UInt32]) {
        guard !latenciesUs.isEmpty else { return }
        let median = recent.withLock { recent in
            for latency in latenciesUs { recent.add(latency) }
            return recent.refreshedMedian()
        }
        if let median { medianUs.store(median, ordering: .relaxed) }
    }

    func drain() {
        draining.store(true, ordering: .relaxed)
    }

    var report: LoadReport {
        let inFlight = max(0, running.load(ordering: .relaxed))
        return LoadReport(
            inFlight: UInt16(clamping: inFlight),
            utilisationPermille: UInt16(clamping: min(1000, inFlight * 1000 / capacity)),
            medianLatencyUs: medianUs.load(ordering: .relaxed), draining: draining.load(ordering: .relaxed))
    }
}

/// The last 128 latencies, and their median, sought anew only every 16 so that it costs little a call.
struct RecentLatencies {
    static let size = 128
    private static let refreshEvery = 16

    private var ring: [UInt32] = []
    private var next = 0
    private var sinceRefresh = 0

    mutating func add(_ latencyUs: UInt32) {
        if ring.count < Self.size {
            ring.append(latencyUs)
        } else {
            ring[next] = latencyUs
            next = (next + 1) % Self.size
        }
        sinceRefresh += 1
    }

    /// The median when it is due to be told again; each of the first ones is.
    mutating func refreshedMedian() -> UInt32? {
        guard sinceRefresh >= Self.refreshEvery || ring.count < Self.refreshEvery else { return nil }
        sinceRefresh = 0
        return median
    }

    /// The least latency that more than half do not exceed, found by bisection: unlike sorting, it takes no memory.
    private var median: UInt32 {
        ring.withUnsafeBufferPointer { ring in
            var (least, most) = (UInt32.min, ring.max() ?? 0)
            while least < most {
                let middle = least + (most - least) / 2
                if ring.count(where: { $0 <= middle }) > ring.count / 2 { most = middle } else { least = middle + 1 }
            }
            return least
        }
    }
}

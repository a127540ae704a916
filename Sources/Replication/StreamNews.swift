import Cluster

/// Who has something to hear over one link, and who is left alone for a while because it could not take what it was
/// sent: one partition's trouble is not the others'. Pure.
struct StreamNews: Sendable {
    typealias Sources = Set<PartitionId>

    private var ready: [PartitionId: Set<PartitionId>] = [:]  // source → destinations
    /// Destinations that rest, and what came for them meanwhile.
    private var resting: [PartitionId: Sources] = [:]
    /// In a row.
    private var failures: [PartitionId: Int] = [:]

    mutating func add(_ source: PartitionId, _ destinations: some Sequence<PartitionId>) {
        for destination in destinations {
            if resting[destination] != nil {
                resting[destination]?.insert(source)
            } else {
                ready[source, default: []].insert(destination)
            }
        }
    }

    /// Everything that may be sent now, in a fixed order.
    mutating func take() -> [(source: PartitionId, destinations: [PartitionId])] {
        defer { ready = [:] }
        return ready.sorted { $0.key < $1.key }.map { ($0.key, $0.value.sorted()) }
    }

    mutating func answered(_ destination: PartitionId) { failures[destination] = nil }

    /// Nobody answered for it: until `wake` it is sent nothing.
    /// - Returns: how often in a row that has happened.
    mutating func rest(_ destination: PartitionId) -> Int {
        resting[destination] = resting[destination] ?? []
        for source in Array(ready.keys) where ready[source]?.remove(destination) != nil {
            resting[destination]?.insert(source)
        }
        failures[destination, default: 0] += 1
        return failures[destination, default: 0]
    }

    mutating func wake(_ destination: PartitionId) {
        guard let sources = resting.removeValue(forKey: destination) else { return }
        for source in sources { add(source, [destination]) }
    }
}

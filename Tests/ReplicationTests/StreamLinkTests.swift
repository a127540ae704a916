import Cluster
import Logging
import Messages
import NIOCore
import Replication
import Storage
import Synchronization
import Testing

/// Three nodes with a partition each, all telling all, over calls that are lost, doubled and late (rule D1).
@Suite struct StreamLinkTests {
    private static let ids = (UInt16(1)...3).map { PartitionId($0) }
    private static let quiet = Logger(label: "links") { _ in SwiftLogNoOpLogHandler() }

    /// A cluster whose links run until the story ends.
    private final class Cluster: Sendable {
        let network: LossyNetwork
        let stores: [PartitionId: MemoryStore]
        private let links: [PartitionId: StreamLink]
        private let nodes = Mutex<[PartitionId: TestNode]>([:])

        init(network: LossyNetwork) {
            self.network = network
            stores = Dictionary(uniqueKeysWithValues: ids.map { ($0, MemoryStore()) })
            let links = ids.map { id in
                let link = StreamLink(
                    to: NodeId(rawValue: "n\(id)"), partition: { network.partition($0) },
                    deliver: { try await network.deliver($0) }, pause: { _ in await Task.yield() }, logger: quiet)
                return (id, link)
            }
            self.links = Dictionary(uniqueKeysWithValues: links)
        }

        func run() async {
            await withTaskGroup(of: Void.self) { group in
                for link in links.values { group.addTask { await link.run() } }
            }
        }

        /// Starts the partition, or starts it again from what its store holds.
        func restart(_ id: PartitionId, epoch: UInt64) async throws {
            try await stop(id)
            guard let store = stores[id] else { return }
            let node = TestNode(over: store) { [links] source, destinations in
                for destination in destinations { links[destination]?.hasNews(source, [destination]) }
            }
            nodes.withLock { $0[id] = node }
            let partition = try await node.start(id, epoch: epoch)
            network.put(partition)
            // What it announced while it started came before the links could find it.
            for destination in await partition.waitingDestinations() { links[destination]?.hasNews(id, [destination]) }
        }

        func stop(_ id: PartitionId) async throws {
            guard let partition = network.partition(id), let node = nodes.withLock({ $0[id] }) else { return }
            try await node.stop(partition)
            network.remove(id)
        }
    }

    private static func withCluster(
        seed: UInt64, lossPercent: Int, _ story: (Cluster) async throws -> Void
    ) async throws {
        let cluster = Cluster(network: LossyNetwork(seed: seed, lossPercent: lossPercent))
        for id in ids { try await cluster.restart(id, epoch: 1) }
        let running = Task { await cluster.run() }
        let result: Result<Void, any Error>
        do { result = .success(try await story(cluster)) } catch { result = .failure(error) }
        running.cancel()
        await running.value
        for id in ids { try await cluster.stop(id) }
        try result.get()
    }

    /// Numbers 0 ..< count, each told to some of the partitions; what each should hear, and the last index.
    private static func talk(
        _ source: PartitionId, _ numbers: Range<UInt64>, on cluster: Cluster, _ random: inout Seeded
    ) async throws -> (meant: [PartitionId: [UInt64]], lastIndex: UInt64) {
        var meant: [PartitionId: [UInt64]] = [:]
        var lastIndex: UInt64 = 0
        for number in numbers {
            // Also to itself: a partition's stream to itself is like any other.
            let told = ids.filter { _ in random.chance(60) }
            guard let outcome = try await cluster.network.partition(source)?.execute(.tell(told, number)) else { break }
            for destination in told { meant[destination, default: []].append(number) }
            if !told.isEmpty { lastIndex = outcome.index }
        }
        return (meant, lastIndex)
    }

    private static func expectHeard(
        _ meant: [PartitionId: [UInt64]], from source: PartitionId, on cluster: Cluster, _ seed: UInt64
    ) throws {
        for (destination, numbers) in meant {
            let store = try #require(cluster.stores[destination])
            #expect(try Rows.heard(store, at: destination, from: source) == numbers, "ROOKERY_SEED=\(seed)")
            // The merge would show a second effect that the list hides.
            let key = Rows.key(UInt64(source.rawValue), in: destination)
            #expect(try store.counter(.sums, key) == Int64(numbers.count), "ROOKERY_SEED=\(seed)")
        }
    }

    /// Returns when everybody has heard of everything; the deadline is only for a run that hangs.
    private static func settle(
        _ meant: [PartitionId: [UInt64]], from source: PartitionId, index: UInt64, on cluster: Cluster
    ) async throws {
        for destination in meant.keys {
            let partition = try #require(cluster.network.partition(destination))
            let heardOf = try Rows.log(try #require(cluster.stores[source]), of: source).last {
                $0.index <= index && $0.events.contains { $0.destination == UInt32(destination.rawValue) }
            }
            guard let heardOf else { continue }
            try await partition.waitFor(source, incarnation: 1, index: heardOf.index, deadline: .now() + .seconds(30))
        }
    }

    @Test(arguments: [0, 5, 25]) func everyEventArrivesOnceAndInOrder(lossPercent: Int) async throws {
        let seed = Seeded.fresh("everyEventArrivesOnceAndInOrder \(lossPercent)")
        try await Self.withCluster(seed: seed, lossPercent: lossPercent) { cluster in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for source in Self.ids {
                    group.addTask {
                        var random = Seeded(seed &+ UInt64(source.rawValue))
                        let (meant, index) = try await Self.talk(source, 0..<120, on: cluster, &random)
                        try await Self.settle(meant, from: source, index: index, on: cluster)
                        try Self.expectHeard(meant, from: source, on: cluster, seed)
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    /// A partition that is not led here any more is left alone; the others' news still travels.
    @Test func newsOfAPartitionThatIsNotLedHereIsDropped() async throws {
        let (network, lookups) = (LossyNetwork(seed: 0, lossPercent: 0), Counter())
        let link = StreamLink(
            to: TestNode.name,
            partition: { id in
                lookups.add()
                return network.partition(id)
            }, deliver: { try await network.deliver($0) }, pause: { _ in await Task.yield() }, logger: Self.quiet)
        link.hasNews(.home, [.home])
        let running = Task { await link.run() }
        await lookups.reach(1)
        for _ in 0..<1000 { await Task.yield() }
        #expect(lookups.current == 1, "it asks again and again")

        let node = TestNode(over: MemoryStore()) { link.hasNews($0, $1) }
        let partition = try await node.start(epoch: 1)
        network.put(partition)
        let index = try await partition.execute(.tell([.home], 5)).index
        try await partition.waitFor(.home, incarnation: 1, index: index, deadline: .now() + .seconds(30))
        running.cancel()
        await running.value
        try await node.stop(partition)
    }

    /// One destination is not served; its pause lasts as long as the story wants. The others hear all the while.
    @Test func oneDestinationsTroubleIsNotTheOthers() async throws {
        let (network, pauses, mayGoOn) = (LossyNetwork(seed: 0, lossPercent: 0), Counter(), Counter())
        let (bad, good) = (PartitionId(2), PartitionId(3))
        let link = StreamLink(
            to: TestNode.name, partition: { network.partition($0) }, deliver: { try await network.deliver($0) },
            pause: { _ in
                pauses.add()
                while mayGoOn.current == 0 {
                    try Task.checkCancellation()
                    await Task.yield()
                }
            }, logger: Self.quiet)
        let node = TestNode(over: MemoryStore()) { link.hasNews($0, $1) }
        let source = try await node.start(epoch: 1)
        network.put(source)
        let receiver = try await node.start(good, epoch: 1)
        network.put(receiver)
        let running = Task { await link.run() }
        for number in UInt64(1)...50 {
            let index = try await source.execute(.tell([bad, good], number)).index
            try await receiver.waitFor(.home, incarnation: 1, index: index, deadline: .now() + .seconds(10))
        }
        #expect(pauses.current == 1, "what rests is not asked for")
        // Then it comes up, and hears what it has missed.
        let late = try await node.start(bad, epoch: 1)
        network.put(late)
        let last = try await source.execute(.tell([bad], 51)).index
        mayGoOn.add()
        try await late.waitFor(.home, incarnation: 1, index: last, deadline: .now() + .seconds(30))
        #expect(try Rows.heard(node.store, at: bad, from: .home) == Array(1...51))
        #expect(try Rows.heard(node.store, at: good, from: .home) == Array(1...50))
        running.cancel()
        await running.value
        try await node.stop(source, receiver, late)
    }

    @Test func restartsOnEitherSideLoseAndDoubleNothing() async throws {
        let seed = Seeded.fresh()
        var random = Seeded(seed)
        try await Self.withCluster(seed: seed, lossPercent: 15) { cluster in
            var meant: [PartitionId: [PartitionId: [UInt64]]] = [:]
            var lastIndex: [PartitionId: UInt64] = [:]
            for round in UInt64(0)..<12 {
                for source in Self.ids {
                    let told = try await Self.talk(source, round * 8..<round * 8 + 8, on: cluster, &random)
                    meant[source, default: [:]].merge(told.meant) { $0 + $1 }
                    lastIndex[source] = max(told.lastIndex, lastIndex[source, default: 0])
                }
                // Whatever is on its way then is answered by nobody, or by the next life.
                let restarted = Self.ids[Int.random(in: 0..<3, using: &random)]
                try await cluster.restart(restarted, epoch: round + 2)
            }
            cluster.network.heal()
            for source in Self.ids {
                let (meant, index) = (meant[source, default: [:]], lastIndex[source, default: 0])
                try await Self.settle(meant, from: source, index: index, on: cluster)
                try Self.expectHeard(meant, from: source, on: cluster, seed)
            }
        }
    }
}

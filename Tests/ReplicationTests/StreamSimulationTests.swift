import Cluster
import Messages
import Replication
import Testing

/// One source, three destinations, and a network that loses, doubles, delays and reorders; both sides crash. At rest
/// each destination has taken exactly what was meant for it, in order, once (rule D1).
@Suite struct StreamSimulationTests {
    private typealias Decide = (CursorRow?, StreamBatch) -> StreamInbox.Decision

    private struct World {
        static let source = PartitionId(0)
        static let destinations = (UInt16(1)...3).map { PartitionId($0) }

        var random: Seeded
        /// How a receiver decides; another than ours shows what ours is worth.
        let decide: Decide
        var log: [(index: UInt64, events: [Event])] = []
        var outbox = StreamOutbox(source: source, incarnation: 1, appliedIndex: 0)
        var cursors: [PartitionId: CursorRow] = [:]
        var taken: [PartitionId: [UInt8]] = [:]
        var meant: [PartitionId: [UInt8]] = [:]
        var requests: [StreamBatch] = []
        var arrived: [PartitionId: [StreamBatch]] = [:]
        var answers: [(StreamCursor, PartitionId)] = []

        mutating func apply(_ index: UInt64) {
            let events = (0..<Int.random(in: 0...3, using: &random)).map { _ in
                let destination = Self.destinations.randomElement(using: &random) ?? Self.destinations[0]
                let body = UInt8.random(in: 0...255, using: &random)
                meant[destination, default: []].append(body)
                return Event.with {
                    $0.destination = UInt32(destination.rawValue)
                    $0.body = [body]
                }
            }
            log.append((index, events))
            _ = outbox.applied(index: index, events: events)
        }

        mutating func send() {
            for destination in Self.destinations {
                if let batch = outbox.nextBatch(for: destination, maxBytes: Int.random(in: 1...80, using: &random)) {
                    requests.append(batch)
                }
            }
        }

        /// Brings one of the requests on their way to its destination, perhaps to come again, perhaps given up on.
        mutating func deliver() {
            guard let place = requests.indices.randomElement(using: &random) else { return }
            let batch = requests[place]
            let destination = PartitionId(UInt16(batch.destination))
            if !random.chance(20) { requests.remove(at: place) }  // else it comes again
            if random.chance(15) { outbox.failed(destination) }  // but it may arrive all the same
            arrived[destination, default: []].append(batch)
        }

        /// A destination takes all that has arrived in one entry; the answers leave when it is committed.
        mutating func commit() {
            guard let destination = Self.destinations.randomElement(using: &random) else { return }
            for batch in arrived.removeValue(forKey: destination) ?? [] { take(batch) }
        }

        /// A destination loses what it has not committed, or dies between the commit and the answer.
        mutating func crashDestination() {
            guard let destination = Self.destinations.randomElement(using: &random) else { return }
            if random.chance(50) {
                for batch in arrived[destination, default: []] { take(batch) }
                answers.removeAll { $0.1 == destination }
            }
            arrived[destination] = nil
            outbox.failed(destination)
        }

        private mutating func take(_ batch: StreamBatch) {
            let destination = PartitionId(UInt16(batch.destination))
            var row = cursors[destination] ?? .with { $0.incarnation = batch.incarnation }
            if decide(cursors[destination], batch) == .take {
                taken[destination, default: []] += batch.events.flatMap(\.body)
                row.index = batch.to
                cursors[destination] = row
            }
            let cursor = StreamCursor.with {
                $0.destination = batch.destination
                $0.incarnation = row.incarnation
                $0.index = row.index
            }
            answers.append((cursor, destination))
        }

        mutating func answer() {
            guard let place = answers.indices.randomElement(using: &random) else { return }
            let (cursor, destination) = answers.remove(at: place)
            if random.chance(15) { outbox.failed(destination) } else { outbox.answered(cursor, by: destination) }
        }

        /// The sender forgets everything but its log.
        mutating func restart() {
            outbox = StreamOutbox(source: Self.source, incarnation: 1, appliedIndex: log.last?.index ?? 0)
            for entry in log { _ = outbox.applied(index: entry.index, events: entry.events) }
            if random.chance(50) { answers = [] }
        }

        /// The network heals: what was on its way is gone, and every call is answered.
        mutating func settle() {
            (requests, answers, arrived) = ([], [], [:])
            for destination in Self.destinations { outbox.failed(destination) }
            var rounds = 0
            while outbox.backlog > 0, rounds < 1000 {
                rounds += 1
                send()
                for batch in requests { take(batch) }
                for (cursor, destination) in answers { outbox.answered(cursor, by: destination) }
                (requests, answers) = ([], [])
            }
        }

        mutating func step(_ lastIndex: inout UInt64) {
            switch Int.random(in: 0..<100, using: &random) {
            case ..<20:
                lastIndex += UInt64.random(in: 1...3, using: &random)  // not every entry has something for others
                apply(lastIndex)
            case ..<40: send()
            case ..<60: deliver()
            case ..<75: commit()
            case ..<94: answer()
            case ..<97: crashDestination()
            default: restart()
            }
        }
    }

    private static func run(seed: UInt64, deciding decide: @escaping Decide) -> (world: World, lastIndex: UInt64) {
        var world = World(random: Seeded(seed), decide: decide)
        var lastIndex: UInt64 = 0
        for _ in 0..<150 { world.step(&lastIndex) }
        world.settle()
        return (world, lastIndex)
    }

    @Test func everyEventIsTakenOnceAndInOrder() {
        let seed = Seeded.fresh()
        for turn in UInt64(0)..<3000 {
            let (world, lastIndex) = Self.run(seed: seed &+ turn) { StreamInbox.decide(stored: $0, batch: $1) }
            #expect(world.taken == world.meant, "ROOKERY_SEED=\(seed &+ turn)")
            #expect(world.outbox.backlog == 0 && world.outbox.floor == lastIndex, "ROOKERY_SEED=\(seed &+ turn)")
        }
    }

    /// What the cursor is for: a receiver that takes whatever comes is found out in most runs.
    @Test func withoutTheCursorEventsAreDoubled() {
        let seed = Seeded.fresh()
        let wrong = (UInt64(0)..<100).filter { turn in
            let (world, _) = Self.run(seed: seed &+ turn) { _, batch in batch.probe ? .refuse : .take }
            return world.taken != world.meant
        }
        #expect(wrong.count > 50, "ROOKERY_SEED=\(seed)")
    }

    @Test func theLogStaysAboveWhatSomebodyStillNeeds() {
        var outbox = StreamOutbox(source: PartitionId(0), incarnation: 1, appliedIndex: 0)
        _ = outbox.applied(index: 1, events: [])
        _ = outbox.applied(index: 2, events: [.with { $0.destination = 7 }])
        _ = outbox.applied(index: 3, events: [])
        #expect(outbox.floor == 1)
        _ = outbox.nextBatch(for: PartitionId(7), maxBytes: 100)
        outbox.answered(
            .with {
                $0.index = 2; $0.incarnation = 1
            }, by: PartitionId(7))
        #expect(outbox.floor == 3)
    }

    @Test func anotherLifeOfTheLogIsNotTalkedTo() {
        var outbox = StreamOutbox(source: PartitionId(0), incarnation: 1, appliedIndex: 0)
        _ = outbox.applied(index: 1, events: [.with { $0.destination = 7 }])
        let probe = outbox.nextBatch(for: PartitionId(7), maxBytes: 100)
        #expect(probe?.probe == true)
        outbox.answered(
            .with {
                $0.index = 9; $0.incarnation = 2
            }, by: PartitionId(7))
        let next = outbox.nextBatch(for: PartitionId(7), maxBytes: 100)
        #expect(next == nil)
        #expect(outbox.waiting == [] && outbox.backlog == 1)
    }

    /// The source has lost what the receiver has heard: new entries at those indexes must not pass for delivered.
    @Test func aReceiverThatHasHeardMoreThanThereIsIsNotTalkedTo() {
        var outbox = StreamOutbox(source: PartitionId(0), incarnation: 1, appliedIndex: 0)
        _ = outbox.applied(index: 1, events: [.with { $0.destination = 7 }])
        _ = outbox.nextBatch(for: PartitionId(7), maxBytes: 100)
        outbox.answered(
            .with {
                $0.index = 2; $0.incarnation = 1
            }, by: PartitionId(7))
        let next = outbox.nextBatch(for: PartitionId(7), maxBytes: 100)
        #expect(next == nil)
        #expect(outbox.waiting == [] && outbox.backlog == 1)
    }
}

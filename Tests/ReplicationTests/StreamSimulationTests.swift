import Cluster
import Messages
import Replication
import Testing

/// One source, three destinations, and a network that loses, doubles, delays and reorders; both sides crash. At rest
/// each destination has taken exactly what was meant for it, in order, once (rule D1).
@Suite struct StreamSimulationTests {
    private struct World {
        static let source = PartitionId(0)
        static let destinations = (UInt16(1)...3).map { PartitionId($0) }

        var random: Seeded
        var log: [(index: UInt64, events: [Event])] = []
        var outbox = StreamOutbox(source: source, incarnation: 1, appliedIndex: 0)
        var cursors: [PartitionId: CursorRow] = [:]
        var taken: [PartitionId: [UInt8]] = [:]
        var meant: [PartitionId: [UInt8]] = [:]
        var requests: [StreamBatch] = []
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

        /// Delivers one request, any of those on their way, perhaps twice, perhaps never.
        mutating func deliver() {
            guard let place = requests.indices.randomElement(using: &random) else { return }
            let batch = requests[place]
            let destination = PartitionId(UInt16(batch.destination))
            if !random.chance(20) { requests.remove(at: place) }  // else it comes again
            if random.chance(15) { return outbox.failed(destination) }
            let stored = cursors[destination]
            var row = stored ?? .with { $0.incarnation = batch.incarnation }
            if StreamInbox.decide(stored: stored, batch: batch) == .take {
                taken[destination, default: []] += batch.events.flatMap(\.body)
                row.index = batch.to
                cursors[destination] = row
            }
            answers.append(
                (
                    .with {
                        $0.destination = batch.destination
                        $0.incarnation = row.incarnation
                        $0.index = row.index
                    }, destination
                ))
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

        mutating func settle() {
            for _ in 0..<10_000 where outbox.backlog > 0 {
                requests = []
                answers = []
                for destination in Self.destinations { outbox.failed(destination) }
                for _ in 0..<2 {
                    send()
                    for batch in requests { deliverCleanly(batch) }
                    requests = []
                }
            }
        }

        private mutating func deliverCleanly(_ batch: StreamBatch) {
            let destination = PartitionId(UInt16(batch.destination))
            var row = cursors[destination] ?? .with { $0.incarnation = 1 }
            if StreamInbox.decide(stored: cursors[destination], batch: batch) == .take {
                taken[destination, default: []] += batch.events.flatMap(\.body)
                row.index = batch.to
                cursors[destination] = row
            }
            outbox.answered(
                .with {
                    $0.incarnation = row.incarnation
                    $0.index = row.index
                }, by: destination)
        }
    }

    @Test func everyEventIsTakenOnceAndInOrder() {
        let seed = Seeded.fresh(#function)
        for run in UInt64(0)..<2000 {
            var world = World(random: Seeded(seed &+ run))
            var index: UInt64 = 0
            for _ in 0..<120 {
                switch Int.random(in: 0..<100, using: &world.random) {
                case ..<25:
                    index += 1
                    world.apply(index)
                case ..<50: world.send()
                case ..<75: world.deliver()
                case ..<97: world.answer()
                default: world.restart()
                }
            }
            world.settle()
            #expect(world.taken == world.meant, "seed \(seed &+ run)")
            #expect(world.outbox.backlog == 0 && world.outbox.floor == index, "seed \(seed &+ run)")
        }
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
}

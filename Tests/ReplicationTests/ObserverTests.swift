import Cluster
import Messages
import Replication
import Storage
import Synchronization
import Testing

/// Those who watch what is applied: what they are shown, and what happens when they cannot read it.
@Suite struct ObserverTests {
    /// Reads notes as strictly as the services do; one with this number it cannot read.
    private struct Reader: AppliedObserver {
        let seen = Counter()

        func applied(_ entry: LogEntry, in partition: Partition) throws {
            for note in entry.events {
                guard try Counted.decode(note.body).tweetId != Tally.poison else {
                    throw ReplicationError.corrupt(partition: partition.id, what: "the note of entry \(entry.index)")
                }
                seen.add()
            }
        }

        func floor(in partition: PartitionId, appliedIndex: UInt64) -> UInt64 { 0 }
    }

    private static func note(_ number: UInt64) -> Command {
        Command(requestId: nil, latches: []) { evaluation in
            evaluation.note(.eventCounted, Counted.with { $0.tweetId = number })
            return []
        }
    }

    /// Rules C7, C9: the log holds something broken, so the node ends, and does not come up again as if nothing were.
    @Test func aNoteThatCannotBeReadEndsTheNode() async throws {
        let (store, reader) = (MemoryStore(), Reader())
        let failures = Mutex<[String]>([])
        let node = TestNode(
            over: store, observers: [reader], fatal: { error in failures.withLock { $0.append("\(error)") } })
        let partition = try await node.start(epoch: 1)
        _ = try await partition.execute(Self.note(5))
        #expect(reader.seen.current == 1)
        let index = try await partition.execute(Self.note(Tally.poison)).index
        try await node.stop(partition)
        let corrupt = ReplicationError.corrupt(partition: .home, what: "the note of entry \(index)")
        #expect(failures.withLock { $0 } == ["\(corrupt)"])

        let again = TestNode(over: store, observers: [reader])
        await #expect(throws: corrupt) { try await again.start(epoch: 2) }
        try await again.stop()
    }
}

import Cluster
import Messages
import Replication
import Testing

@testable import Nodes

/// What the flusher makes of the log's notes.
@Suite struct SumNoteTests {
    private static func note(_ kind: EventKind, _ body: [UInt8]) -> Event {
        .with {
            $0.destination = Event.observersOnly
            $0.kind = kind.rawValue
            $0.body = body
        }
    }

    @Test func theOldestChangeOfATweetIsRemembered() throws {
        var dirty = SumFlusher.Dirty()
        let tweet = Counted.with { $0.tweetId = 5 }.encode()
        for index in [7, 4, 9] as [UInt64] {
            try dirty.take(Self.note(.eventCounted, tweet), index: index, in: PartitionId(1))
            try dirty.take(Self.note(.eventRegionCounted, tweet), index: index + 1, in: PartitionId(1))
        }
        #expect(dirty.partition == [5: 4] && dirty.region == [5: 5])
    }

    /// A count that is passed over would stay silent for ever.
    @Test(arguments: [EventKind.eventCounted, .eventRegionCounted])
    func aBrokenNoteIsNotPassedOver(kind: EventKind) throws {
        var dirty = SumFlusher.Dirty()
        let failure = #expect(throws: ReplicationError.self) {
            try dirty.take(Self.note(kind, [0xff]), index: 12, in: PartitionId(3))
        }
        #expect(failure?.description.contains("log entry 12") == true)
    }

    @Test func othersNotesAreTheirs() throws {
        var dirty = SumFlusher.Dirty()
        try dirty.take(Self.note(.eventUserSettled, [0xff]), index: 12, in: PartitionId(3))
        #expect(dirty.floor == nil)
    }
}

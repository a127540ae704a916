import Testing

@testable import Cluster

@Suite struct IdSequencerTests {
    private let partition = PartitionId(7)
    private let now = Id.epochMs + 1_000_000

    private func id(_ ms: UInt64, _ partition: UInt16, _ sequence: UInt8) -> Id {
        Id(unixMs: ms, partition: PartitionId(partition), sequence: sequence)
    }

    @Test func idsCarryTheClockAndCountWithinAMillisecond() throws {
        var sequencer = IdSequencer(partition: partition, highWater: 0)
        #expect(try sequencer.next(nowMs: now) == id(now, 7, 0))
        #expect(try sequencer.next(nowMs: now) == id(now, 7, 1))
        #expect(try sequencer.next(nowMs: now + 1) == id(now + 1, 7, 0))
    }

    @Test func aFullMillisecondBorrowsTheNext() throws {
        var sequencer = IdSequencer(partition: partition, highWater: 0)
        for sequence in 0...255 { #expect(try sequencer.next(nowMs: now) == id(now, 7, UInt8(sequence))) }
        #expect(try sequencer.next(nowMs: now) == id(now + 1, 7, 0))
        // The borrowed one is not given again when the clock gets there.
        #expect(try sequencer.next(nowMs: now + 1) == id(now + 1, 7, 1))
    }

    @Test func borrowingEndsOneSecondAheadAndTheClockReleasesIt() throws {
        var sequencer = IdSequencer(partition: partition, highWater: 0)
        for _ in 0..<256 * 1001 { _ = try sequencer.next(nowMs: now) }
        let highest = sequencer.highest
        #expect(highest == id(now + 1000, 7, 255).rawValue)
        #expect(throws: IdSequencerError.tooFarAhead(leadMs: 1001)) { try sequencer.next(nowMs: now) }
        #expect(sequencer.highest == highest)
        #expect(try sequencer.next(nowMs: now + 1) == id(now + 1001, 7, 0))
    }

    @Test func aClockThatWentBackIsFollowedFromTheHighestIdOn() throws {
        var sequencer = IdSequencer(partition: partition, highWater: 0)
        _ = try sequencer.next(nowMs: now)
        #expect(try sequencer.next(nowMs: now - 900) == id(now, 7, 1))
        #expect(throws: IdSequencerError.tooFarAhead(leadMs: 5000)) { try sequencer.next(nowMs: now - 5000) }
        #expect(try sequencer.next(nowMs: now) == id(now, 7, 2))
    }

    @Test func aClockBeforeTheEpochGivesNothingThatIsOld() throws {
        var fresh = IdSequencer(partition: partition, highWater: 0)
        #expect(try fresh.next(nowMs: 0) == id(Id.epochMs, 7, 0))
        var used = IdSequencer(partition: partition, highWater: id(now, 7, 0).rawValue)
        #expect(throws: IdSequencerError.tooFarAhead(leadMs: 1_000_000)) { try used.next(nowMs: 0) }
    }

    @Test func aRestartContinuesAboveTheHighWaterMark() throws {
        var sequencer = IdSequencer(partition: partition, highWater: id(now + 500, 7, 41).rawValue)
        #expect(try sequencer.next(nowMs: now) == id(now + 500, 7, 42))
    }

    @Test func aReplySortsAfterItsParentOfAnotherPartition() throws {
        var sequencer = IdSequencer(partition: partition, highWater: 0)
        let lowerPartition = id(now + 10, 3, 200)
        #expect(try sequencer.next(nowMs: now, above: lowerPartition.rawValue) == id(now + 10, 7, 0))
        let higherPartition = id(now + 10, 9, 0)
        #expect(try sequencer.next(nowMs: now, above: higherPartition.rawValue) == id(now + 11, 7, 0))
    }

    @Test func anIdFromTheFutureIsNotRepliedTo() {
        var sequencer = IdSequencer(partition: partition, highWater: 0)
        #expect(throws: IdSequencerError.tooFarAhead(leadMs: 2000)) {
            try sequencer.next(nowMs: now, above: id(now + 2000, 3, 0).rawValue)
        }
        #expect(sequencer.highest == 0)
        #expect(throws: IdSequencerError.exhausted) { try sequencer.next(nowMs: now, above: .max) }
    }

    @Test func observedIdsCountAsGiven() throws {
        var sequencer = IdSequencer(partition: partition, highWater: 0)
        sequencer.observe(id(now, 7, 9).rawValue)
        sequencer.observe(id(now - 1, 7, 99).rawValue)
        #expect(try sequencer.next(nowMs: now) == id(now, 7, 10))
    }

    /// P2, under a clock that jumps both ways, restarts and parents from anywhere.
    @Test func idsOnlyGrowWhateverTheClockDoes() throws {
        var generator = SeededGenerator(seed: Seed.fresh())
        var sequencer = IdSequencer(partition: partition, highWater: 0)
        var clock = now
        var last: UInt64 = 0
        for _ in 0..<20_000 {
            clock = UInt64(Int64(clock) + Int64.random(in: -300...320, using: &generator))
            if Int.random(in: 0..<50, using: &generator) == 0 {
                sequencer = IdSequencer(partition: partition, highWater: sequencer.highest)
            }
            let parent = Id(
                unixMs: clock + UInt64.random(in: 0...900, using: &generator),
                partition: PartitionId(UInt16.random(in: 0..<64, using: &generator)), sequence: 3)
            let above = Bool.random(using: &generator) ? parent.rawValue : 0
            // A refusal is right when the clock went back too far, and is looked at in the tests above.
            guard let id = try? sequencer.next(nowMs: clock, above: above) else { continue }
            #expect(id.rawValue > max(last, above) && id.partition == partition && !id.isTooFarAhead(ofMs: clock))
            last = id.rawValue
        }
        #expect(last > 0)
    }
}

import Cluster
import Messages
import Replication
import Storage
import Testing

@Suite struct PrimaryCoreTests {
    private func core(_ members: [NodeId]) -> PrimaryCore {
        PrimaryCore(epoch: 5, lastEpoch: 4, lastIndex: 10, appliedIndex: 10, members: members)
    }

    @Test func anEntryIsCommittedWhenAllMembersHaveItAndNotBefore() {
        var core = core(["a", "b", "c"])
        _ = core.propose()
        _ = core.propose()
        let step1 = core.madeDurable(by: "a", upTo: 12)
        #expect(step1 == [])
        let step2 = core.madeDurable(by: "b", upTo: 11)
        #expect(step2 == [])
        let step3 = core.madeDurable(by: "c", upTo: 12)
        #expect(step3 == [.apply(upTo: 11)])
        let step4 = core.madeDurable(by: "b", upTo: 12)
        #expect(step4 == [.apply(upTo: 12)])
        #expect(core.commitIndex == 12)
    }

    @Test func theFirstEntryOfAnEpochNamesTheEpochBefore() {
        var core = core(["a"])
        let step5 = core.propose()
        #expect(step5 == .init(epoch: 5, index: 11, previousEpoch: 4))
        let step6 = core.propose()
        #expect(step6 == .init(epoch: 5, index: 12, previousEpoch: 5))
    }

    @Test func whatWasNeverProposedOrIsNoMembersIsNotCounted() {
        var core = core(["a", "b"])
        _ = core.propose()
        let step7 = core.madeDurable(by: "stranger", upTo: 11)
        #expect(step7 == [])
        let step8 = core.madeDurable(by: "a", upTo: 11)
        #expect(step8 == [])
        let step9 = core.madeDurable(by: "b", upTo: 99)
        #expect(step9 == [])
        #expect(core.commitIndex == 10)
    }
}

extension PrimaryCoreTests {
    @Test func anEpochIsNeverContinued() async {
        for epoch in [UInt64(3), 4] {
            await #expect(processExitsWith: .failure) { [epoch = epoch as UInt64] in
                _ = PrimaryCore(epoch: epoch, lastEpoch: 4, lastIndex: 10, appliedIndex: 10, members: ["a"])
            }
        }
    }

    @Test func whatIsNotCommittedIsNotApplied() async {
        await #expect(processExitsWith: .failure) {
            var core = PrimaryCore(epoch: 5, lastEpoch: 4, lastIndex: 10, appliedIndex: 10, members: ["a", "b"])
            _ = core.propose()
            _ = core.madeDurable(by: "a", upTo: 11)
            core.applied(upTo: 11)
        }
    }

    /// Reports in any order: the commit index is the least that all members have, and it only grows.
    @Test func commitsFollowTheSlowestMember() {
        let seed = Seeded.fresh()
        var random = Seeded(seed)
        let members: [NodeId] = ["a", "b", "c"]
        for _ in 0..<300 {
            var core = PrimaryCore(epoch: 5, lastEpoch: 4, lastIndex: 10, appliedIndex: 10, members: members)
            var held = Dictionary(uniqueKeysWithValues: members.map { ($0, UInt64(10)) })
            var (proposed, committed) = (UInt64(10), UInt64(10))
            for _ in 0..<60 {
                if random.chance(40) {
                    proposed += 1
                    let position = core.propose()
                    #expect(position.index == proposed && position.epoch == 5)
                    continue
                }
                let member = members[Int.random(in: 0..<3, using: &random)]
                let index = UInt64.random(in: 10...proposed, using: &random)
                held[member] = max(held[member, default: 10], index)
                let least = held.values.min() ?? 10
                let expected: [PrimaryCore.Action] = least > committed ? [.apply(upTo: least)] : []
                let actions = core.madeDurable(by: member, upTo: index)
                #expect(actions == expected, "ROOKERY_SEED=\(seed)")
                committed = max(committed, least)
                #expect(core.commitIndex == committed, "ROOKERY_SEED=\(seed)")
            }
        }
    }
}

@Suite struct StoredEntryTests {
    private let entry = LogEntry.with {
        $0.epoch = 2
        $0.index = 9
        $0.effects = Array("effects".utf8)
        $0.events = [.with { $0.destination = 3 }]
    }

    private func decode(_ bytes: [UInt8]) throws -> LogEntry {
        try bytes.withUnsafeBytes { try StoredEntry.decode($0, partition: PartitionId(1)) }
    }

    @Test func comesBackAsItWas() throws {
        #expect(try decode(StoredEntry.encode(entry)) == entry)
    }

    @Test func aFlippedBitAnywhereIsNoticed() {
        let bytes = StoredEntry.encode(entry)
        for bit in 0..<bytes.count * 8 {
            var damaged = bytes
            damaged[bit / 8] ^= 1 << (bit % 8)
            #expect(throws: ReplicationError.self, "bit \(bit)") { try decode(damaged) }
        }
    }

    @Test func aShortenedEntryIsNoticed() {
        let bytes = StoredEntry.encode(entry)
        for count in 0..<bytes.count {
            #expect(throws: ReplicationError.self) { try decode(Array(bytes.prefix(count))) }
        }
    }
}

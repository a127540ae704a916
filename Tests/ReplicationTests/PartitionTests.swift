import Cluster
import Messages
import NIOCore
import Replication
import Storage
import Testing

/// The life of a partition over a store in memory.
@Suite struct PartitionTests {
    private struct No: Error {}

    private func request(_ bench: Bench, _ random: UInt64) -> RequestId {
        RequestId(timeMs: bench.clock.nowMs(), random: random)
    }

    @Test func whatIsAnsweredCanBeRead() async throws {
        let bench = Bench(MemoryStore())
        let partition = try await bench.start(epoch: 1)
        let outcome = try await partition.execute(Bench.count("likes", request: request(bench, 1)))
        #expect(outcome.answer == Array("likes".utf8) && outcome.index > 0)
        #expect(try bench.store.counter(.counts, Bench.key(partition.id, "likes")) == 1)
    }

    @Test func whatIsRefusedHasLeftNothing() async throws {
        let bench = Bench(MemoryStore())
        let partition = try await bench.start(epoch: 1)
        let before = try bench.store.dump()
        let command = Command(requestId: request(bench, 1), latches: [.write(1, 1)], newIds: 1) { evaluation in
            evaluation.rows.put(.users, [0, 1, 2], [3])
            evaluation.tell(PartitionId(2), .eventCounted, Counted())
            throw No()
        }
        await #expect(throws: No.self) { try await partition.execute(command) }
        #expect(try bench.store.dump() == before)
        // And its latch is free.
        _ = try await partition.execute(Bench.increment("n"))
    }

    @Test func aRequestHappensOnceHoweverOftenItIsSent() async throws {
        let bench = Bench(MemoryStore())
        let partition = try await bench.start(epoch: 1)
        let command = Bench.count("likes", request: request(bench, 7))
        let indexes = try await withThrowingTaskGroup(of: Outcome.self) { group in
            for _ in 0..<100 { group.addTask { try await partition.execute(command) } }
            return try await group.reduce(into: Set<UInt64>()) { $0.insert($1.index) }
        }
        #expect(indexes.count == 1)
        #expect(try bench.store.counter(.counts, Bench.key(partition.id, "likes")) == 1)

        await partition.stop()
        let again = try await bench.start(epoch: 2)
        let outcome = try await again.execute(command)
        #expect(outcome.wasRemembered && Set([outcome.index]) == indexes)
        #expect(try bench.store.counter(.counts, Bench.key(partition.id, "likes")) == 1)
    }

    @Test func requestIdsOfAnotherTimeAreRefused() async throws {
        let bench = Bench(MemoryStore())
        let partition = try await bench.start(epoch: 1)
        let now = bench.clock.nowMs()
        let day: UInt64 = 24 * 3600 * 1000
        let times: [(UInt64, ReplicationError?)] = [
            (now - day + 1, nil), (now - day, .requestExpired), (0, .requestExpired), (now + 60_000, nil),
            (now + 600_000, .requestFromFuture), (.max - 1, .requestFromFuture), (.max, nil),
        ]
        for (time, refusal) in times {
            let command = Bench.count("likes", request: RequestId(timeMs: time, random: 1))
            if let refusal {
                await #expect(throws: refusal, "\(time)") { try await partition.execute(command) }
            } else {
                _ = try await partition.execute(command)
            }
        }
    }

    @Test func answersAreForgottenAfterADayButImportKeysAreNot() async throws {
        let bench = Bench(MemoryStore())
        let partition = try await bench.start(epoch: 1)
        let (short, long) = (request(bench, 1), RequestId.permanent(hash: 5))
        _ = try await partition.execute(Bench.count("a", request: short))
        _ = try await partition.execute(Bench.count("a", request: long))
        bench.clock.advance(25 * 3600 * 1000)
        try await partition.forgetOldRequests()
        #expect(try bench.store.get(.requests, ReplicationKeys.request(partition.id, short)) == nil)
        #expect(try await partition.execute(Bench.count("a", request: long)).wasRemembered)
        #expect(try bench.store.counter(.counts, Bench.key(partition.id, "a")) == 2)
    }

    @Test func commandsOnOneRowLoseNothing() async throws {
        let bench = Bench(MemoryStore())
        let partition = try await bench.start(epoch: 1)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<200 { group.addTask { _ = try await partition.execute(Bench.increment("n")) } }
            try await group.waitForAll()
        }
        #expect(try bench.store.get(.users, Bench.key(partition.id, "n")) == [200])
    }

    @Test func commandsOfAMomentShareEntries() async throws {
        let bench = Bench(MemoryStore())
        let partition = try await bench.start(epoch: 1)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for i in UInt64(0)..<1000 {
                let command = Bench.count("likes", request: request(bench, i))
                group.addTask { _ = try await partition.execute(command) }
            }
            try await group.waitForAll()
        }
        #expect(try bench.store.counter(.counts, Bench.key(partition.id, "likes")) == 1000)
        #expect(await partition.status().lastIndex < 1000)
    }

    @Test func idsGrowThroughRestartsAndAClockSetBack() async throws {
        let bench = Bench(MemoryStore())
        var last: UInt64 = 0
        for epoch in UInt64(1)...4 {
            let partition = try await bench.start(epoch: epoch)
            for _ in 0..<50 {
                let command = Command(requestId: nil, latches: [], newIds: 2) { evaluation in
                    evaluation.rows.put(.users, [0, 1], [1])
                    return evaluation.ids.flatMap { id in withUnsafeBytes(of: id.rawValue.bigEndian) { Array($0) } }
                }
                let answer = try await partition.execute(command).answer
                for id in stride(from: 0, to: 16, by: 8).map({ answer[$0..<$0 + 8].reduce(0) { $0 << 8 | UInt64($1) } })
                {
                    #expect(id > last)
                    last = id
                }
            }
            await partition.stop()
            bench.clock.set(bench.clock.nowMs() - 200)
        }
        bench.clock.set(bench.clock.nowMs() - 5000)
        let partition = try await bench.start(epoch: 5)
        await #expect(throws: ReplicationError.clockBehind(partition: partition.id)) {
            try await partition.execute(Command(requestId: nil, latches: [], newIds: 1) { _ in [] })
        }
    }

    @Test func aSessionWaitsForItsWriteAndNoLonger() async throws {
        let bench = Bench(MemoryStore())
        let partition = try await bench.start(2, epoch: 1)
        let source = PartitionId(1)
        await #expect(throws: ReplicationError.notCaughtUp(partition: partition.id)) {
            try await partition.waitFor(source, index: 3, deadline: .now())
        }
        async let arrived: Void = partition.waitFor(source, index: 3, deadline: .distantFuture)
        let batch = StreamBatch.with {
            $0.source = 1
            $0.destination = 2
            $0.incarnation = 1
            $0.to = 3
            $0.events = [.with { $0.index = 3 }]
        }
        // Sent twice, taken once.
        let cursors = try await [partition.receive([batch]), partition.receive([batch])].flatMap { $0 }
        #expect(cursors.map(\.index) == [3, 3])
        try await arrived
        #expect(try bench.store.counter(.counts, Bench.key(partition.id, "heard")) == 1)
    }
}

import Cluster
import Replication
import Storage

/// What clients did to a partition before the power went, and what must be found afterwards.
struct CrashStory: Sendable {
    /// Something a client was told, and how much of the disk's history was safe when it was told.
    struct Promise: Sendable {
        var safeWrites: Int
        var answer: [UInt8]
    }

    static let source = PartitionId(30)

    var commands: [UInt64] = []
    var promises: [UInt64: Promise] = [:]
    /// Cursors of the source's stream that were answered.
    var cursors: [(index: UInt64, safeWrites: Int)] = []

    static func request(_ command: UInt64) -> RequestId { RequestId(timeMs: TestClock.noonMs, random: command) }

    /// Counts on a row of its own and on a common one. Every other one also reads, adds to and writes a third, so these
    /// wait for each other; the rest may share entries.
    static func command(_ number: UInt64) -> Command {
        let waits = takesTurns(number)
        return Command(requestId: request(number), latches: waits ? [.write(1, 0)] : []) { evaluation in
            try evaluation.rows.merge(.counts, Rows.key(number), delta: 1)
            try evaluation.rows.merge(.counts, Rows.key(0), delta: 1)
            guard waits else { return Array("\(number)".utf8) }
            let next = try evaluation.rows.counter(.reactions, Rows.key(0)) + 1
            evaluation.rows.put(.reactions, Rows.key(0), CounterValue.encode(next))
            return CounterValue.encode(next)
        }
    }

    private static func takesTurns(_ number: UInt64) -> Bool { number % 2 == 0 }

    private enum Deed: Sendable {
        case answered(UInt64, Promise)
        case received(UInt64, safeWrites: Int)
    }

    /// Each client does its commands one after the other; a stream arrives meanwhile.
    static func tell(clients: Int, commandsEach: Int, streamed: UInt64, store: ForgetfulStore) async throws
        -> CrashStory
    {
        var settings = Partition.Settings()
        settings.keepEntries = 4
        return try await withPartition(over: store, epoch: 1, settings: settings) { partition in
            try await withThrowingTaskGroup(of: [Deed].self) { group in
                for client in 0..<clients {
                    group.addTask { try await work(client, commandsEach, partition, store) }
                }
                group.addTask { try await stream(upTo: streamed, partition, store) }
                return try await group.reduce(into: CrashStory()) { story, deeds in story.note(deeds) }
            }
        }
    }

    private static func work(
        _ client: Int, _ count: Int, _ partition: Partition, _ store: ForgetfulStore
    ) async throws -> [Deed] {
        var deeds: [Deed] = []
        for turn in 0..<count {
            let number = UInt64(client * 1000 + turn + 1)
            let outcome = try await partition.execute(command(number))
            deeds.append(.answered(number, Promise(safeWrites: store.syncedCount, answer: outcome.answer)))
        }
        return deeds
    }

    private static func stream(upTo last: UInt64, _ partition: Partition, _ store: ForgetfulStore) async throws
        -> [Deed]
    {
        var deeds: [Deed] = []
        var cursor: UInt64 = 0
        while cursor < last {
            cursor = try await partition.receive([.told(by: source, from: cursor, to: cursor + 1)])[0].index
            deeds.append(.received(cursor, safeWrites: store.syncedCount))
        }
        return deeds
    }

    private mutating func note(_ deeds: [Deed]) {
        for deed in deeds {
            switch deed {
            case .answered(let number, let promise):
                commands.append(number)
                promises[number] = promise
            case .received(let index, let safeWrites): cursors.append((index, safeWrites))
            }
        }
    }

    /// What is wrong with the partition that came back with the first `kept` writes; nothing, if all is well.
    func violations(in partition: Partition, _ store: any Store, kept: Int) async throws -> [String] {
        var found: [String] = []
        var (done, inTurn): (Int64, Int64) = (0, 0)
        for number in commands {
            let effects = try store.counter(.counts, Rows.key(number))
            let answer = try await partition.remembered(Self.request(number))?.answer
            done += effects
            if Self.takesTurns(number) { inTurn += effects }
            if effects > 1 { found.append("command \(number) took effect \(effects) times") }
            if (effects == 1) != (answer != nil) { found.append("command \(number): effect and answer part") }
            guard let promise = promises[number], promise.safeWrites <= kept else { continue }
            if answer != promise.answer { found.append("command \(number) was answered and is lost") }
        }
        if try store.counter(.counts, Rows.key(0)) != done { found.append("the common count is not the sum") }
        if try store.counter(.reactions, Rows.key(0)) != inTurn { found.append("the common row is not the sum") }
        let heard = try Rows.heard(store, at: .home, from: Self.source)
        if heard != Array(1..<UInt64(heard.count) + 1) { found.append("the stream was taken as \(heard)") }
        for (index, safe) in cursors where safe <= kept && heard.count < index {
            found.append("stream index \(index) was answered and is lost")
        }
        return found
    }

    /// Clients and the source try again until they are answered; then everything is there exactly once.
    func violationsAfterRetry(in partition: Partition, _ store: any Store, kept: Int) async throws -> [String] {
        for number in commands { _ = try await partition.execute(Self.command(number)) }
        var cursor = try await partition.receive([.with { $0.source = UInt32(Self.source.rawValue) }])[0].index
        let last = cursors.map(\.index).max() ?? 0
        while cursor < last {
            cursor = try await partition.receive([.told(by: Self.source, from: cursor, to: last)])[0].index
        }
        var found = try await violations(in: partition, store, kept: kept)
        let common = try store.counter(.counts, Rows.key(0))
        if common != Int64(commands.count) { found.append("\(common) of \(commands.count) commands after the retry") }
        if try Rows.heard(store, at: .home, from: Self.source).count != Int(last) { found.append("stream is short") }
        return found
    }
}

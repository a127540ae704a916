import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import RPC

/// What is tried only while it pays, and credit that is given back some at a time.
@Suite struct AdaptiveTryTests {
    @Test func whatPaysIsTriedEachTime() {
        var pays = AdaptiveTry(mostStrikes: 8)
        for _ in 0..<100 {
            let isDue = pays.isDue()
            #expect(isDue)
            pays.ended(paid: true)
        }
    }

    /// So that a connection whose next call is always far away costs next to nothing.
    @Test func whatDoesNotPayGrowsRareUntilItDoes() {
        var pays = AdaptiveTry(mostStrikes: 8)
        let tries = (0..<10_000).count { _ in
            guard pays.isDue() else { return false }
            pays.ended(paid: false)
            return true
        }
        #expect((20...60).contains(tries), "\(tries) tries at 10,000 chances")
        while !pays.isDue() {}
        pays.ended(paid: true)
        let isDue = pays.isDue()
        #expect(isDue)
    }

    /// Of a connection whose messages do not compress, few are tried; one that does brings the others back.
    @Test func messagesThatDoNotCompressAreSoonLeftAlone() {
        var coding = MessageCoding(compressFrom: 32, acceptsCompressed: true, maxMessageBytes: 1000)
        var dice = SeededGenerator(seed: 1)
        var output = ByteBuffer()
        for _ in 0..<20 {
            let noise = (0..<100).map { _ in UInt8.random(in: .min ... .max, using: &dice) }
            #expect(coding.write(noise, into: &output) == [])
        }
        let even = [UInt8](repeating: 7, count: 100)
        let untilTried = (0..<100).first { _ in coding.write(even, into: &output) == .compressed }
        #expect((1..<64).contains(untilTried ?? 0), "after \(untilTried ?? -1) messages")
        #expect(coding.write(even, into: &output) == .compressed)
        #expect(coding.write(even, .never, into: &output) == [])
    }

    /// Nothing is owed by a consumer that must wait: its sender could be waiting for just that.
    @Test func creditComesBackSomeAtATimeAndAllBeforeAWait() async {
        let queue = MessageQueue<Int>()
        for _ in 0..<5 { queue.append([1], cost: 50_000) }
        var credits: [Int] = []
        for _ in 0..<5 { if case .message(_, let credit) = await queue.next() { credits.append(credit) } }
        #expect(credits == [0, 0, 150_000, 0, 100_000])
        async let waited = queue.next()
        queue.append([2], cost: 7)
        guard case .message(_, 7) = await waited else { return #expect(Bool(false), "7 bytes are given back") }
        for _ in 0..<3 { queue.append([3], cost: 10) }
        _ = await queue.next()
        #expect(queue.discard() == 30)
    }

    /// Looks after each read: the first time for as long as it takes, then for a moment.
    private final class Looker: WireHandler {
        let reads = Mutex(0)
        let looks = Mutex<[Bool]>([])
        private let wire = Mutex<UncheckedWire?>(nil)

        private struct UncheckedWire: @unchecked Sendable {  // Used on the connection's loop only.
            let wire: any Wire
        }

        func opened(_ wire: any Wire) {
            self.wire.withLock { $0 = UncheckedWire(wire: wire) }
        }
        func received(_ bytes: ByteBuffer) {}
        func readCompleted() {
            guard let wire = wire.withLock({ $0 })?.wire else { return }
            let isFirst = reads.withLock { reads in
                reads += 1
                return reads == 1
            }
            let found = wire.awaitBytes(atMost: isFirst ? .seconds(30) : .milliseconds(1))
            looks.withLock { $0.append(found) }
        }
        func writabilityChanged(_ isWritable: Bool) {}
        func closed(_ reason: String?) {}
    }

    @Test func aTCPConnectionTellsWhetherBytesHaveCome() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let looker = Looker()
        let listener = try await TCPTransport(group: group)
            .listen(host: "127.0.0.1", port: 0, group: group) { _ in looker }.get()
        let sender = try await ClientBootstrap(group: group).connect(host: "127.0.0.1", port: listener.port).get()
        try await sender.writeAndFlush(ByteBuffer(string: "one"))
        try await eventually("it looks for more") { looker.reads.withLock { $0 } == 1 }
        try await sender.writeAndFlush(ByteBuffer(string: "two"))
        try await eventually("it found two, and nothing after") { looker.looks.withLock { $0 } == [true, false] }
        try await sender.close()
        try await listener.close().get()
        try await group.shutdownGracefully()
    }
}

import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import RPC

/// Looking for a connection's next bytes, awake.
@Suite struct BusyPollTests {
    @Test func aLookThatPaidIsFollowedByTheNext() {
        var poll = BusyPoll()
        for _ in 0..<100 {
            let isDue = poll.isDue()
            #expect(isDue)
            poll.ended(found: true)
        }
    }

    /// So that a connection whose next call is always far away costs next to nothing.
    @Test func looksThatDidNotPayGrowRareAndOneThatDidEndsThat() {
        var poll = BusyPoll()
        let looks = (0..<10_000).count { _ in
            guard poll.isDue() else { return false }
            poll.ended(found: false)
            return true
        }
        #expect((20...60).contains(looks), "\(looks) looks at 10,000 reads")
        while !poll.isDue() {}
        poll.ended(found: true)
        let isDue = poll.isDue()
        #expect(isDue)
    }

    /// Answers "yes" at once where bytes lie in the socket, and "no" after the limit where none do.
    private final class Looker: WireHandler {
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
            // The sender's second part may be on its way still: that is looked for as long as it takes.
            let isFirst = looks.withLock { $0.isEmpty }
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
        try await sender.writeAndFlush(ByteBuffer(string: "two"))
        try await eventually("both reads looked") { looker.looks.withLock { $0.count } >= 1 }
        try await sender.writeAndFlush(ByteBuffer(string: "three"))
        try await eventually("the last read looked in vain") { looker.looks.withLock { $0.last } == false }
        try await sender.close()
        try await listener.close().get()
        try await group.shutdownGracefully()
    }
}

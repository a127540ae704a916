import NIOCore
import Testing

@testable import RPC

/// What a connection counts and tells of itself, as values.
@Suite struct ConnectionReportTests {
    @Test func aStreamIsOpenThenHalfClosedThenGone() {
        var scene = ServerScene()
        scene.request(1, .bidirectional)
        #expect(scene.connection.streams[1]?.state == .open)
        scene.hear(.end, flags: .endStream, stream: 1)
        #expect(scene.connection.streams[1]?.state == .halfClosed)
        scene.finish(1)
        #expect(scene.connection.streams[1] == nil)
        #expect(scene.connection.traffic.succeeded == 1 && scene.connection.traffic.failed == 0)
    }

    /// A handler that has ended while its messages wait has not answered yet.
    @Test func anAnswerBehindMessagesIsDrainingAndCountsWhenItLeaves() {
        var client = Limits.client
        client.streamCreditBytes = 0
        var scene = ServerScene(client: client)
        scene.request(1, .serverStreaming)
        scene.send(10, on: 1)
        scene.finish(1)
        #expect(scene.connection.streams[1]?.state == .draining)
        #expect(scene.connection.outgoing.half(1)?.waiting == 1)
        #expect(scene.connection.traffic.succeeded == 0)
        var credit = ByteBuffer()
        Credit.write(100, stream: 1, into: &credit)
        scene.hear(credit)
        #expect(scene.connection.streams[1] == nil && scene.connection.traffic.succeeded == 1)
    }

    @Test func aCancelledCallIsAbandonedUntilItsHandlerHasEndedAndFailsOnce() {
        var scene = ServerScene()
        scene.request(1)
        scene.hear(.cancel, stream: 1)
        #expect(scene.connection.streams[1]?.state == .abandoned)
        #expect(scene.connection.traffic.failed == 1)
        scene.finish(1)
        #expect(scene.connection.traffic.failed == 1 && scene.connection.traffic.succeeded == 0)
    }

    /// One that cannot be sent is told as an error, and so it is counted as one.
    @Test func anAnswerAboveTheLimitIsAFailure() {
        var client = Limits.client
        client.maxMessageBytes = 10
        var scene = ServerScene(client: client)
        scene.request(1)
        scene.finish(1, .success(Answer([UInt8](repeating: 1, count: 11))))
        #expect(scene.connection.traffic.failed == 1 && scene.connection.traffic.succeeded == 0)
    }

    @Test func aCallInPlaceIsUse() {
        var scene = ServerScene()
        scene.pass(.seconds(5))
        scene.hear(RawFrames.request([], method: ServerScene.inPlace, stream: 1))
        #expect(scene.connection.age.lastBusy == scene.now)
    }

    @Test func aRoundTripIsTimedFromItsOwnPing() {
        var timer = RoundTripTimer()
        let start = NIODeadline.uptimeNanoseconds(1_000_000)
        timer.ponged(now: start)
        #expect(timer.last == nil, "nobody asked")
        timer.pinged(now: start)
        timer.pinged(now: start + .microseconds(50))
        #expect(timer.last == nil)
        timer.ponged(now: start + .microseconds(70))
        timer.ponged(now: start + .seconds(1))
        #expect(timer.last?.time == .microseconds(70) && timer.last?.at == start + .microseconds(70))
    }

    @Test func addressesOfThisMachineAreKnown() throws {
        for (address, isOurs) in [
            ("127.0.0.1", true), ("127.1.2.3", true), ("::1", true), ("::ffff:127.0.0.1", true), ("10.0.0.1", false),
            ("128.0.0.1", false), ("::2", false), ("::ffff:10.0.0.1", false),
        ] {
            #expect(try SocketAddress(ipAddress: address, port: 1).isLoopback == isOurs, "\(address)")
        }
    }
}

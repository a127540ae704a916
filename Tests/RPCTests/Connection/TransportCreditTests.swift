import NIOCore
import Testing

@testable import RPC

/// Whether the transport takes more, which is a third credit: what waits for it, where, and for how long.
@Suite struct TransportCreditTests {
    // MARK: The accepting side

    private func stuffed(held: Int = 1 << 20) -> ServerScene {
        var configuration = Stage.configuration()
        configuration.maxWaitingBytes = held
        var scene = ServerScene(configuration)
        scene.request(1, .bidirectional)
        for stream in stride(from: UInt32(3), to: 21, by: 2) { scene.request(stream) }
        _ = scene.commands()
        scene.connection.writabilityChanged(false, now: scene.now)
        return scene
    }

    private func bytes(_ count: Int) -> Result<Answer, RPCError> {
        .success(Answer([UInt8](repeating: 1, count: count), compression: .never))
    }

    @Test func whatIsReadyWaitsForTheSocketInOrder() {
        var scene = stuffed()
        for stream in [UInt32(5), 3, 7] { scene.finish(stream, bytes(10)) }
        for _ in 0..<3 { scene.send(10, on: 1) }
        #expect(scene.said().isEmpty && scene.commands().isEmpty)
        #expect(scene.connection.streams.count == 10, "they keep their places")
        scene.unstuff()
        let said = scene.said()
        #expect(said.map(\.stream) == [1, 1, 1, 5, 3, 7])
        #expect(said.map(\.kind) == [.message, .message, .message, .response, .response, .response])
        #expect(scene.commands().count == 3 && scene.connection.streams.count == 7)
        #expect(scene.connection.heldBytes == 0)
    }

    /// The connection is not closed for it, and the calls that were refused may be made again.
    @Test func whatMayWaitIsBounded() throws {
        var scene = stuffed(held: 60_000)
        for stream in stride(from: UInt32(3), to: 17, by: 2) { scene.finish(stream, bytes(10_000)) }
        scene.finish(17, .failure(RPCError(.notFound, "gone", ran: .no, details: [UInt8](repeating: 1, count: 10_000))))
        #expect((50_000..<51_000).contains(scene.connection.heldBytes))
        // All that the server counts of this connection, and nothing when they have left.
        #expect(scene.connection.keptBytes == scene.connection.heldBytes)
        scene.unstuff()
        #expect(scene.connection.keptBytes == 0)
        let errors = try scene.said().map { frame in
            var payload = frame.payload
            return try ResponseTrailer(from: &payload).error
        }
        #expect(errors.prefix(5).allSatisfy { $0 == nil } && errors.count == 8)
        for error in errors[5..<7] {
            #expect(error?.code == .resourceExhausted && error?.ran == .yes && error?.retryable == true)
        }
        #expect(errors.last??.code == .notFound && errors.last??.ran == Ran.no && errors.last??.details == [])
    }

    @Test func whoWaitsNoLongerTakesNoRoom() {
        var scene = stuffed(held: 50_000)
        scene.finish(3, bytes(40_000))
        scene.connection.silence(3, RPCError(.cancelled, "gone"), into: &scene.actions)
        #expect(scene.connection.heldBytes == 0 && scene.connection.streams[3] == nil)
        scene.finish(5, bytes(40_000))
        scene.unstuff()
        #expect(scene.said().map(\.stream) == [5])
    }

    @Test func nothingIsHeardUntilTheSocketTakesMore() {
        var scene = stuffed()
        scene.request(21)
        scene.hear(.ping, bytes: 8)
        #expect(scene.said().isEmpty && scene.commands().isEmpty)
        scene.unstuff()
        #expect(scene.said().map(\.kind) == [.pong] && scene.commands().count == 1)
    }

    /// However much comes at once: others have their turn, and the answers are handed on between.
    @Test func aTurnIsBounded() {
        var scene = ServerScene()
        var bytes = ByteBuffer()
        for n in 0..<UInt32(3000) {
            bytes.writeImmutableBuffer(RawFrames.request([], method: ServerScene.inPlace, stream: 2 * n + 1))
        }
        scene.hear(bytes)
        var turns: [Int] = []
        while !scene.connection.inPlace.isEmpty {
            turns.append(scene.connection.inPlace.count)
            scene.answerInPlace()
            #expect(scene.said().count == turns.last)
            scene.connection.goOn(now: scene.now, into: &scene.actions)
        }
        #expect(turns == [1024, 1024, 952])
    }

    // MARK: The connecting side

    @Test func whatTheTransportDoesNotTakeWaits() {
        var scene = ClientScene()
        scene.welcome()
        _ = (scene.said(), scene.commands())
        let chat = scene.call(.bidirectional)
        _ = (scene.said(), scene.commands())
        scene.connection.writabilityChanged(false, now: scene.now)
        let (waiting, overdue) = (scene.call(), scene.call(timeout: .seconds(1)))
        let inPlace = scene.callInPlace()
        for _ in 0..<3 { _ = scene.send(10, on: chat) }
        scene.finish(chat)
        for _ in 0..<1000 { scene.hear(.ping, payload: PingPayload.keepalive) }
        #expect(scene.said().map(\.kind) == [.pong] && !inPlace)
        scene.pass(.seconds(1))
        #expect(scene.ends()[overdue]?.error?.ran == .no && scene.said().isEmpty)
        scene.unstuff()
        let said = scene.said()
        #expect(said.map(\.kind) == [.message, .message, .message, .end, .request])
        #expect(said.last?.stream == waiting && scene.commands().count == 3)
        scene.hear(.ping, payload: PingPayload.keepalive)
        #expect(scene.said().map(\.kind) == [.pong])
    }

    /// Calls as large as they may be are not all put into one buffer.
    @Test func aTurnOfLargeCallsIsBounded() {
        var scene = ClientScene()
        scene.welcome()
        _ = (scene.said(), scene.commands())
        for _ in 0..<10 { _ = scene.call(bytes: 600_000) }
        #expect(scene.said().count == 2 && scene.connection.mayGoOn)
        for _ in 0..<4 {
            scene.unstuff()
            #expect(scene.said().count == 2)
        }
        #expect(!scene.connection.mayGoOn)
    }

    /// A server that takes a byte now and then lives; a PING would stand behind the megabytes that wait for it.
    @Test func whoTakesNothingIsGivenUpAndWhoIsSlowIsNot() {
        var scene = ClientScene(ChannelConfiguration(clusterId: "nest"))
        scene.welcome()
        let stream = scene.call()
        _ = (scene.said(), scene.commands())
        scene.connection.traffic.bytesOut = 1_000_000
        scene.connection.writabilityChanged(false, waiting: 900_000, now: scene.now)
        for waiting in stride(from: 899_999, through: 899_990, by: -1) {
            scene.pass(.seconds(30), waiting: waiting)
            #expect(scene.connection.phase == .open && scene.said().isEmpty)
        }
        scene.pass(.seconds(30), waiting: 899_990)
        #expect(scene.ends()[stream]?.error?.code == .unavailable && scene.connection.phase == .closed)
    }
}

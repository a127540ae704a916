import NIOCore
import Testing

@testable import RPC

/// The connecting side's calls, decided: who waits, who leaves, who is made again elsewhere.
@Suite struct ClientConnectionFlowTests {
    private func open(maxStreams: Int = 4096) -> ClientScene {
        var scene = ClientScene()
        scene.welcome(limits: Limits(maxConcurrentStreams: maxStreams))
        _ = (scene.said(), scene.commands())
        return scene
    }

    // MARK: Waiting for a place

    @Test func callsAboveTheServersLimitLeaveInOrder() {
        var scene = open(maxStreams: 2)
        let streams = (0..<5).map { _ in scene.call() }
        #expect(scene.said().map(\.stream) == Array(streams.prefix(2)))
        // One that waits goes away; its turn is the next one's.
        scene.cancel(streams[2])
        #expect(scene.said().isEmpty)
        #expect(scene.ends()[streams[2]]?.error?.ran == .no)
        scene.hear(RawEnd.response(streams[0]))
        #expect(scene.said().map(\.stream) == [streams[3]])
        // One that runs is cancelled: its place is free at once.
        scene.cancel(streams[1])
        let said = scene.said()
        #expect(said.map(\.kind) == [.cancel, .request] && said.map(\.stream) == [streams[1], streams[4]])
    }

    @Test func callsThatWaitForWelcomeLeaveWithIt() {
        var scene = ClientScene()
        let streams = (0..<3).map { _ in scene.call() }
        #expect(scene.said().isEmpty)
        scene.welcome(limits: Limits(maxConcurrentStreams: 2))
        #expect(scene.said().map(\.stream) == Array(streams.prefix(2)))
    }

    /// Entries of calls that have ended are swept, and the others keep their order.
    @Test func theQueueIsAsLongAsThoseWhoWait() {
        var scene = open(maxStreams: 1)
        let first = scene.call()
        var waiting: [UInt32] = []
        for n in 0..<10_000 {
            let stream = scene.call()
            if n.isMultiple(of: 1000) { waiting.append(stream) } else { scene.cancel(stream) }
            #expect(scene.connection.queue.count <= 65)
        }
        _ = (scene.said(), scene.commands())
        var running = first
        for stream in waiting {
            scene.hear(RawEnd.response(running))
            #expect(scene.said().map(\.stream) == [stream])
            running = stream
        }
    }

    /// A place that one of them leaves is no use to another whose time is over, too.
    @Test func whoseTimeIsOverDoesNotLeaveFirst() {
        var scene = open(maxStreams: 1)
        let overdue = (0..<3).map { _ in scene.call(timeout: .seconds(1)) }
        let patient = scene.call(timeout: .seconds(2))
        _ = scene.said()
        scene.pass(.seconds(1))
        let said = scene.said()
        #expect(said.map(\.kind) == [.cancel, .request] && said.map(\.stream) == [overdue[0], patient])
        let ends = scene.ends()
        #expect(ends.keys.sorted() == overdue)
        #expect(overdue.map { ends[$0]?.error?.ran } == [.unknown, .no, .no])
        #expect(ends.values.allSatisfy { $0.error?.code == .deadlineExceeded })
    }

    /// Nobody wants the answer, and a handler that was started for it might do something.
    @Test(arguments: [TimeAmount.zero, .seconds(-1)])
    func whoseTimeIsOverDoesNotLeave(timeout: TimeAmount) {
        var scene = open()
        let stream = scene.call(timeout: timeout)
        let inPlace = scene.callInPlace(timeout: timeout)
        #expect(scene.said().isEmpty && !inPlace)
        let error = scene.ends()[stream]?.error
        #expect(error?.code == .deadlineExceeded && error?.ran == .no)
        let isCalled = scene.callInPlace(timeout: .nanoseconds(1))
        #expect(isCalled && scene.said().map(\.kind) == [.request])
    }

    /// Ids are numbers of 32 bits: the next call takes the long way, to a new connection.
    @Test func whereIdsHaveRunOutNothingIsCalledInPlace() {
        var scene = open()
        scene.connection.nextStream = .max - 4
        let (last, none) = (scene.callInPlace(), scene.callInPlace())
        #expect(last && !none && !scene.connection.takesCalls)
        #expect(scene.said().map(\.stream) == [.max - 4])
    }

    @Test func moreThanMayWaitAreRefused() {
        var configuration = ChannelConfiguration(clusterId: "nest", keepalive: KeepaliveConfiguration(interval: nil))
        configuration.maxWaitingCalls = 2
        var scene = ClientScene(configuration)
        let streams = (0..<3).map { _ in scene.call() }
        let ends = scene.ends()
        #expect(ends.keys.sorted() == [streams[2]])
        #expect(ends[streams[2]]?.error?.code == .resourceExhausted && ends[streams[2]]?.error?.ran == .no)
    }

    // MARK: Ends

    @Test func goAwayTwice() {
        var scene = open(maxStreams: 3)
        let (unary, parts, chat) = (scene.call(), scene.call(.serverStreaming), scene.call(.bidirectional))
        let waiting = scene.call()
        _ = (scene.said(), scene.commands())
        // The first: everything that was sent is still welcome, nothing new leaves.
        scene.hear(.goAway, payload: GoAway(lastStream: .max, reason: "bye").packed())
        var ends = scene.ends()
        #expect(ends.keys.sorted() == [waiting] && ends[waiting]?.isReturned == true)
        #expect(!scene.connection.takesCalls)
        // The second: what came too late was not taken. Messages may have left on the last one, so it is not moved.
        scene.hear(.goAway, payload: GoAway(lastStream: unary, reason: "bye").packed())
        ends = scene.ends()
        #expect(ends.keys.sorted() == [parts, chat])
        #expect(ends[parts]?.isReturned == true && ends[chat]?.isReturned == false)
        #expect(ends.values.allSatisfy { $0.error?.ran == .no && $0.error?.retryable == true })
        scene.hear(RawEnd.response(unary))
        #expect(scene.ends()[unary] == .answered)
        #expect(scene.connection.phase == .closed)
    }

    @Test func theLastCallsCancellationEndsAConnectionThatGoesAway() {
        var scene = open()
        let stream = scene.call()
        scene.hear(.goAway, payload: GoAway(lastStream: .max, reason: "bye").packed())
        #expect(scene.connection.phase == .goingAway)
        scene.cancel(stream)
        #expect(scene.connection.phase == .closed)
    }

    /// What has left may have run; what has not is made again, if somebody waits for that or the server was there.
    @Test func aLostConnectionReturnsWhatNeverLeft() {
        var scene = open(maxStreams: 1)
        let (sent, waiting) = (scene.call(), scene.call())
        _ = scene.commands()
        scene.lose()
        let ends = scene.ends()
        #expect(ends[sent]?.isReturned == false && ends[sent]?.error?.ran == .unknown)
        #expect(ends[waiting]?.isReturned == true && ends[waiting]?.error?.ran == .no)

        var never = ClientScene()
        let (hasty, patient) = (never.call(), never.call(waitsForReady: true))
        never.lose()
        let outcome = never.ends()
        #expect(outcome[hasty]?.isReturned == false && outcome[hasty]?.error?.ran == .no)
        #expect(outcome[patient]?.isReturned == true)
    }

    /// The channel learns first that there is no connection, and then what to do without it.
    @Test func theEndIsToldBeforeTheCallsThatMove() throws {
        var scene = open(maxStreams: 1)
        _ = (scene.call(), scene.call(), scene.commands())
        scene.lose()
        let kinds = scene.commands().map { command in
            switch command {
            case .completed: "completed"
            case .close: "close"
            case .returned: "returned"
            default: "other"
            }
        }
        #expect(kinds == ["completed", "close", "returned"])
    }

    // MARK: What a server may not say

    private func expectClose(_ reason: String, _ scene: inout ClientScene) throws {
        let last = try #require(scene.said().last)
        try #require(last.kind == .close)
        #expect(try Close(unpacking: last.payload).reason.contains(reason))
        #expect(scene.connection.phase == .closed)
    }

    @Test func metadataComesFirstAndOnce() throws {
        let some = Metadata(entries: [.init(key: "a", text: "b")]).packed()
        for (before, reason) in [(FrameKind.metadata, some), (.message, [1])] {
            var scene = open()
            let stream = scene.call(.serverStreaming)
            scene.hear(before, stream: stream, payload: reason)
            #expect(scene.connection.phase == .open)
            scene.hear(.metadata, stream: stream, payload: some)
            try expectClose("METADATA that comes too late, or twice", &scene)
        }
    }

    /// The call is over: what is still said of it has crossed its end.
    @Test func whatComesForAnEndedStreamIsIgnored() {
        var scene = open()
        let stream = scene.call(.serverStreaming)
        scene.cancel(stream)
        _ = (scene.said(), scene.commands())
        scene.hear(.metadata, stream: stream)
        scene.hear(.message, stream: stream, payload: [1])
        scene.hear(RawEnd.response(stream))
        #expect(scene.connection.phase == .open)
        #expect(scene.commands().isEmpty)
    }

    @Test(arguments: [MethodKind.unary, .clientStreaming])
    func aCallWithOneAnswerHearsNoMessages(kind: MethodKind) throws {
        var scene = open()
        let stream = scene.call(kind)
        _ = scene.said()
        scene.hear(.message, stream: stream, payload: [1])
        try expectClose("a MESSAGE on the stream of a \(kind) call", &scene)
    }

    @Test func anAnswerToAQuestionThatWasNotPutIsMalformed() throws {
        var scene = open(maxStreams: 1)
        _ = scene.call()
        let waiting = scene.call()
        _ = scene.said()
        scene.hear(RawEnd.response(waiting))
        try expectClose("an answer to a request that was not sent", &scene)
    }

    // MARK: Speaking

    @Test func endGoesBehindWhatWaitsForCredit() {
        var scene = ClientScene()
        scene.welcome(limits: Limits(streamCreditBytes: 10))
        _ = scene.said()
        let stream = scene.call(.clientStreaming)
        let (first, second) = (scene.send(20, on: stream), scene.send(20, on: stream))
        #expect(first == nil && second == nil)
        scene.finish(stream)
        #expect(scene.said().map(\.kind) == [.request, .message])
        #expect(scene.send(1, on: stream)?.code == .failedPrecondition)
        scene.hear(.credit, stream: stream, payload: [31, 0, 0, 0])
        #expect(scene.said().map(\.kind) == [.message, .end])
    }

    /// In both directions.
    @Test func anEmptyMessageCostsItsHeader() throws {
        var configuration = ChannelConfiguration(
            clusterId: "nest", limits: Limits(streamCreditBytes: 100), keepalive: KeepaliveConfiguration(interval: nil))
        configuration.compressionThreshold = nil
        var scene = ClientScene(configuration)
        scene.welcome(limits: Limits(streamCreditBytes: 100))
        let stream = scene.call(.bidirectional)
        _ = scene.said()
        for _ in 0..<7 { _ = scene.send(0, on: stream) }
        #expect(scene.said().map(\.kind) == [FrameKind](repeating: .message, count: 5))
        for _ in 0..<5 { scene.hear(.message, stream: stream) }
        #expect(scene.connection.phase == .open)
        scene.hear(.message, stream: stream)
        try expectClose("messages beyond the stream's credit", &scene)
    }

    // MARK: Time

    @Test func silenceEndsAConnectionWithCalls() {
        let keepalive = KeepaliveConfiguration(interval: .seconds(20), timeout: .seconds(10))
        var scene = ClientScene(ChannelConfiguration(clusterId: "nest", keepalive: keepalive))
        scene.welcome()
        let stream = scene.call()
        _ = (scene.said(), scene.commands())
        scene.pass(.seconds(20))
        #expect(scene.said().map(\.kind) == [.ping])
        scene.pass(.seconds(10))
        #expect(scene.ends()[stream]?.error?.ran == .unknown)
        #expect(scene.connection.phase == .closed)
    }

    /// The last call of a connection that the server has left takes longer than an idle connection is kept.
    @Test func aConnectionThatGoesAwayIsNotIdle() {
        let configuration = ChannelConfiguration(
            clusterId: "nest", keepalive: KeepaliveConfiguration(interval: nil), idleTimeout: .seconds(100))
        var scene = ClientScene(configuration)
        scene.welcome()
        let stream = scene.call()
        scene.hear(.goAway, payload: GoAway(lastStream: .max, reason: "bye").packed())
        _ = scene.commands()
        for _ in 0..<3 { scene.pass(.seconds(100)) }
        #expect(scene.connection.phase == .goingAway && scene.commands().isEmpty)
        scene.hear(RawEnd.response(stream))
        #expect(scene.ends()[stream] == .answered && scene.connection.phase == .closed)
    }

    @Test func anIdleConnectionIsLetGoAndABusyOneIsNot() {
        let configuration = ChannelConfiguration(
            clusterId: "nest", keepalive: KeepaliveConfiguration(interval: nil), idleTimeout: .seconds(100))
        var scene = ClientScene(configuration)
        scene.welcome()
        scene.pass(.seconds(99))
        let stream = scene.call()
        scene.pass(.seconds(100))
        #expect(scene.connection.phase == .open)
        scene.hear(RawEnd.response(stream))
        scene.pass(.seconds(99))
        #expect(scene.connection.phase == .open)
        scene.pass(.seconds(1))
        #expect(scene.connection.phase == .closed)
    }
}

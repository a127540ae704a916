import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import RPC

/// One end of a connection that says whatever a test wants and remembers what it hears, over any transport.
///
/// `@unchecked Sendable`: `wire` is touched on `loop` only; everything else is behind the mutex.
final class RawEnd: WireHandler, @unchecked Sendable {
    enum Last: Sendable {
        case stays
        /// Sends what was said, and then hangs up without a word.
        case leaves
    }

    private struct Waiter {
        let number: Int
        let isEnough: @Sendable ([Frame]) -> Bool
        /// Told whether it came to that.
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var heard: [Frame] = []
        var isClosed = false
        var waiting: [Waiter] = []
        var waiters = 0
    }

    /// Long enough for a slow machine, and before a test's own limit, which says nothing of what was heard.
    private static let patience = TimeAmount.seconds(20)

    private let loop: any EventLoop
    private let state = Mutex(State())
    private var wire: (any Wire)?
    private var preface: Preface?
    private var decoder = FrameDecoder(maxPayloadBytes: 1 << 26)
    /// What to do about each frame, at once.
    private let react: @Sendable (RawEnd, Frame) -> Void

    /// - Parameter accepts: the other side sends a preface first.
    init(
        loop: any EventLoop, accepts: Bool = false, react: @escaping @Sendable (RawEnd, Frame) -> Void = { _, _ in }
    ) {
        self.loop = loop
        preface = accepts ? Preface() : nil
        self.react = react
    }

    /// - Parameter role: whose certificate is shown, where there are any.
    static func connect(to stage: Stage, as role: ChannelRole = .client) async throws -> RawEnd {
        try await connect(port: stage.port, over: stage.world.transport(to: stage.transport, as: role))
    }

    static func connect(
        port: Int, over transport: any Transport,
        react: @escaping @Sendable (RawEnd, Frame) -> Void = { _, _ in }
    ) async throws -> RawEnd {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let end = RawEnd(loop: loop, react: react)
        try await transport.connect(host: "127.0.0.1", port: port, timeout: .seconds(10), on: loop, handler: end).get()
        return end
    }

    // MARK: Saying

    /// What is said after the end is lost, as it is on a socket.
    func say(_ bytes: ByteBuffer, last: Last = .stays) {
        loop.execute {
            self.wire?.write(bytes)
            self.wire?.flush()
            if case .leaves = last { self.wire?.close() }
        }
    }

    func say(
        _ kind: FrameKind, flags: FrameFlags = [], stream: UInt32 = 0, payload: [UInt8] = [], last: Last = .stays
    ) {
        var bytes = ByteBuffer()
        FrameEncoder.write(kind, flags: flags, stream: stream, payload: payload, into: &bytes)
        say(bytes, last: last)
    }

    // MARK: Hearing

    /// What was heard, once it is enough or the other side has closed. A test fails that waits for it too long.
    func frames(until isEnough: @escaping @Sendable ([Frame]) -> Bool) async -> [Frame] {
        let hasCome = await withCheckedContinuation { continuation in
            let number: Int? = state.withLock { state in
                if state.isClosed || isEnough(state.heard) { return nil }
                state.waiters += 1
                state.waiting.append(
                    Waiter(number: state.waiters, isEnough: isEnough, continuation: continuation))
                return state.waiters
            }
            guard let number else { return continuation.resume(returning: true) }
            loop.scheduleTask(in: Self.patience) { self.giveUp(number) }
        }
        let heard = state.withLock { $0.heard }
        if !hasCome {
            let kinds = heard.suffix(8).map { "\($0.kind)" }.joined(separator: ", ")
            Issue.record(
                "the other side neither closes nor says what is waited for; it said \(heard.count) frames, last \(kinds)"
            )
        }
        return heard
    }

    private func giveUp(_ number: Int) {
        let waiter = state.withLock { state in
            state.waiting.firstIndex { $0.number == number }.map { state.waiting.remove(at: $0) }
        }
        waiter?.continuation.resume(returning: false)
    }

    func framesUntilClosed() async -> [Frame] {
        await frames { _ in false }
    }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    // MARK: WireHandler

    func opened(_ wire: any Wire) { self.wire = wire }

    func received(_ bytes: ByteBuffer) {
        var bytes = bytes
        // Those who speak to this end are the library's own: their preface and their frames are right.
        guard (try? preface?.consume(&bytes)) != false else { return }
        decoder.append(bytes)
        while let frame = try? decoder.next() {
            update { $0.heard.append(frame) }
            react(self, frame)
        }
    }

    func readCompleted() {}
    func writabilityChanged(_ isWritable: Bool) {}

    func closed(_ reason: String?) {
        wire = nil
        update { $0.isClosed = true }
    }

    private func update(_ change: (inout State) -> Void) {
        let ready = state.withLock { state in
            change(&state)
            let (isClosed, heard) = (state.isClosed, state.heard)
            let ready = state.waiting.filter { isClosed || $0.isEnough(heard) }
            if !ready.isEmpty { state.waiting.removeAll { isClosed || $0.isEnough(heard) } }
            return ready
        }
        for waiter in ready { waiter.continuation.resume(returning: true) }
    }
}

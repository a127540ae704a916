import NIOCore
import NIOPosix

/// Time that passes on a timer: between two looks at a condition, and on the way of a message that is to be late.
/// No story is right because of how long one takes.
func pause(ms: Int) async throws {
    try await MultiThreadedEventLoopGroup.singleton.next().scheduleTask(in: .milliseconds(Int64(ms))) {}
        .futureResult.get()
}

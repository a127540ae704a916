import NIOCore
import NIOPosix
import Testing

/// Waits until something holds, for at most `limit`, and says so when it never does. What is looked at changes by
/// itself; how long this waits decides nothing.
func eventually(
    _ what: Comment, within limit: TimeAmount = .seconds(20), _ holds: () async throws -> Bool
) async throws {
    let end = NIODeadline.now() + limit
    while try await !holds() {
        guard NIODeadline.now() < end else {
            Issue.record(what)
            return
        }
        try await breather()
    }
}

/// A moment in which others get on.
func breather(_ time: TimeAmount = .milliseconds(2)) async throws {
    try await MultiThreadedEventLoopGroup.singleton.next().scheduleTask(in: time) {}.futureResult.get()
}

import Glibc
import NIOCore
import NIOPosix

/// Lets time pass: between two looks at a condition, or as the fault that a test makes. No test is right because of it.
func pause(_ duration: Duration) async throws {
    try await MultiThreadedEventLoopGroup.singleton.next().scheduleTask(in: TimeAmount(duration)) {}.futureResult.get()
}

/// A slow disk's millisecond; holds the thread, as a disk does.
func holdThread() {
    _ = poll(nil, 0, 1)
}

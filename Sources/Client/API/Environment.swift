import Cluster

/// The time, the chance and the waiting that the client uses: parameters, so that a test can own them.
public struct Environment: Sendable {
    public var clock: any WallClock
    /// 64 random bits. Used for request ids, secrets, jitter and tie-breaks.
    public var random: @Sendable () -> UInt64
    /// Returns after this long; throws `CancellationError` when the task is cancelled meanwhile.
    public var sleep: @Sendable (Duration) async throws -> Void

    public init(
        clock: any WallClock, random: @escaping @Sendable () -> UInt64,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.clock = clock
        self.random = random
        self.sleep = sleep
    }

    /// The machine's own clock and the system's random source.
    public static let system = Environment(
        clock: SystemClock(), random: { UInt64.random(in: .min ... .max) },
        sleep: { try await Task.sleep(for: $0) })

    /// `count` random bytes, for secrets.
    public func randomBytes(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 8)
        while bytes.count < count { withUnsafeBytes(of: random()) { bytes.append(contentsOf: $0) } }
        return Array(bytes.prefix(count))
    }

    /// A fresh request id: one for each write, kept over its retries (rule B3).
    public func requestId() -> RequestId { RequestId(timeMs: clock.nowMs(), random: random()) }
}

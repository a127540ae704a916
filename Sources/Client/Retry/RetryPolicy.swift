import RPC

/// Whether repeating a call can do anything twice.
enum Repeatability: Hashable, Sendable {
    /// It changes nothing.
    case read
    /// A write with its request id: the server knows it again (rule B3).
    case keyed
    /// Repeated only when it certainly did not run.
    case never
}

/// What to do after a failed try.
enum RetryDecision: Hashable, Sendable {
    case stop
    case retry(after: Duration)
}

/// The one place where retries are decided. Pure.
public struct RetryPolicy: Hashable, Sendable {
    /// Tries of one call, the first included.
    public var maxTries = 6
    public var firstBackoff = Duration.milliseconds(10)
    public var longestBackoff = Duration.milliseconds(500)

    public init() {}

    /// - Parameters:
    ///   - tries: how many there were, the failed one included.
    ///   - remaining: time until the caller's deadline; no retry starts after it.
    ///   - jitter: random bits.
    func decide(
        _ error: RPCError, _ repeatability: Repeatability, tries: Int, remaining: Duration, jitter: UInt64
    ) -> RetryDecision {
        guard tries < maxTries, mayHelp(error), isSafe(error, repeatability) else { return .stop }
        let asked = Duration.milliseconds(Int64(error.retryAfterMs))
        let wait = max(asked, backoff(tries: tries, jitter: jitter))
        return wait < remaining ? .retry(after: wait) : .stop
    }

    private func mayHelp(_ error: RPCError) -> Bool {
        switch error.code {
        case .unavailable: true
        // The caller's own: time is up, or the caller does not want it any more.
        case .cancelled, .deadlineExceeded: false
        default: error.retryable
        }
    }

    private func isSafe(_ error: RPCError, _ repeatability: Repeatability) -> Bool {
        error.ran == .no || repeatability != .never
    }

    /// Exponential, with full jitter over its upper half, so that clients that failed together do not come back together.
    private func backoff(tries: Int, jitter: UInt64) -> Duration {
        let whole = min(longestBackoff, firstBackoff * (1 << min(tries - 1, 16)))
        return whole / 2 + whole / 2 * (Double(jitter % 1024) / 1024)
    }
}

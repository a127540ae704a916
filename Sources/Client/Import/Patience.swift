import Cluster

/// Repeats a call that fails for the moment, longer than the client's own retries do: an import goes on when a node was
/// restarted meanwhile. The call must carry its request id.
struct Patience: Sendable {
    let environment: Environment
    /// After so long without success the import gives up; it can be run again.
    var limit = Duration.seconds(120)

    func callAsFunction<Result: Sendable>(
        _ what: @autoclosure () -> String, _ body: @Sendable () async throws -> Result
    ) async throws -> Result {
        let startNs = environment.clock.monotonicNs()
        while true {
            do {
                return try await body()
            } catch let error as RookeryError where Self.mayPass(error) {
                let waited = Duration.nanoseconds(Int64(clamping: environment.clock.monotonicNs() - startNs))
                guard waited < limit else {
                    throw ImportFailure.tookTooLong(
                        what: what(), seconds: Int(waited / .seconds(1)), reason: error.message)
                }
                let jitter = Duration.milliseconds(Int64(environment.random() % 200))
                try await environment.sleep(max(.milliseconds(Int64(error.retryAfterMs)), .milliseconds(100)) + jitter)
            }
        }
    }

    private static func mayPass(_ error: RookeryError) -> Bool {
        switch error.status {
        case .unavailable, .deadlineExceeded, .aborted: true
        default: error.retryable
        }
    }
}

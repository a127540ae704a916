import Client

/// Each worker sends its next operation when the last one was answered. A slow answer delays what comes after it, so
/// this measures what a fixed number of callers can get, not what they would wait at a given rate.
struct ClosedPace: Pace {
    let window: Window
    let environment: Environment

    func turn() async -> Turn? { window.turn(at: environment.clock.monotonicNs()) }

    func failed() async { await environment.pauseAfterFailure() }
}

import RPC
import Testing

@testable import Client

@Suite("Retry decisions")
struct RetryTests {
    private let policy = RetryPolicy()

    private func decide(
        _ error: RPCError, _ repeatability: Repeatability, tries: Int = 1, remaining: Duration = .seconds(5)
    ) -> RetryDecision {
        policy.decide(error, repeatability, tries: tries, remaining: remaining, jitter: 0)
    }

    @Test("A write with its request id is repeated though it may have run; one without is not")
    func keyed() {
        let lost = RPCError(.unavailable, "connection lost", ran: .unknown, retryable: true)
        #expect(decide(lost, .keyed) == .retry(after: .milliseconds(5)))
        #expect(decide(lost, .read) == .retry(after: .milliseconds(5)))
        #expect(decide(lost, .never) == .stop)
    }

    @Test("What certainly did not run may always be repeated")
    func notRun() {
        #expect(decide(RPCError(.unavailable, "refused", ran: .no), .never) != .stop)
    }

    @Test(
        "A refusal is final",
        arguments: [
            StatusCode.invalidArgument, .notFound, .alreadyExists, .permissionDenied, .unauthenticated,
            .failedPrecondition, .internalError,
        ])
    func refusals(code: StatusCode) { #expect(decide(RPCError(code, "no"), .read) == .stop) }

    @Test("When the time is up, nothing is repeated")
    func deadline() {
        #expect(decide(RPCError(.deadlineExceeded, "late", retryable: true), .read) == .stop)
        let lost = RPCError(.unavailable, "lost", ran: .no)
        #expect(decide(lost, .read, remaining: .milliseconds(5)) == .stop)
        #expect(decide(lost, .read, remaining: .milliseconds(6)) != .stop)
    }

    @Test("A server that asks to wait is waited for, when there is time")
    func retryAfter() {
        let busy = RPCError(.resourceExhausted, "busy", ran: .no, retryable: true, retryAfterMs: 300)
        #expect(decide(busy, .read) == .retry(after: .milliseconds(300)))
        #expect(decide(busy, .read, remaining: .milliseconds(200)) == .stop)
    }

    @Test("Waits grow, are bounded, and tries end")
    func backoff() {
        let lost = RPCError(.unavailable, "lost", ran: .no)
        #expect(decide(lost, .read, tries: 2) == .retry(after: .milliseconds(10)))
        #expect(decide(lost, .read, tries: 3) == .retry(after: .milliseconds(20)))
        #expect(decide(lost, .read, tries: 6) == .stop)
    }

    @Test("Retries are a tenth of the calls, and a few a second")
    func budget() {
        var budget = RetryBudget(nowNs: 0)
        #expect((0..<100).count { _ in budget.takeRetry(nowNs: 0) } == 10)
        for _ in 0..<50 { budget.called(nowNs: 0) }
        #expect((0..<100).count { _ in budget.takeRetry(nowNs: 0) } == 5)
        #expect((0..<100).count { _ in budget.takeRetry(nowNs: 2_000_000_000) } == 20)
    }

    @Test("Asking every few microseconds loses none of the free retries to rounding")
    func budgetRounding() {
        var budget = RetryBudget(nowNs: 0)
        while budget.takeRetry(nowNs: 0) {}
        let taken = (1...100_000).count { budget.takeRetry(nowNs: UInt64($0) * 10_000) }
        #expect(taken == 10)
    }
}

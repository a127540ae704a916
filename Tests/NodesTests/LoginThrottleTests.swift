import Testing

@testable import Nodes

/// Rule G1: guesses are counted before they are looked at.
@Suite struct LoginThrottleTests {
    private let throttle = LoginThrottle(freeFailures: 3)
    private static let here = "192.0.2.1:5000"

    private func begin(_ account: UInt64, atMs nowMs: UInt64 = 0) -> LoginThrottle.Refused? {
        do {
            try throttle.begin(account: account, address: Self.here, nowMs: nowMs)
            return nil
        } catch {
            return error
        }
    }

    private func settle(_ result: LoginThrottle.Result, _ account: UInt64, atMs nowMs: UInt64 = 0) {
        throttle.settle(result, account: account, address: Self.here, nowMs: nowMs)
    }

    @Test func anAccountHasNoMoreTriesAtOnceThanOneAfterTheOther() {
        for _ in 0..<3 { #expect(begin(1) == nil) }
        #expect(begin(1) == .crowded)
        // Another account has its own.
        #expect(begin(2) == nil)
        for _ in 0..<3 { settle(.failed, 1) }
        #expect(begin(1) == .blocked(waitMs: 1000))
        // After the wait one is looked at, and only one.
        #expect(begin(1, atMs: 1000) == nil)
        #expect(begin(1, atMs: 1000) == .crowded)
        settle(.failed, 1, atMs: 5000)
        // The wait counts from the answer, not from a place in a long queue.
        #expect(begin(1, atMs: 5000) == .blocked(waitMs: 2000))
    }

    @Test func whatWasNeverLookedAtCountsForNothing() {
        for _ in 0..<100 {
            for _ in 0..<3 { #expect(begin(1) == nil) }
            for _ in 0..<3 { settle(.unknown, 1) }
        }
        #expect(throttle.count == 0)
    }

    @Test func aSuccessClearsTheAccountAndNothingIsLeftOfIt() {
        for _ in 0..<2 {
            #expect(begin(1) == nil)
            settle(.failed, 1)
        }
        #expect(begin(1) == nil)
        #expect(begin(1) == .crowded)
        settle(.proven, 1)
        for _ in 0..<3 { #expect(begin(1) == nil) }
        for _ in 0..<3 { settle(.proven, 1) }
        // The address remembers its two failures.
        #expect(throttle.count == 1)
    }

    /// An import, or a school: no limit but for failures, and a few failures stop nobody else.
    @Test func manyPeopleLogInFromOneAddress() {
        for account in 0..<500 as Range<UInt64> { #expect(begin(account) == nil) }
        for account in 0..<29 as Range<UInt64> { settle(.failed, account) }
        for account in 1000..<1500 as Range<UInt64> { #expect(begin(account) == nil) }
        for account in 1000..<1500 as Range<UInt64> { settle(.proven, account) }
        settle(.failed, 29)
        #expect(begin(2000) == .blocked(waitMs: 1000))
        for account in 30..<500 as Range<UInt64> { settle(.proven, account) }
        // From here on one at a time.
        #expect(begin(2000, atMs: 1000) == nil)
        #expect(begin(2001, atMs: 1000) == .crowded)
    }

    @Test func failuresAreForgottenInTime() {
        for _ in 0..<3 {
            #expect(begin(1) == nil)
            settle(.failed, 1)
        }
        let later = LoginThrottle.forgetAfterMs + 1
        for _ in 0..<3 { #expect(begin(1, atMs: later) == nil) }
    }
}

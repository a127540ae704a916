import NIOCore
import Testing

@testable import RPC

/// Whether the other side is still there, decided: silence, a question, and patience for the answer.
@Suite struct KeepaliveTests {
    private let start = NIODeadline.uptimeNanoseconds(1)

    private func keepalive(withoutCalls: Bool = false, interval: Duration? = .seconds(20)) -> Keepalive {
        let configuration = KeepaliveConfiguration(
            interval: interval, timeout: .seconds(10), withoutCalls: withoutCalls)
        return Keepalive(configuration, now: start)
    }

    @Test func silenceIsAskedAboutAndThenGivenUp() {
        var keepalive = keepalive()
        #expect(keepalive.due(hasCalls: true) == start + .seconds(20))
        let early = keepalive.tick(now: start + .seconds(19), hasCalls: true)
        let asked = keepalive.tick(now: start + .seconds(20), hasCalls: true)
        #expect(early == nil && asked == .ping)
        #expect(keepalive.due(hasCalls: true) == start + .seconds(30))
        let patient = keepalive.tick(now: start + .seconds(29), hasCalls: true)
        let lost = keepalive.tick(now: start + .seconds(30), hasCalls: true)
        #expect(patient == nil && lost == .lost)
    }

    @Test func whateverArrivesIsASignOfLife() {
        var keepalive = keepalive()
        _ = keepalive.tick(now: start + .seconds(20), hasCalls: true)
        keepalive.heard(now: start + .seconds(29))
        let after = keepalive.tick(now: start + .seconds(30), hasCalls: true)
        #expect(after == nil)
        #expect(keepalive.due(hasCalls: true) == start + .seconds(49))
    }

    @Test func withoutCallsNobodyIsAskedUnlessItIsWanted() {
        #expect(keepalive().due(hasCalls: false) == nil)
        #expect(keepalive(withoutCalls: true).due(hasCalls: false) == start + .seconds(20))
        #expect(keepalive(withoutCalls: true, interval: nil).due(hasCalls: true) == nil)
    }

    /// The question was put; that its call has ended since does not take it back.
    @Test func aQuestionOutlivesItsCall() {
        var keepalive = keepalive()
        _ = keepalive.tick(now: start + .seconds(20), hasCalls: true)
        let lost = keepalive.tick(now: start + .seconds(30), hasCalls: false)
        #expect(lost == .lost)
    }

    // MARK: The other side's measure

    private func verdicts(_ allowance: inout PingAllowance, atSeconds times: [Int64]) -> [Bool] {
        times.map { allowance.pinged(now: start + .seconds($0)) }
    }

    @Test func theThirdPingThatComesTooSoonIsOneTooMany() {
        var allowance = PingAllowance(minInterval: .seconds(5))
        #expect(verdicts(&allowance, atSeconds: [0, 1, 2, 3]) == [true, true, true, false])
    }

    /// An interval is kept from one PING to the next; offences before it are remembered.
    @Test func patienceBetweenOffencesForgivesNothing() {
        var allowance = PingAllowance(minInterval: .seconds(5))
        #expect(
            verdicts(&allowance, atSeconds: [0, 5, 9, 14, 18, 23, 27]) == [true, true, true, true, true, true, false])
    }

    @Test func aCallGivesAReasonToAsk() {
        var allowance = PingAllowance(minInterval: .seconds(5))
        _ = verdicts(&allowance, atSeconds: [0, 1, 2])
        allowance.called()
        #expect(verdicts(&allowance, atSeconds: [2, 2, 2, 2]) == [true, true, true, false])
    }
}

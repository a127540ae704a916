import Testing

@testable import Client

@Suite("A node's standing")
struct NodeHealthTests {
    private let ms: UInt64 = 1_000_000

    @Test("Unreachable: out, one probe, back")
    func probeSucceeds() {
        var health = NodeHealth()
        health.failed(unreachable: true, nowNs: 0)
        #expect(health.standing(nowNs: 99 * ms) == .out)
        #expect(health.standing(nowNs: 100 * ms) == .probeDue)
        health.chosen(nowNs: 100 * ms)
        // The probe is one call: while it runs, nobody else goes there.
        #expect(health.standing(nowNs: 101 * ms) == .out)
        health.answered()
        #expect(health.standing(nowNs: 102 * ms) == .well)
    }

    @Test("Each failed probe doubles the wait, up to a limit")
    func probeFails() {
        var health = NodeHealth()
        health.failed(unreachable: true, nowNs: 0)
        var nowNs = 100 * ms
        for expected in [200 * ms, 400 * ms, 800 * ms] {
            health.chosen(nowNs: nowNs)
            health.failed(unreachable: true, nowNs: nowNs)
            #expect(health.standing(nowNs: nowNs + expected - 1) == .out)
            #expect(health.standing(nowNs: nowNs + expected) == .probeDue)
            nowNs += expected
        }
        for _ in 0..<20 {
            health.chosen(nowNs: nowNs)
            health.failed(unreachable: true, nowNs: nowNs)
            nowNs += NodeHealth.longestEjectionNs
            #expect(health.standing(nowNs: nowNs) == .probeDue)
        }
    }

    @Test("Without an answer it takes three failures in a row")
    func failuresInARow() {
        var health = NodeHealth()
        health.failed(unreachable: false, nowNs: 0)
        health.failed(unreachable: false, nowNs: 0)
        health.answered()
        health.failed(unreachable: false, nowNs: 0)
        health.failed(unreachable: false, nowNs: 0)
        #expect(health.standing(nowNs: 0) == .well)
        health.failed(unreachable: false, nowNs: 0)
        #expect(health.standing(nowNs: 0) == .out)
    }

    @Test("A probe that never ends is followed by another")
    func lostProbe() {
        var health = NodeHealth()
        health.failed(unreachable: true, nowNs: 0)
        health.chosen(nowNs: 100 * ms)
        #expect(health.standing(nowNs: 1099 * ms) == .out)
        #expect(health.standing(nowNs: 1100 * ms) == .probeDue)
    }

    @Test("Failures count as load, and halve every second")
    func decay() {
        var score = FailureScore()
        score.failed(nowNs: 0)
        #expect(score.penalty(nowNs: 0) == 16)
        #expect(score.penalty(nowNs: 1000 * ms) == 8)
        #expect(score.penalty(nowNs: 2000 * ms) == 4)
        #expect(score.penalty(nowNs: 60_000 * ms) == 0)
        for _ in 0..<1000 { score.failed(nowNs: 2000 * ms) }
        #expect(score.penalty(nowNs: 2000 * ms) == FailureScore.limit)
    }
}

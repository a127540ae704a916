import Cluster
import Testing

@testable import Client

@Suite("Balancing")
struct BalancingTests {
    let policy = WeightedLeastLoaded()

    private func choose(_ candidates: [Candidate], tieBreak: UInt64 = 0) -> NodeId? {
        policy.choose(candidates, tieBreak: tieBreak).map { candidates[$0].id }
    }

    @Test("Nobody to choose from gives nobody")
    func none() { #expect(choose([]) == nil) }

    @Test("On an idle cluster the heavier node is chosen: the + 1 makes weights count")
    func idleWeights() {
        #expect(choose([Candidate(id: "n1", weight: 1), Candidate(id: "n2", weight: 2)]) == "n2")
    }

    @Test("Load follows the weights")
    func weights() {
        // 3 + 1 over 100 is more than 7 + 1 over 300.
        let light = Candidate(id: "n1", weight: 100, inFlight: 3)
        #expect(choose([light, Candidate(id: "n2", weight: 300, inFlight: 7)]) == "n2")
        #expect(choose([light, Candidate(id: "n2", weight: 300, inFlight: 12)]) == "n1")
    }

    @Test("What a server reports of other clients' calls counts as its load")
    func reportedLoad() {
        let busy = Candidate(id: "n1", inFlight: 0, reportedInFlight: 9)
        #expect(choose([busy, Candidate(id: "n2", inFlight: 4)]) == "n2")
    }

    @Test("Of equals, chance decides, and the same chance decides the same")
    func ties() {
        let equals = [Candidate(id: "n1"), Candidate(id: "n2"), Candidate(id: "n3")]
        #expect(choose(equals, tieBreak: 7) == choose(equals, tieBreak: 7))
        #expect(Set((0..<3).map { choose(equals, tieBreak: $0) }).count == 3)
    }

    @Test("The own region comes first, however busy it is")
    func region() {
        let near = Candidate(id: "n1", inFlight: 50, sameRegion: true)
        let far = Candidate(id: "n2", sameRegion: false)
        #expect(choose([near, far]) == "n1")
        var left = near
        left.standing = .out
        #expect(choose([left, far]) == "n2")
    }

    @Test("A draining node is used when no other is left")
    func draining() {
        let draining = Candidate(id: "n1", draining: true)
        #expect(choose([draining, Candidate(id: "n2", inFlight: 90)]) == "n2")
        #expect(choose([draining, Candidate(id: "n2", standing: .out)]) == "n1")
    }

    @Test("A node that was left out gets its probe, even while others are idle")
    func probe() {
        #expect(choose([Candidate(id: "n1"), Candidate(id: "n2", inFlight: 9, standing: .probeDue)]) == "n2")
    }

    @Test("When all failed lately, one is tried all the same")
    func allOut() {
        let candidates = [
            Candidate(id: "n1", failurePenalty: 32, standing: .out),
            Candidate(id: "n2", failurePenalty: 16, standing: .out),
        ]
        #expect(choose(candidates) == "n2")
    }

    @Test("Two nodes of weight 1 and 3 share a steady load about 1 to 3")
    func steadyShares() {
        var inFlight = [0, 0]
        var taken = [0, 0]
        var running: [(until: Int, node: Int)] = []
        for step in 0..<4000 {
            for done in running where done.until == step { inFlight[done.node] -= 1 }
            running.removeAll { $0.until == step }
            let candidates = [
                Candidate(id: "n1", weight: 1, inFlight: inFlight[0]),
                Candidate(id: "n2", weight: 3, inFlight: inFlight[1]),
            ]
            guard let node = policy.choose(candidates, tieBreak: UInt64(step)) else { continue }
            inFlight[node] += 1
            taken[node] += 1
            running.append((step + 40, node))
        }
        let share = Double(taken[1]) / Double(taken[0] + taken[1])
        #expect(abs(share - 0.75) < 0.05, "node of weight 3 took \(share)")
    }

    @Test("A node that fails at once does not swallow the traffic, though it is always idle")
    func noBlackHole() {
        var trackers: [NodeId: NodeTrackerModel] = ["n1": .init(), "n2": .init(), "n3": .init()]
        let ids: [NodeId] = ["n1", "n2", "n3"]
        var running: [(untilNs: UInt64, node: NodeId)] = []
        var taken: [NodeId: Int] = [:]
        // 2,000 calls, one each ms; n1 fails in no time, the others take 20 ms.
        for step in 0..<2000 {
            let nowNs = UInt64(step) * 1_000_000
            for done in running where done.untilNs <= nowNs { trackers[done.node]?.answered() }
            running.removeAll { $0.untilNs <= nowNs }
            let candidates = ids.map { id in trackers[id, default: .init()].candidate(id, nowNs: nowNs) }
            guard let index = policy.choose(candidates, tieBreak: UInt64(step)) else { continue }
            let id = ids[index]
            taken[id, default: 0] += 1
            trackers[id]?.chosen(nowNs: nowNs)
            if id == "n1" {
                trackers[id]?.failed(nowNs: nowNs)
            } else {
                running.append((nowNs + 20_000_000, id))
            }
        }
        #expect(taken["n1", default: 0] < 60, "the failing node took \(taken["n1", default: 0]) of 2000 calls")
        #expect(taken["n2", default: 0] > 800)
    }
}

/// A node as the pool would track it, fed by hand.
private struct NodeTrackerModel {
    var inFlight = 0
    var failures = FailureScore()
    var health = NodeHealth()

    func candidate(_ id: NodeId, nowNs: UInt64) -> Candidate {
        Candidate(
            id: id, inFlight: inFlight, failurePenalty: failures.penalty(nowNs: nowNs),
            standing: health.standing(nowNs: nowNs))
    }

    mutating func chosen(nowNs: UInt64) {
        inFlight += 1
        health.chosen(nowNs: nowNs)
    }

    mutating func answered() {
        inFlight -= 1
        health.answered()
    }

    mutating func failed(nowNs: UInt64) {
        inFlight -= 1
        failures.failed(nowNs: nowNs)
        health.failed(unreachable: false, nowNs: nowNs)
    }
}

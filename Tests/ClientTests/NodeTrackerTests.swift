import Cluster
import RPC
import Testing

@testable import Client

@Suite("What is known of a node")
struct NodeTrackerTests {
    private typealias Outcome = NodeTracker.Outcome

    private static let node = NodeInfo(
        id: "n1", address: Address(host: "stub", port: 1), region: "eu", zone: "a", weight: 7)

    private func candidate(_ tracker: NodeTracker, _ node: NodeInfo = node, region: String? = nil) -> Candidate {
        tracker.candidate(node, region: region, nowNs: 0)
    }

    @Test("An error that no node sent speaks against the node; a node's own refusal is an answer")
    func outcomes() {
        let load = LoadReport(inFlight: 3)
        #expect(Outcome(RPCError(.unavailable, "refused", ran: .no)) == .unreachable)
        #expect(Outcome(RPCError(.unavailable, "lost", ran: .unknown)) == .failed)
        #expect(Outcome(RPCError(.unavailable, "not mine", ran: .no, load: load)) == .answered)
        #expect(Outcome(RPCError(.deadlineExceeded, "late", ran: .unknown)) == .failed)
        #expect(Outcome(RPCError(.deadlineExceeded, "late", ran: .unknown, load: load)) == .answered)
        #expect(Outcome(RPCError(.cancelled, "given up")) == .abandoned)
        #expect(Outcome(RPCError(.internalError, "broken", load: load)) == .failed)
        #expect(Outcome(RPCError(.notFound, "no", load: load)) == .answered)
    }

    @Test("Calls under way are counted until they end, however they end")
    func inFlight() {
        for outcome in [Outcome.answered, .unreachable, .failed, .abandoned] {
            var tracker = NodeTracker()
            for _ in 0..<2 { tracker.chosen(nowNs: 0) }
            #expect(candidate(tracker).inFlight == 2)
            tracker.finished(outcome, load: nil, nowNs: 0)
            #expect(candidate(tracker).inFlight == 1)
        }
    }

    @Test("What a node reported before it failed is no longer its load")
    func load() {
        var tracker = NodeTracker()
        tracker.chosen(nowNs: 0)
        tracker.finished(.answered, load: LoadReport(inFlight: 9, draining: true), nowNs: 0)
        #expect(candidate(tracker).reportedInFlight == 9 && candidate(tracker).draining)
        tracker.chosen(nowNs: 0)
        tracker.finished(.abandoned, load: nil, nowNs: 0)
        #expect(candidate(tracker).reportedInFlight == 9, "who gave up has learned nothing")
        tracker.chosen(nowNs: 0)
        tracker.finished(.failed, load: nil, nowNs: 0)
        #expect(candidate(tracker).reportedInFlight == 0 && !candidate(tracker).draining)
        #expect(candidate(tracker).failurePenalty == FailureScore.callsPerFailure)
    }

    @Test("A node that cannot be reached is left out at once, one that is given up on is not")
    func standing() {
        for (outcome, standing) in [(Outcome.unreachable, NodeHealth.Standing.out), (.abandoned, .well)] {
            var tracker = NodeTracker()
            tracker.chosen(nowNs: 0)
            tracker.finished(outcome, load: nil, nowNs: 0)
            #expect(candidate(tracker).standing == standing)
        }
    }

    @Test("The map's word counts, too: weight, region, draining, down")
    func map() {
        let well = candidate(NodeTracker())
        #expect(well == Candidate(id: "n1", weight: 7))
        #expect(candidate(NodeTracker(), region: "eu").sameRegion)
        #expect(!candidate(NodeTracker(), region: "us").sameRegion)
        var node = Self.node
        node.state = .draining
        #expect(candidate(NodeTracker(), node).draining)
        node.state = .down
        #expect(candidate(NodeTracker(), node).standing == .out)
    }
}

import Cluster
import RPC

/// What the client knows of one node from its own calls: the balancer's figures.
struct NodeTracker: Sendable {
    /// How a call to the node ended, as far as the node's standing goes.
    enum Outcome {
        /// It answered, with whatever status.
        case answered
        /// There was no connection to it.
        case unreachable
        /// It took the call, and nothing sensible came back in time.
        case failed
        /// The caller gave up; says nothing about the node.
        case abandoned
    }

    private(set) var inFlight = 0
    private(set) var load = LoadReport()
    private var failures = FailureScore()
    private var health = NodeHealth()

    mutating func chosen(nowNs: UInt64) {
        inFlight += 1
        health.chosen(nowNs: nowNs)
    }

    mutating func finished(_ outcome: Outcome, load: LoadReport?, nowNs: UInt64) {
        inFlight -= 1
        if let load { self.load = load }
        switch outcome {
        case .answered: health.answered()
        case .unreachable, .failed:
            failures.failed(nowNs: nowNs)
            health.failed(unreachable: outcome == .unreachable, nowNs: nowNs)
            // What it reported before it failed is no longer its load.
            self.load = load ?? LoadReport()
        case .abandoned: break
        }
    }

    func candidate(_ node: NodeInfo, region: String?, nowNs: UInt64) -> Candidate {
        Candidate(
            id: node.id, weight: node.weight, inFlight: inFlight, reportedInFlight: Int(load.inFlight),
            failurePenalty: failures.penalty(nowNs: nowNs), sameRegion: region == nil || node.region == region,
            draining: load.draining || node.state == .draining,
            standing: node.state == .down ? .out : health.standing(nowNs: nowNs))
    }
}

extension NodeTracker.Outcome {
    /// What an error says about the node that it came from.
    init(_ error: RPCError) {
        switch error.code {
        case .cancelled: self = .abandoned
        case .unavailable where error.load == nil: self = error.ran == .no ? .unreachable : .failed
        case .deadlineExceeded where error.load == nil: self = .failed
        case .internalError, .dataLoss, .unknown: self = .failed
        default: self = .answered
        }
    }
}

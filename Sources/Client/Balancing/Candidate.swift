import Cluster

/// One replica that could serve a call, as the balancer sees it at the moment of the choice.
public struct Candidate: Hashable, Sendable {
    public var id: NodeId
    /// How much of the load it should take compared with others; at least 1.
    public var weight: Int
    /// This client's own calls that it has not answered.
    public var inFlight: Int
    /// What it last said it had in flight, from all its clients.
    public var reportedInFlight: Int
    /// What its recent failures count as, in calls in flight.
    public var failurePenalty: Int
    public var sameRegion: Bool
    /// It wants no new work.
    public var draining: Bool
    public var standing: NodeHealth.Standing

    public init(
        id: NodeId, weight: Int = 1, inFlight: Int = 0, reportedInFlight: Int = 0, failurePenalty: Int = 0,
        sameRegion: Bool = true, draining: Bool = false, standing: NodeHealth.Standing = .well
    ) {
        self.id = id
        self.weight = weight
        self.inFlight = inFlight
        self.reportedInFlight = reportedInFlight
        self.failurePenalty = failurePenalty
        self.sameRegion = sameRegion
        self.draining = draining
        self.standing = standing
    }
}

/// Chooses the replica for one call. Pure: the same candidates and tie-break give the same choice.
public protocol BalancingPolicy: Sendable {
    /// The index of the chosen candidate; nil only for no candidates.
    /// - Parameter tieBreak: random bits that decide between equals.
    func choose(_ candidates: [Candidate], tieBreak: UInt64) -> Int?
}

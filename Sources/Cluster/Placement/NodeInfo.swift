/// What the cluster map says of one node.
public struct NodeInfo: Hashable, Sendable {
    /// The numbers are those of the wire (`NodeRow.state`).
    public enum State: UInt32, Hashable, Sendable, CaseIterable {
        case up = 0
        /// Serves what it has, and is left by choice: clients turn away, placements avoid it.
        case draining = 1
        case down = 2
    }

    /// Weights beyond this range would make shares that no ring of at most 16,384 partitions can show.
    public static let weights = 1...1000

    public var id: NodeId
    public var address: Address
    public var region: String
    /// What fails together: a rack, a building. Members of one partition are in different zones if there are enough.
    public var zone: String
    /// Its share of partitions relative to the others', 1–1000.
    public var weight: Int
    public var state: State

    public init(
        id: NodeId, address: Address, region: String, zone: String, weight: Int = 100, state: State = .up
    ) {
        self.id = id
        self.address = address
        self.region = region
        self.zone = zone
        self.weight = weight
        self.state = state
    }
}

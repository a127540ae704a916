import Cluster

/// Where a client or a node gets the cluster map from.
public protocol MapSource: Sendable {
    /// The newest map that this source knows.
    func currentMap() async throws -> ClusterMap
}

/// The map that follows from the configuration file alone: right as long as no keeper moves anything.
public struct StaticMap: MapSource {
    public let map: ClusterMap

    public init(config: ClusterConfig) throws { map = try config.initialMap() }

    public func currentMap() -> ClusterMap { map }
}

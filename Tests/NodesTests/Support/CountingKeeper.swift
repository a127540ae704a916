import Cluster
import Coordination
import Synchronization

/// Hands out epochs that no crash takes back, and the map that follows from the configuration.
final class CountingKeeper: Keeper {
    private let map: ClusterMap
    private let epoch = Atomic<UInt64>(0)

    init(map: ClusterMap) {
        self.map = map
    }

    func clusterMap() -> ClusterMap { map }

    func nextEpoch() -> UInt64 { epoch.add(1, ordering: .relaxed).newValue }
}

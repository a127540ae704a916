import Cluster
import Coordination
import Messages
import RPC

/// The map as a node of the cluster knows it: `rookery.Cluster/Map`, asked of one seed after the other.
struct RemoteMap: MapSource {
    let seeds: [Address]
    let timeout: Duration
    let connect: @Sendable (Address) -> RPC.Channel

    func currentMap() async throws -> ClusterMap {
        var failures: [String] = []
        for seed in seeds {
            do {
                return try await map(from: seed)
            } catch {
                failures.append("\(seed): \((error as? RPCError)?.message ?? String(describing: error))")
            }
        }
        let detail = failures.isEmpty ? "no addresses were given" : failures.joined(separator: "; ")
        throw RookeryError(.unavailable, "no node of the cluster answers: \(detail)", retryable: true)
    }

    private func map(from seed: Address) async throws -> ClusterMap {
        let channel = connect(seed)
        do {
            let options = CallOptions(timeout: timeout)
            let reply = try await channel.unary("rookery.Cluster/Map", MapRequest().encode(), options: options)
            await channel.close()
            return try Self.map(try MapReply.decode(reply.message))
        } catch {
            await channel.close()
            throw error
        }
    }

    /// A whole map from a reply to `since: 0`.
    static func map(_ reply: MapReply) throws -> ClusterMap {
        let regions = reply.regions.compactMap { range -> Cluster.RegionRange? in
            guard let first = UInt16(exactly: range.first), let count = UInt16(exactly: range.count) else { return nil }
            return Cluster.RegionRange(name: range.region, first: first, count: count)
        }
        let nodes = reply.nodes.compactMap(NodeInfo.init)
        let rows = reply.partitions.compactMap(Cluster.PartitionRow.init)
        guard regions.count == reply.regions.count, nodes.count == reply.nodes.count,
            rows.count == reply.partitions.count
        else { throw RookeryError(.dataLoss, "the node's cluster map cannot be read") }
        do {
            return try ClusterMap(
                version: reply.version,
                partitioning: try Partitioning(count: Int(reply.partitionCount), regions: regions),
                nodes: Dictionary(nodes.map { ($0.id, $0) }) { first, _ in first }, rows: rows)
        } catch {
            throw RookeryError(.dataLoss, "the node's cluster map is not whole: \(error)")
        }
    }
}

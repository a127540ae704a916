import Cluster
import RPC
import Synchronization

/// One channel a node, made when it is first wanted, and what is known of each node.
final class Pool: Sendable {
    private struct State {
        var channels: [NodeId: (address: Address, channel: Channel)] = [:]
        var trackers: [NodeId: NodeTracker] = [:]
        var isClosed = false
    }

    private let state = Mutex(State())
    private let policy: any BalancingPolicy
    private let environment: Environment
    /// The caller's region: its nodes are preferred.
    private let region: String?
    private let connect: @Sendable (Address) -> Channel

    init(
        policy: any BalancingPolicy, region: String?, environment: Environment,
        connect: @escaping @Sendable (Address) -> Channel
    ) {
        self.policy = policy
        self.region = region
        self.environment = environment
        self.connect = connect
    }

    /// A node that was chosen for one call, and its channel. Must be given back with `finished`.
    struct Choice {
        var node: NodeInfo
        var channel: Channel
    }

    /// Chooses one of the nodes; throws when there is none or the pool is closed.
    func choose(from nodes: [NodeInfo]) throws -> Choice {
        let nowNs = environment.clock.monotonicNs()
        let tieBreak = environment.random()
        let (choice, replaced) = try state.withLock { state in
            guard !state.isClosed else { throw RookeryError(.cancelled, "the client is closed") }
            let candidates = nodes.map { node in
                state.trackers[node.id, default: NodeTracker()].candidate(node, region: region, nowNs: nowNs)
            }
            guard let index = policy.choose(candidates, tieBreak: tieBreak) else {
                throw RookeryError(.unavailable, "no node serves this", retryable: true)
            }
            let node = nodes[index]
            state.trackers[node.id, default: NodeTracker()].chosen(nowNs: nowNs)
            let (channel, replaced) = channel(to: node, &state)
            return (Choice(node: node, channel: channel), replaced)
        }
        // A node that moved to another address: what is under way on the old channel ends by itself.
        if let replaced { Task { await replaced.close() } }
        return choice
    }

    func finished(_ choice: Choice, _ outcome: NodeTracker.Outcome, load: LoadReport?) {
        let nowNs = environment.clock.monotonicNs()
        state.withLock {
            $0.trackers[choice.node.id, default: NodeTracker()].finished(outcome, load: load, nowNs: nowNs)
        }
    }

    func close() async {
        let channels = state.withLock { state in
            state.isClosed = true
            defer { state.channels = [:] }
            return state.channels.values.map(\.channel)
        }
        for channel in channels { await channel.close() }
    }

    private func channel(to node: NodeInfo, _ state: inout State) -> (Channel, replaced: Channel?) {
        let existing = state.channels[node.id]
        if let existing, existing.address == node.address { return (existing.channel, nil) }
        let channel = connect(node.address)
        state.channels[node.id] = (node.address, channel)
        return (channel, existing?.channel)
    }
}

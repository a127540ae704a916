import Cluster
import RPC
import Synchronization

/// One channel a node, made when it is first wanted, and what is known of each node.
final class Pool: Sendable {
    private struct State {
        var channels: [NodeId: (address: Address, channel: Channel)] = [:]
        var trackers: [NodeId: NodeTracker] = [:]
        /// Of nodes that moved: they fail what they still carry and go.
        var replaced: [Channel] = []
        /// Choices that were not given back yet.
        var inFlight = 0
        var isClosed = false
        /// They wait for the last choice to be given back, and for the last replaced channel to be gone.
        var closing: [CheckedContinuation<Void, Never>] = []

        mutating func takeClosing() -> [CheckedContinuation<Void, Never>] {
            guard inFlight == 0, replaced.isEmpty else { return [] }
            defer { closing = [] }
            return closing
        }
    }

    static let closed = RookeryError(.cancelled, "the client is closed")

    private let state = Mutex(State())
    private let policy: any BalancingPolicy
    private let environment: Environment
    /// The caller's region: its nodes are preferred.
    private let region: String?
    private let connect: @Sendable (NodeInfo) -> Channel

    init(
        policy: any BalancingPolicy, region: String?, environment: Environment,
        connect: @escaping @Sendable (NodeInfo) -> Channel
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
            guard !state.isClosed else { throw Self.closed }
            let candidates = nodes.map { node in
                state.trackers[node.id, default: NodeTracker()].candidate(node, region: region, nowNs: nowNs)
            }
            guard let index = policy.choose(candidates, tieBreak: tieBreak) else {
                throw RookeryError(.unavailable, "no node serves this", retryable: true)
            }
            let node = nodes[index]
            state.trackers[node.id, default: NodeTracker()].chosen(nowNs: nowNs)
            let (channel, replaced) = channel(to: node, &state)
            state.inFlight += 1
            if let replaced { state.replaced.append(replaced) }
            return (Choice(node: node, channel: channel), replaced)
        }
        if let replaced { Task { await close(replaced) } }
        return choice
    }

    private func close(_ replaced: Channel) async {
        await replaced.close()
        let closing = state.withLock { state in
            state.replaced.removeAll { $0 === replaced }
            return state.takeClosing()
        }
        for waiter in closing { waiter.resume() }
    }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    func finished(_ choice: Choice, _ outcome: NodeTracker.Outcome, load: LoadReport?) {
        let nowNs = environment.clock.monotonicNs()
        let closing = state.withLock { state in
            state.trackers[choice.node.id, default: NodeTracker()].finished(outcome, load: load, nowNs: nowNs)
            state.inFlight -= 1
            return state.takeClosing()
        }
        for waiter in closing { waiter.resume() }
    }

    /// Fails what is on its way, and returns when all of it has ended: nobody touches an event loop for this pool any
    /// more, so the loops may end.
    func close() async {
        let channels = state.withLock { state in
            state.isClosed = true
            defer { state.channels = [:] }
            return state.channels.values.map(\.channel)
        }
        for channel in channels { await channel.close() }
        await withCheckedContinuation { continuation in
            let ready = state.withLock { state in
                state.closing.append(continuation)
                return state.takeClosing()
            }
            for waiter in ready { waiter.resume() }
        }
    }

    private func channel(to node: NodeInfo, _ state: inout State) -> (Channel, replaced: Channel?) {
        let existing = state.channels[node.id]
        if let existing, existing.address == node.address { return (existing.channel, nil) }
        let channel = connect(node)
        state.channels[node.id] = (node.address, channel)
        return (channel, existing?.channel)
    }
}

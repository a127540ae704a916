import Cluster
import Messages
import RPC
import Replication
import Synchronization

/// What happens to the calls that carry streams between nodes: each may be lost on its way there or back, come twice,
/// late, long after later ones, or in part. And a node may die at any of their steps.
final class StreamFaults: Sendable {
    /// In percent of the calls; the rest arrives as it should.
    struct Rates: Sendable {
        var lostRequest = 0
        var lostAnswer = 0
        var doubled = 0
        var delayed = 0
        var stale = 0
        var cut = 0

        static let none = Rates()
        static let bad = Rates(lostRequest: 8, lostAnswer: 8, doubled: 8, delayed: 8, stale: 8, cut: 8)
    }

    /// A step of one delivery at which a node may die.
    enum Step: CaseIterable, Sendable {
        case beforeItArrives
        case beforeItIsAnswered
        case afterItsAnswer
    }

    private enum Fault {
        case none, lostRequest, lostAnswer, doubled, delayed, stale, cut
    }

    private struct State: Sendable {
        var rates = Rates.none
        var deliveries = 0
        var watch: (@Sendable (Int, Step, _ from: NodeId, _ to: NodeId) -> Void)?
    }

    private let state = Mutex(State())
    private let dice: Dice

    init(dice: Dice) {
        self.dice = dice
    }

    func set(_ rates: Rates) { state.withLock { $0.rates = rates } }

    /// Called at each step of each delivery, which are counted from 1.
    func watch(_ body: (@Sendable (Int, Step, _ from: NodeId, _ to: NodeId) -> Void)?) {
        state.withLock {
            $0.watch = body
            $0.deliveries = 0
        }
    }

    /// - Parameter gate: of the sending node; nothing of a dead node arrives.
    func interpose(
        from: NodeId, gate: Gate
    ) -> @Sendable (NodeId, @escaping StreamLink.Deliver) -> StreamLink.Deliver {
        { to, deliver in
            { [self] request in
                let number = state.withLock { state in
                    state.deliveries += 1
                    return state.deliveries
                }
                try step(number, .beforeItArrives, from, to, gate)
                let reply = try await carry(request, through: deliver)
                try step(number, .beforeItIsAnswered, from, to, gate)
                step(number, .afterItsAnswer, from, to)
                return reply
            }
        }
    }

    private func step(_ number: Int, _ step: Step, _ from: NodeId, _ to: NodeId, _ gate: Gate) throws {
        self.step(number, step, from, to)
        guard !gate.isClosed else { throw Self.lost }
    }

    private func step(_ number: Int, _ step: Step, _ from: NodeId, _ to: NodeId) {
        state.withLock { $0.watch }?(number, step, from, to)
    }

    private static let lost = RPCError(.unavailable, "lost on the way", ran: .unknown, retryable: true)

    private func carry(_ request: DeliverRequest, through deliver: @escaping StreamLink.Deliver) async throws
        -> DeliverReply
    {
        switch fault() {
        case .none: return try await deliver(request)
        case .lostRequest: throw Self.lost
        case .lostAnswer:
            _ = try await deliver(request)
            throw Self.lost
        case .doubled:
            async let first = deliver(request)
            async let second = deliver(request)
            return dice.percent(50) ? try await (first, second).0 : try await (first, second).1
        case .delayed:
            try await pause(ms: dice.roll(1..<30))
            return try await deliver(request)
        case .stale:
            let late = dice.roll(5..<80)
            // A copy that comes when nobody expects it any more, perhaps at a node that has died meanwhile.
            Task {
                try await pause(ms: late)
                _ = try await deliver(request)
            }
            return try await deliver(request)
        case .cut:
            var part = request
            part.batches = Array(request.batches.prefix(request.batches.count / 2))
            _ = try await deliver(part)
            throw Self.lost
        }
    }

    private func fault() -> Fault {
        let rates = state.withLock { $0.rates }
        var throwOfDice = dice.roll(0..<100)
        let faults: [(Int, Fault)] = [
            (rates.lostRequest, .lostRequest), (rates.lostAnswer, .lostAnswer), (rates.doubled, .doubled),
            (rates.delayed, .delayed), (rates.stale, .stale), (rates.cut, .cut),
        ]
        for (rate, fault) in faults {
            if throwOfDice < rate { return fault }
            throwOfDice -= rate
        }
        return .none
    }
}

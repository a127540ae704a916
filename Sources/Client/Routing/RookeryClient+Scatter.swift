import Cluster
import Messages
import RPC

/// What the owners of all partitions answered, and who did not.
struct Scattered<Answer: Sendable>: Sendable {
    /// In the order of the nodes' ids.
    var answers: [(node: NodeId, answer: Answer)] = []
    /// Nodes that did not answer, ascending, and the partitions that are not covered for that.
    var missing: [NodeId] = []
    var missingPartitions: [PartitionId] = []
    /// What the first of them answered.
    var error: RookeryError?

    /// - Throws: when nobody answered.
    func orThrow() throws -> Self {
        if answers.isEmpty, let error { throw error }
        return self
    }
}

extension RookeryClient {
    /// What is left of a call's time after the owners were asked, for merging and fetching what was found.
    private static let shareOfOwners = 0.75
    /// How often partitions that have moved are asked for again.
    private static let rounds = 3

    /// Asks the owner of each partition at once; each node is asked one question for all it owns.
    ///
    /// A node that does not answer within its slice of what is left of the time is named and left out: what the others
    /// know is worth having. So is one whose answer is not about exactly what it was asked (rule F5). A refusal that
    /// would come from any node (a bad query, an ended session) is thrown.
    func scatter<Request: WireMessage, Answer: Covering>(
        _ method: String, as type: Answer.Type, over partitions: [PartitionId], session: Session,
        by deadline: Deadline, request: @escaping @Sendable ([PartitionId]) -> Request
    ) async throws -> Scattered<Answer> {
        var result = Scattered<Answer>()
        var waiting = partitions
        for round in 1...Self.rounds where !waiting.isEmpty {
            let owned = waiting.compactMap { partition in table.owner(of: partition).map { ($0, partition) } }
            let byOwner = Dictionary(grouping: owned, by: \.0).mapValues { $0.map(\.1) }
            result.missingPartitions += waiting.filter { table.owner(of: $0) == nil }
            waiting = []
            for failed in try await ask(byOwner, method, session, deadline, request, into: &result) {
                // One that has moved makes its old owner refuse the whole question.
                let hasMoved = failed.partitions.contains { table.owner(of: $0) != failed.node }
                if hasMoved, round < Self.rounds {
                    waiting += failed.partitions
                    continue
                }
                result.missing.append(failed.node)
                result.missingPartitions += failed.partitions
                result.error = result.error ?? failed.error
            }
            // A refusal teaches one row, and there may be many.
            if !waiting.isEmpty { try await learnMap(by: deadline) }
        }
        result.answers.sort { $0.node < $1.node }
        result.missing = Set(result.missing).sorted()
        return result
    }

    private func learnMap(by deadline: Deadline) async throws {
        let reply = try await read(
            "rookery.Cluster/Map", MapRequest(), as: MapReply.self, at: .anyNode,
            timeout: deadline.left * Self.shareOfOwners)
        table.learn(try RemoteMap.map(reply))
    }

    private struct Failed: Sendable {
        var node: NodeId
        var partitions: [PartitionId]
        var error: RookeryError
    }

    private func ask<Request: WireMessage, Answer: Covering>(
        _ owners: [NodeId: [PartitionId]], _ method: String, _ session: Session, _ deadline: Deadline,
        _ request: @escaping @Sendable ([PartitionId]) -> Request, into result: inout Scattered<Answer>
    ) async throws -> [Failed] {
        let slice = deadline.left * Self.shareOfOwners
        let outcomes = await fromEach(of: owners.keys.sorted()) { node in
            try await self.ask(
                method, request(owners[node] ?? []), as: Answer.self, at: .node(node), session: session, key: nil,
                .read, timeout: slice)
        }
        var failures: [Failed] = []
        for (node, outcome) in outcomes {
            let partitions = owners[node] ?? []
            switch outcome {
            case .success(let answer):
                if let flaw = table.flaw(in: answer.cover, asked: partitions) {
                    let error = RookeryError(.unavailable, "\(node) cannot be relied on: \(flaw)", retryable: true)
                    failures.append(Failed(node: node, partitions: partitions, error: error))
                } else {
                    result.answers.append((node, answer))
                }
            case .failure(let error as RookeryError) where error.status.isOfOneNode:
                failures.append(Failed(node: node, partitions: partitions, error: error))
            case .failure(let error): throw error
            }
        }
        return failures.sorted { $0.node < $1.node }
    }

    /// What came of the questions to several nodes.
    struct Outcomes<Answer> {
        private(set) var byNode: [NodeId: Result<Answer, any Error>] = [:]

        /// An answer stands, also when its node was given up before: it has come back. Of failures the first stands.
        mutating func note(_ outcome: Result<Answer, any Error>, of node: NodeId) {
            switch (byNode[node], outcome) {
            case (nil, _), (.failure, .success): byNode[node] = outcome
            default: break
            }
        }
    }

    private enum News<Answer: Sendable>: Sendable {
        case answered(NodeId, Result<Answer, any Error>)
        case timeToLook
        /// Nil when the node is there.
        case looked(NodeId, RookeryError?)
    }

    /// What each node answers. One that lets us wait is asked now and then whether it is there at all, and given up when
    /// it does not even answer that: it hangs, and nobody shall wait for it to the end of the slice.
    private func fromEach<Answer: Sendable>(
        of nodes: [NodeId], _ question: @escaping @Sendable (NodeId) async throws -> Answer
    ) async -> [NodeId: Result<Answer, any Error>] {
        await withTaskGroup(of: News<Answer>.self) { group in
            var outcomes = Outcomes<Answer>()
            var looking: Set<NodeId> = []
            for node in nodes {
                group.addTask {
                    do { return .answered(node, .success(try await question(node))) } catch {
                        return .answered(node, .failure(error))
                    }
                }
            }
            func wait() {
                group.addTask {
                    await self.alarms.wait()
                    return .timeToLook
                }
            }
            wait()
            while outcomes.byNode.count < nodes.count, let news = await group.next() {
                switch news {
                case .answered(let node, let outcome): outcomes.note(outcome, of: node)
                case .timeToLook where Task.isCancelled: break  // the questions end by themselves
                case .timeToLook:
                    for node in nodes where outcomes.byNode[node] == nil && looking.insert(node).inserted {
                        group.addTask { .looked(node, await self.look(at: node)) }
                    }
                    wait()
                case .looked(let node, let failure):
                    looking.remove(node)
                    options.logger.info(
                        "asked a silent node whether it is there",
                        metadata: ["node": "\(node)", "answer": "\(failure?.message ?? "yes")"])
                    if let failure { outcomes.note(.failure(failure), of: node) }
                }
            }
            group.cancelAll()
            return outcomes.byNode
        }
    }

    /// Nil when the node is there: it says something, whatever it is, or this client has so many calls under way there
    /// that one more is not sent.
    private func look(at node: NodeId) async -> RookeryError? {
        guard let choice = try? pool.choose(from: table.nodes(for: .node(node)).nodes) else { return nil }  // closed
        do {
            _ = try await choice.channel.health(options: CallOptions(timeout: Self.lookTimeout))
        } catch let error as RPCError
            where error.isSilence && !(error.ran == .no && choice.channel.isConnected)
        {
            pool.finished(choice, NodeTracker.Outcome(error), load: nil)
            return RookeryError(error, node: choice.node)
        } catch {}
        // Who is there may still not get its work done: that is for the calls themselves to find.
        pool.finished(choice, .abandoned, load: nil)
        return nil
    }
}

extension RPCError {
    /// Nobody answered: neither the question, nor that it is refused.
    fileprivate var isSilence: Bool { code == .deadlineExceeded || code == .unavailable && load == nil }
}

extension RookeryError.Status {
    /// Whether another node may well answer.
    fileprivate var isOfOneNode: Bool {
        switch self {
        case .unavailable, .deadlineExceeded, .resourceExhausted, .internalError, .dataLoss, .unknown: true
        default: false
        }
    }
}

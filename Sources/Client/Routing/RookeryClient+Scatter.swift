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
        let outcomes = await withTaskGroup(of: (NodeId, [PartitionId], Result<Answer, any Error>).self) { group in
            for (node, partitions) in owners {
                group.addTask {
                    do {
                        let answer = try await self.ask(
                            method, request(partitions), as: Answer.self, at: .node(node), session: session, key: nil,
                            .read, timeout: slice)
                        return (node, partitions, .success(answer))
                    } catch {
                        return (node, partitions, .failure(error))
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        var failures: [Failed] = []
        for (node, partitions, outcome) in outcomes {
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

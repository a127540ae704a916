import Cluster
import Messages
import NIOCore
import RPC

/// What a page needs of all nodes, in one round of calls: each node is asked once, for everything that it knows.
struct Gathering: Sendable {
    var viewer: Id?
    /// Read where they are stored.
    var tweets: [Id] = []
    /// Where the reader's own likes are counted, a partition of the asking node; nil without a reader.
    var reader: PartitionId?
    /// Their counts are corrected for the reader.
    var counted: [Id] = []
    /// Tweets of a node that does not answer in time are left out; otherwise that is an error.
    var evenIncomplete = false

    struct Found: Sendable {
        var tweets: [UInt64: PeerTweet] = [:]
        /// Nil without a reader.
        var near: NearCounts?
        /// Nodes whose tweets were left out.
        var missing: [NodeId] = []
    }
}

extension NodeContext {
    func gather(_ wanted: Gathering, _ context: CallContext) async throws -> Gathering.Found {
        var requests = requests(for: wanted)
        let mine = requests.removeValue(forKey: id)
        return try await withThrowingTaskGroup(of: Answer.self) { group in
            for (node, request) in requests {
                group.addTask { try await self.tell(node, request, context, evenIncomplete: wanted.evenIncomplete) }
            }
            var found = Gathering.Found(near: wanted.reader.map { NearCounts(region: region(of: $0).name) })
            if let mine {
                let reply = try await PeerService(node: self).gather(mine, context)
                found.take(Answer(node: id, request: mine, reply: reply))
            }
            for try await answer in group { found.take(answer) }
            found.missing.sort()
            return found
        }
    }

    private func requests(for wanted: Gathering) -> [NodeId: PeerGatherRequest] {
        var requests: [NodeId: PeerGatherRequest] = [:]
        for tweet in wanted.tweets {
            guard let owner = owner(of: tweet.partition) else { continue }
            requests[owner, default: PeerGatherRequest()].tweets.append(tweet.rawValue)
        }
        if let reader = wanted.reader, !wanted.counted.isEmpty {
            let region = region(of: reader)
            for tweet in wanted.counted {
                guard let owner = owner(of: partitioning.regionHome(of: tweet, region: region)) else { continue }
                requests[owner, default: PeerGatherRequest()].counted.append(tweet.rawValue)
            }
            requests[id, default: PeerGatherRequest()].own = wanted.counted.map(\.rawValue)
        }
        return requests.mapValues { request in
            var request = request
            request.viewer = wanted.viewer?.rawValue ?? 0
            request.source = wanted.reader.map { UInt32($0.rawValue) } ?? 0
            return request
        }
    }

    fileprivate struct Answer: Sendable {
        var node: NodeId
        var request: PeerGatherRequest
        /// Nil when the node did not answer in time, and can be done without.
        var reply: PeerGatherReply?
    }

    /// One that can be done without gets a third of the time: what the others know must still reach the caller.
    private func tell(
        _ node: NodeId, _ request: PeerGatherRequest, _ context: CallContext, evenIncomplete: Bool
    ) async throws -> Answer {
        let isNeeded = !request.tweets.isEmpty && !evenIncomplete
        let remaining = context.deadline - .now()
        do {
            let reply = try await ask(
                node, .gather, request, context, patience: isNeeded ? nil : .nanoseconds(remaining.nanoseconds / 3))
            return Answer(node: node, request: request, reply: reply)
        } catch let error as RPCError where !isNeeded && error.code.isOfOneNode {
            return Answer(node: node, request: request)
        }
    }
}

extension StatusCode {
    /// Whether it may say more of the node than of the question.
    fileprivate var isOfOneNode: Bool { self == .unavailable || self == .deadlineExceeded }
}

extension Gathering.Found {
    fileprivate mutating func take(_ answer: NodeContext.Answer) {
        guard let reply = answer.reply else {
            if !answer.request.tweets.isEmpty { missing.append(answer.node) }
            return
        }
        for tweet in reply.tweets { tweets[tweet.id] = tweet }
        for sum in reply.sums { near?.homes[sum.id] = sum }
        for (tweet, sums) in zip(answer.request.own, reply.own) { near?.own[tweet] = sums }
    }
}

import Cluster
import Messages
import Replication
import Storage

/// Hands each event to the service it belongs to, and names the rows it touches.
struct StreamEvents: EventHandler {
    let partitioning: Partitioning

    private enum Known {
        case nameClaim(NameClaim)
        case nameAnswer(NameAnswer)
        case edgeAdded(EdgeAdded)
        case edgeRemoved(EdgeRemoved)
        case edgeAnswer(EdgeAnswer)
        case replyAdded(ReplyAdded)
        case partitionSum(PartitionSum)
        case regionSum(RegionSum)
        case tagsUsed(TagsUsed)
        case viewed(Viewed)
    }

    /// - Throws: for a kind that this version does not know: dropping it would lose something for good.
    private func decode(_ event: StreamEvent) throws -> Known {
        switch EventKind(rawValue: event.kind) {
        case .eventNameClaim: .nameClaim(try NameClaim.decode(event.body))
        case .eventNameAnswer: .nameAnswer(try NameAnswer.decode(event.body))
        case .eventEdgeAdded: .edgeAdded(try EdgeAdded.decode(event.body))
        case .eventEdgeRemoved: .edgeRemoved(try EdgeRemoved.decode(event.body))
        case .eventEdgeAnswer: .edgeAnswer(try EdgeAnswer.decode(event.body))
        case .eventReplyAdded: .replyAdded(try ReplyAdded.decode(event.body))
        case .eventPartitionSum: .partitionSum(try PartitionSum.decode(event.body))
        case .eventRegionSum: .regionSum(try RegionSum.decode(event.body))
        case .eventTagsUsed: .tagsUsed(try TagsUsed.decode(event.body))
        case .eventViewed: .viewed(try Viewed.decode(event.body))
        default: throw StorageError.corrupt("an event of the unknown kind \(event.kind)")
        }
    }

    func latches(for event: StreamEvent, from source: PartitionId) throws -> [Latch] {
        switch try decode(event) {
        case .nameClaim(let claim): [Latches.name(Username.folded(claim.name))]
        case .nameAnswer(let answer): [Latches.user(Id(rawValue: answer.userId), exclusive: true)]
        case .edgeAdded(let edge):
            [
                Latches.edge(Id(rawValue: edge.follower), Id(rawValue: edge.followed)),
                Latches.user(Id(rawValue: edge.followed)),
            ]
        case .edgeRemoved(let edge): [Latches.edge(Id(rawValue: edge.follower), Id(rawValue: edge.followed))]
        case .edgeAnswer(let edge): [Latches.edge(Id(rawValue: edge.follower), Id(rawValue: edge.followed))]
        case .replyAdded: []  // one row of its own, written once
        case .partitionSum(let sum): [Latches.share(Id(rawValue: sum.tweetId), UInt64(source.rawValue))]
        case .regionSum(let sum): [Latches.share(Id(rawValue: sum.tweetId), UInt64.max)]
        case .tagsUsed(let used): used.tags.map { Latches.tag($0) }
        case .viewed: []  // merges only
        }
    }

    func handle(_ event: StreamEvent, from source: PartitionId, in evaluation: Evaluation) throws {
        let graph = GraphEvents(partitioning: partitioning)
        switch try decode(event) {
        case .nameClaim(let claim): try NameEvents.take(claim, from: source, in: evaluation)
        case .nameAnswer(let answer): try NameEvents.take(answer, in: evaluation)
        case .edgeAdded(let added): try graph.take(added, in: evaluation)
        case .edgeRemoved(let removed): try graph.take(removed, in: evaluation)
        case .edgeAnswer(let answer): try graph.take(answer, in: evaluation)
        case .replyAdded(let reply): ThreadEvents.take(reply, in: evaluation)
        case .partitionSum(let sum): try CountEvents.take(sum, from: source, in: evaluation)
        case .regionSum(let sum): try CountEvents.take(sum, in: evaluation)
        case .tagsUsed(let used): try TagEvents.take(used, in: evaluation)
        case .viewed(let viewed): try ViewEvents.take(viewed, in: evaluation)
        }
    }
}

/// A name's one owner, ever (rule A3, P3).
enum NameEvents {
    /// At the name's partition: written if absent or equal, never freed.
    static func take(_ claim: NameClaim, from source: PartitionId, in evaluation: Evaluation) throws {
        let key = Rows.name(Username.folded(claim.name), in: evaluation.partition)
        let owner = try evaluation.rows.message(NameRow.self, .names, key)
        if owner == nil {
            evaluation.rows.put(
                .names, key,
                NameRow.with {
                    $0.name = claim.name
                    $0.userId = claim.userId
                })
        }
        evaluation.tell(
            source, .eventNameAnswer,
            NameAnswer.with {
                $0.userId = claim.userId
                $0.granted = owner == nil || owner?.userId == claim.userId
            })
    }

    /// At the user's partition: the pending user becomes active, or nothing of it is left.
    static func take(_ answer: NameAnswer, in evaluation: Evaluation) throws {
        let key = Rows.user(Id(rawValue: answer.userId))
        if var user = try evaluation.rows.message(UserRow.self, .users, key), user.state == .userPending {
            if answer.granted {
                user.state = .userActive
                evaluation.rows.put(.users, key, user)
                Directory.update(user, before: nil, in: evaluation)
            } else {
                evaluation.rows.delete(.users, key)
            }
        }
        evaluation.note(.eventUserSettled, answer)
    }
}

enum ThreadEvents {
    /// At the thread's root.
    static func take(_ reply: ReplyAdded, in evaluation: Evaluation) {
        let key = Rows.thread(Id(rawValue: reply.conversationId)).appending(reply.replyId).bytes
        evaluation.rows.put(
            .threads, key,
            ThreadRow.with {
                $0.parentId = reply.parentId
                $0.authorId = reply.authorId
            })
    }
}

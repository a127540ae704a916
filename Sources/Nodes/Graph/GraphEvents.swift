import Cluster
import Messages
import Replication
import Storage

/// What the two sides of an edge tell each other. Each event names the edge's version and acts on that version only
/// (rule D2); both sides agree at rest (P5).
struct GraphEvents: Sendable {
    let partitioning: Partitioning

    static func answer(
        follower: UInt64, followed: UInt64, version: UInt64, state: EdgeState, in evaluation: Evaluation
    ) {
        evaluation.tell(
            Id(rawValue: follower).partition, .eventEdgeAnswer,
            EdgeAnswer.with {
                $0.follower = follower
                $0.followed = followed
                $0.version = version
                $0.state = state
            })
    }

    /// At the followed account. What the follower believed may be out of date: the account is gone, or has become
    /// protected or public since.
    func take(_ added: EdgeAdded, in evaluation: Evaluation) throws {
        let followed = Id(rawValue: added.followed)
        let user = try evaluation.rows.message(UserRow.self, .users, Rows.user(followed))
        let edge = EdgeRow.with {
            $0.version = added.version
            $0.name = added.followerName
        }
        guard let user, user.state == .userActive else {
            return Self.answer(
                follower: added.follower, followed: added.followed, version: added.version, state: .edgeNone,
                in: evaluation)
        }
        let state: EdgeState = user.protected ? .edgeRequested : .edgeAccepted
        try remember(edge, state, added, in: evaluation)
        guard state != added.state else { return }
        Self.answer(
            follower: added.follower, followed: added.followed, version: added.version, state: state, in: evaluation)
    }

    private func remember(
        _ edge: EdgeRow, _ state: EdgeState, _ added: EdgeAdded, in evaluation: Evaluation
    ) throws {
        let followed = Id(rawValue: added.followed)
        var edge = edge
        edge.state = state
        if state == .edgeAccepted {
            edge.atMs = evaluation.nowMs
            evaluation.rows.put(.edges, Rows.followers(of: followed).appending(added.follower).bytes, edge)
            try countFollower(
                Id(rawValue: added.follower), of: followed, by: 1, atMs: edge.atMs, in: evaluation)
        } else {
            evaluation.rows.put(.edges, Rows.followRequests(to: followed).appending(added.follower).bytes, edge)
        }
    }

    /// At the followed account.
    func take(_ removed: EdgeRemoved, in evaluation: Evaluation) throws {
        let followed = Id(rawValue: removed.followed)
        let accepted = Rows.followers(of: followed).appending(removed.follower).bytes
        let asked = Rows.followRequests(to: followed).appending(removed.follower).bytes
        for key in [accepted, asked] {
            guard let edge = try evaluation.rows.message(EdgeRow.self, .edges, key), edge.version == removed.version
            else { continue }
            evaluation.rows.delete(.edges, key)
            if key == accepted {
                try countFollower(
                    Id(rawValue: removed.follower), of: followed, by: -1, atMs: edge.atMs, in: evaluation)
            }
        }
    }

    /// At the follower.
    func take(_ answer: EdgeAnswer, in evaluation: Evaluation) throws {
        let follower = Id(rawValue: answer.follower)
        let key = Rows.following(of: follower).appending(answer.followed).bytes
        guard var edge = try evaluation.rows.message(EdgeRow.self, .edges, key), edge.version == answer.version,
            edge.state != answer.state
        else { return }
        let wasAccepted = edge.state == .edgeAccepted
        edge.state = answer.state
        if answer.state == .edgeNone {
            evaluation.rows.delete(.edges, key)
        } else {
            evaluation.rows.put(.edges, key, edge)
        }
        let delta: Int64 = (answer.state == .edgeAccepted ? 1 : 0) - (wasAccepted ? 1 : 0)
        if delta != 0 {
            try CountEvents.count(.following, of: follower, region: region(of: follower), by: delta, in: evaluation)
        }
    }

    /// At the followed account.
    func countFollower(
        _ follower: Id, of followed: Id, by delta: Int64, atMs: UInt64, in evaluation: Evaluation
    ) throws {
        let region = region(of: follower)
        try CountEvents.count(.followers, of: followed, region: region, by: delta, in: evaluation)
        try CountBuckets.merge(
            under: Rows.followerBuckets(of: followed), suffix: Array(region.utf8), by: delta, atMs: atMs,
            in: evaluation)
        if delta > 0 {
            try CountBuckets.deleteExpired(under: Rows.followerBuckets(of: followed), atMost: 4, in: evaluation)
        }
        evaluation.note(.eventFollowersCounted, FollowersCounted.with { $0.userId = followed.rawValue })
    }

    private func region(of user: Id) -> String { partitioning.region(of: user.partition)?.name ?? "" }
}

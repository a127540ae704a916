import Cluster
import Messages

extension RookeryClient {
    /// Words that each node is asked for: more than any list shows, so that the sums are close.
    private static let termsOfANode: UInt32 = 2048

    /// The words in most tweets: estimates with their errors, and a bound for all others.
    func topTerms(
        _ query: TopQuery, in homes: [PartitionId], session: Session, by deadline: Deadline
    ) async throws -> TopList {
        let message = try query.message
        let replies = try await scatter(
            "rookery.Top/Top", as: TopReply.self, over: homes, session: session, by: deadline
        ) {
            var request = message
            request.limit = Self.termsOfANode
            request.partitions = $0.map { UInt32($0.rawValue) }
            return request
        }.orThrow()
        let merged = TermMerge(replies.answers.map { TermMerge.Page($0.answer) }, k: query.k)
        return TopList(
            items: merged.items.map { item in
                TopList.Item(key: item.term, count: item.count, error: item.error == 0 ? nil : item.error)
            },
            exact: false, bound: merged.bound, missingNodes: replies.missing.map(\.rawValue))
    }
}

extension TermMerge.Page {
    /// No count is larger, whatever an answer says: so sums cannot overflow.
    private static let mostCounted: Int64 = 1 << 40

    fileprivate init(_ reply: TopReply) {
        items = reply.items.map { item in
            let count = min(max(0, item.count), Self.mostCounted)
            return TermMerge.Item(term: item.text, count: count, error: min(item.error, UInt64(count)))
        }
        bound = min(max(0, reply.bound), Self.mostCounted)
    }
}

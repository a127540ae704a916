import Cluster
import Messages
import Storage

/// The newest causes of many authors, found by looking at each author's newest first and stopping as soon as the rest
/// cannot be among them. A min-heap of the best so far.
///
/// What is passed over (left out by request, or not for this viewer) may be more than one call should look at. So each
/// author has an allowance of it; beyond that the search ends at a *horizon*: above it everything is known, and whoever
/// asks goes on below it (rules E1, E2). An author has always been looked at for one entry, so the horizon sinks with
/// every call.
struct NewestCauses: Sendable {
    struct Cause: Comparable, Sendable {
        var id: Id
        static func < (a: Cause, b: Cause) -> Bool { a.id < b.id }
    }

    /// Entries that a call passes over, shared by its authors; and what each has at least, however many they are.
    static let passedOver = 5000
    static let passedOverByOne = 20

    private let limit: Int
    private let request: PullRequest
    private let allowance: Int
    private var heap: [Cause] = []
    /// The oldest id down to which everybody was looked at; 0 when that is all the way down to the page's end.
    private(set) var horizon: UInt64 = 0

    /// - Parameters:
    ///   - limit: how many causes are wanted.
    ///   - allowance: how many entries of one author may be passed over; by default a fair share.
    init(limit: Int, request: PullRequest, allowance: Int? = nil) {
        self.limit = limit
        self.request = request
        let share = Self.passedOver / max(1, request.authors.count)
        self.allowance = max(1, allowance ?? max(Self.passedOverByOne, share))
    }

    /// Those at or above the horizon.
    var descending: [Cause] { heap.filter { $0.id.rawValue >= horizon }.sorted(by: >) }

    mutating func take(_ author: Id, from rows: any Reader) throws {
        let audience = Audience(viewer: request.viewer, rows: rows)
        let seesAll = try audience.isOfTheirs(author)
        guard try seesAll || !audience.isProtected(author) else { return }
        let prefix = Rows.authored(by: author)
        var left = allowance
        let from = request.before == 0 ? prefix.bytes : prefix.appending(descending: request.before - 1).bytes
        try rows.scan(.authors, from: from, to: prefix.prefixEnd, reverse: false) { key, value in
            var reader = KeyReader(key)
            _ = try reader.uint16()
            _ = try reader.uint64()
            let id = Id(rawValue: try reader.descendingUInt64())
            if heap.count == limit, let worst = heap.first, id < worst.id { return false }
            // What lies below somebody else's horizon is for a later call.
            if id.rawValue < horizon { return false }
            if wants(value), try seesAll || isPublic(id, in: rows) {
                push(Cause(id: id))
                return true
            }
            left -= 1
            if left == 0 { horizon = id.rawValue }
            return left > 0
        }
    }

    private func wants(_ value: UnsafeRawBufferPointer) -> Bool {
        let flags = AuthorFlags(rawValue: value.first ?? 0)
        if request.excludeReplies, flags.contains(.reply) { return false }
        return !(request.excludeRetweets && flags.contains(.retweet))
    }

    private func isPublic(_ id: Id, in rows: any Reader) throws -> Bool {
        try rows.message(TweetRow.self, .tweets, Rows.tweet(id))?.access == .accessPublic
    }

    private mutating func push(_ cause: Cause) {
        if heap.count == limit {
            heap[0] = cause
            siftDown()
        } else {
            heap.append(cause)
            siftUp()
        }
    }

    private mutating func siftUp() {
        var child = heap.count - 1
        while child > 0, heap[child] < heap[(child - 1) / 2] {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private mutating func siftDown() {
        var parent = 0
        while true {
            let children = (2 * parent + 1)..<min(2 * parent + 3, max(heap.count, 2 * parent + 1))
            guard let least = children.min(by: { heap[$0] < heap[$1] }), heap[least] < heap[parent] else { return }
            heap.swapAt(least, parent)
            parent = least
        }
    }
}

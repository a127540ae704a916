import Cluster
import Logging
import Messages
import Replication
import Storage
import Synchronization

/// Counts what readers were shown: summed in memory and told once a second, outside exactness (rule F3). What is not yet
/// told when a node dies is lost; what is told counts once.
///
/// A second's views of many tweets are thousands of counts to write. They are told in parts, one after the other over
/// the second, so that nobody's read finds all of them before it.
final class ViewCounter: Sendable {
    private struct Share: Hashable {
        /// The readers' region.
        var region: String
        /// Of the tweets.
        var part: Int
    }

    private struct State: Sendable {
        /// Tweet → views.
        var pending: [Share: [UInt64: UInt64]] = [:]
        /// Calls that were counted lately, in two generations.
        var recent: Set<RequestId> = []
        var earlier: Set<RequestId> = []
        var sequence: UInt64 = 0
    }

    /// Calls remembered against repetition, in each generation.
    static let remembered = 16_384
    /// Tweets belong to the parts by their partitions.
    static let parts = 16
    /// Tweets of a part told of at once, the most viewed first; the others go on summing.
    static let toldAtOnce = 1024
    /// Tweets of a part summed at once for the readers of a region; while there are so many, no other is begun.
    static let maxPending = 8192

    private let state = Mutex(State())
    private let boot: UInt64

    /// - Parameter boot: differs from one start of the node to the next.
    init(boot: UInt64) { self.boot = boot }

    /// - Parameters:
    ///   - call: the same for hedged and repeated requests, which count once; nil for a call without a request id.
    ///   - region: the reader's.
    func viewed(_ tweets: [UInt64], call: RequestId?, region: String) {
        guard !tweets.isEmpty else { return }
        state.withLock { state in
            if let call, !Self.isNew(call, &state) { return }
            for tweet in tweets { Self.view(tweet, region, &state) }
        }
    }

    private static func view(_ tweet: UInt64, _ region: String, _ state: inout State) {
        let part = Int(Id(rawValue: tweet).partition.rawValue) % parts
        var pending = state.pending.removeValue(forKey: Share(region: region, part: part)) ?? [:]
        if pending.count < maxPending || pending[tweet] != nil { pending[tweet, default: 0] += 1 }
        state.pending[Share(region: region, part: part)] = pending
    }

    private static func isNew(_ call: RequestId, _ state: inout State) -> Bool {
        guard !state.earlier.contains(call), state.recent.insert(call).inserted else { return false }
        if state.recent.count >= remembered {
            state.earlier = state.recent
            state.recent = []
        }
        return true
    }

    /// Views that have not been told.
    var pendingCount: Int { state.withLock { $0.pending.values.reduce(0) { $0 + $1.count } } }

    /// Tells all parts.
    func flush(_ node: NodeContext) async throws {
        for part in 0..<Self.parts { try await flush(part, node) }
    }

    /// Has a partition of each region log what its readers were shown of one part, and tell the tweets' partitions.
    func flush(_ part: Int, _ node: NodeContext) async throws {
        let shares = state.withLock { $0.pending.keys.filter { $0.part == part } }.sorted { $0.region < $1.region }
        for share in shares {
            guard let reporter = Self.reporter(for: share.region, node) else { continue }
            let (views, request) = take(share, nowMs: node.clock.nowMs())
            do {
                _ = try await reporter.execute(Self.command(views, region: share.region, request))
            } catch {
                putBack(views, share)
                throw error
            }
        }
    }

    private static func reporter(for region: String, _ node: NodeContext) -> Partition? {
        let mine = node.partitions
        return mine.first { node.region(of: $0.id).name == region } ?? mine.first
    }

    private func take(_ share: Share, nowMs: UInt64) -> (views: [(UInt64, UInt64)], request: RequestId) {
        state.withLock { state in
            let all = (state.pending[share] ?? [:]).sorted { ($0.value, $0.key) > ($1.value, $1.key) }
            let rest = all.dropFirst(Self.toldAtOnce)
            state.pending[share] =
                rest.isEmpty ? nil : Dictionary(uniqueKeysWithValues: rest.map { ($0.key, $0.value) })
            state.sequence += 1
            let request = RequestId(timeMs: nowMs, random: boot).derived(state.sequence)
            return (all.prefix(Self.toldAtOnce).map { ($0.key, $0.value) }, request)
        }
    }

    private func putBack(_ views: [(UInt64, UInt64)], _ share: Share) {
        state.withLock { state in
            for (tweet, count) in views { state.pending[share, default: [:]][tweet, default: 0] += count }
        }
    }

    private static func command(_ views: [(UInt64, UInt64)], region: String, _ request: RequestId) -> Command {
        Command(requestId: request, latches: []) { evaluation in
            let byHome = Dictionary(grouping: views) { Id(rawValue: $0.0).partition }
            for (home, views) in byHome.sorted(by: { $0.key < $1.key }) {
                evaluation.tell(
                    home, .eventViewed,
                    Viewed.with {
                        $0.region = region
                        $0.atMs = evaluation.nowMs
                        $0.tweets = views.map(\.0)
                        $0.views = views.map(\.1)
                    })
            }
            return []
        }
    }
}

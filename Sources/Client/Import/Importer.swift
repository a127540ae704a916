import Cluster
import Synchronization

/// Runs an import: users, then follows, then tweets, then waits until all of it has arrived everywhere.
///
/// Safe to run again, also after it was killed: every write has an id that follows from the files (rule B3), and the
/// users' secrets are on disk before they are used.
public struct Importer: Sendable {
    let client: RookeryClient
    let store: SessionStore
    let plan: ImportPlan
    let concurrency: Int
    /// Nil spreads the users over the cluster's regions.
    let region: String?
    let environment: Environment
    let report: @Sendable (ImportProgress) -> Void
    let patience: Patience

    /// How long the streams may take to come to rest after the last write.
    static let restLimit = Duration.seconds(60)

    /// - Parameters:
    ///   - store: where the users' sessions and secrets go.
    ///   - concurrency: calls under way at once.
    ///   - report: told of every step; must be quick.
    public init(
        client: RookeryClient, store: SessionStore, plan: ImportPlan, concurrency: Int = 256, region: String? = nil,
        environment: Environment = .system, report: @escaping @Sendable (ImportProgress) -> Void = { _ in }
    ) {
        self.client = client
        self.store = store
        self.plan = plan
        self.concurrency = concurrency
        self.region = region
        self.environment = environment
        self.report = report
        patience = Patience(environment: environment)
    }

    /// - Throws: `ImportFailure`; what the cluster refuses, as `RookeryError`; `PrivateFile.Failure`.
    public func run() async throws -> ImportResult {
        let lock = try lock()
        defer { lock.release() }
        let startNs = environment.clock.monotonicNs()
        let sessions = try await makeUsers()
        // Stored before the long part, so that a killed import leaves sessions that can be used.
        for session in sessions { try store.save(session.record) }
        try await makeFollows(sessions)
        let tooLong = try await makeTweets(sessions)
        try await waitForRest()
        for session in sessions { try store.remember(session.record) }
        let seconds = Double(environment.clock.monotonicNs() - startNs) / 1e9
        var skipped = plan.skipped
        skipped.tooLong = tooLong
        let calls = plan.users.count + plan.follows.count + plan.postCount
        return ImportResult(
            users: plan.users.count, follows: plan.follows.count, tweets: plan.postCount - tooLong, skipped: skipped,
            seconds: seconds, opsPerSecond: seconds > 0 ? Double(calls) / seconds : 0)
    }

    /// One import at a time keeps secrets here: two would overwrite each other's, and lock users out for ever.
    private func lock() throws -> PrivateFile.Lock {
        do {
            return try PrivateFile.Lock(store.directory, name: "import.lock", orFail: true)
        } catch let error where error.isHeldElsewhere {
            throw ImportFailure.busy(directory: store.directory)
        }
    }

    private func makeFollows(_ sessions: [Session]) async throws {
        let counter = Counter(stage: .follows, total: plan.follows.count, report: report)
        // By follower in turn, not all of one user's at once: neighbours in the file would meet in the same latches.
        let order = plan.follows.indices.sorted { Self.spread($0) < Self.spread($1) }
        try await window(order) { index in
            let follow = plan.follows[index]
            let (follower, followed) = (sessions[follow.follower], sessions[follow.followed].userId)
            _ = try await patience("follow \(plan.users[follow.followed]) by \(plan.users[follow.follower])") {
                try await client.follow(followed, session: follower, key: follow.key)
            }
            counter.add(1)
        }
    }

    private static func spread(_ index: Int) -> UInt64 { UInt64(index) &* 0x9E37_79B9_7F4A_7C15 }

    /// Authors in parallel, each author's lines one after the other.
    /// - Returns: how many lines the server found too long.
    private func makeTweets(_ sessions: [Session]) async throws -> Int {
        let counter = Counter(stage: .tweets, total: plan.postCount, report: report)
        let tooLong = Atomic(0)
        try await window(Array(plan.posts.indices)) { author in
            for post in plan.posts[author] {
                let posted = try await patience("line \(post.line) of \(plan.tweetsPath)") {
                    try await self.post(post, as: sessions[author])
                }
                if !posted { tooLong.add(1, ordering: .relaxed) }
                counter.add(1)
            }
        }
        return tooLong.load(ordering: .relaxed)
    }

    /// False when the server does not take the text.
    private func post(_ post: ImportPlan.Post, as session: Session) async throws -> Bool {
        do {
            _ = try await client.post(Draft(text: post.text), session: session, key: post.key)
            return true
        } catch let error as RookeryError where error.isTextTooLong {
            return false
        }
    }

    /// Returns when no node has events left that another partition has not heard of.
    private func waitForRest() async throws {
        let endNs = environment.clock.monotonicNs() + UInt64(Self.restLimit / .nanoseconds(1))
        while true {
            let backlog = try await backlog()
            report(ImportProgress(stage: .streams, done: Int(clamping: backlog), total: 0))
            if backlog == 0 { return }
            guard environment.clock.monotonicNs() < endNs else {
                throw ImportFailure.backlog(backlog, seconds: Int(Self.restLimit / .seconds(1)))
            }
            try await environment.sleep(.milliseconds(20))
        }
    }

    private func backlog() async throws -> UInt64 {
        var sum: UInt64 = 0
        for node in client.map.sortedNodes {
            sum += try await patience("the status of \(node.id)") { try await client.status(of: node.id) }.backlog
        }
        return sum
    }

    /// Runs the body for every element, at most `concurrency` at once; ends with the first error.
    func window<Element: Sendable>(
        _ elements: [Element], _ body: @escaping @Sendable (Element) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, element) in elements.enumerated() {
                if index >= concurrency { try await group.next() }
                group.addTask { try await body(element) }
            }
            try await group.waitForAll()
        }
    }
}

/// Counts the finished steps of a stage.
final class Counter: Sendable {
    private let done = Atomic(0)
    private let stage: ImportProgress.Stage
    private let total: Int
    private let report: @Sendable (ImportProgress) -> Void

    init(stage: ImportProgress.Stage, total: Int, report: @escaping @Sendable (ImportProgress) -> Void) {
        self.stage = stage
        self.total = total
        self.report = report
    }

    func add(_ count: Int) {
        let now = done.add(count, ordering: .relaxed).newValue
        report(ImportProgress(stage: stage, done: now, total: total))
    }
}

import Client
import Cluster

/// What all workers of a run choose from; it does not change while they run.
struct Workload: Sendable {
    /// What one reads of a timeline: the first page, as long as a page is when nothing is said.
    static let page = PageRequest(maxResults: 20)

    let operations: OperationChooser
    let users: UserChooser
    let population: Population
    let texts: SampleTexts
}

/// Makes one operation after the other on one connection, when its pace says so.
struct Worker: Sendable {
    let workload: Workload
    let connection: Connection
    let clock: any WallClock
    private var random: SplitMix64
    private var tally = Tally()

    init(number: Int, seed: UInt64, _ workload: Workload, _ connection: Connection, clock: any WallClock) {
        self.workload = workload
        self.connection = connection
        self.clock = clock
        random = SplitMix64(seed: seed, worker: number)
    }

    /// Returns when the pace says that the run is over, and the last answer is there.
    consuming func run(_ pace: some Pace) async -> Tally {
        while let turn = await pace.turn() {
            let operation = workload.operations.choose(using: &random)
            do {
                try await perform(operation)
                let endNs = clock.monotonicNs()
                if turn.counted.contains(endNs) {
                    tally.succeeded(
                        operation, startNs: turn.startNs, endNs: endNs, isInTime: turn.inTime.contains(endNs))
                }
            } catch {
                let endNs = clock.monotonicNs()
                if turn.counted.contains(endNs) { tally.failed(error, endNs: endNs) }
                await pace.failed()
            }
            connection.count()
        }
        return tally
    }

    private mutating func perform(_ operation: LoadOperation) async throws {
        let client = connection.client
        let session = someone()
        switch operation {
        case .home: _ = try await client.home(Workload.page, session: session)
        case .user: _ = try await client.timeline(of: someone().userId, Workload.page, session: session)
        case .post:
            _ = try await client.post(Draft(text: workload.texts.choose(using: &random)), session: session)
        case .like: _ = try await client.react(.like, to: someTweet(), session: session)
        case .search:
            let page = try await client.search(workload.texts.twoWords(using: &random), session: session)
            try require(missing: page.missingNodes)
        case .top: try require(missing: try await client.top(someRanking(), session: session).missingNodes)
        }
    }

    /// An answer without what some nodes hold is quicker than a whole one; as a success it would flatter.
    private func require(missing nodes: [String]) throws {
        guard nodes.isEmpty else { throw Incomplete(missingNodes: nodes) }
    }

    private mutating func someone() -> Session {
        workload.population.sessions[workload.users.choose(using: &random)]
    }

    private mutating func someRanking() -> TopQuery {
        switch random.below(3) {
        case 0: TopQuery(.tweets, by: .likes)
        case 1: TopQuery(.tweets, by: .likes, window: .day)
        default: TopQuery(.users)
        }
    }

    private mutating func someTweet() -> Id {
        // As popular as its author, of whom the preload has the same number of tweets as of everybody.
        let author = workload.users.choose(using: &random)
        return workload.population.tweets[author * Preload.postsPerUser + random.below(Preload.postsPerUser)]
    }
}

import Client
import Cluster
import Messages
import Storage
import Testing

/// A name has one owner, ever (P3), and an account is whole or not there at all.
@Suite struct RegistrationStories {
    @Test func oneNameIsWantedByFiftyAtOnce() async throws {
        let seed = Seed.fresh()
        try await TestCluster.run(TestCluster.Setup(seed: seed)) { cluster in
            cluster.faults.set(.bad)
            let spellings = ["alice", "Alice", "ALICE", "aLiCe"]
            let winners = try await withThrowingTaskGroup(of: (Int, Session)?.self) { group in
                for number in 0..<50 {
                    group.addTask {
                        let client = cluster.client { _, _ in .pass }
                        let session = try await Self.register(spellings[number % 4], number, with: client, cluster)
                        await client.close()
                        return session.map { (number, $0) }
                    }
                }
                return try await group.reduce(into: []) { $0 += $1.map { [$0] } ?? [] }
            }
            try await cluster.atRest()
            #expect(winners.count == 1)
            let (number, session) = try #require(winners.first)
            let account = try Accounts(cluster, named: "alice")
            #expect(account.users.map(\.id) == [session.userId.rawValue])
            #expect(account.users.map(\.state) == [.userActive])
            #expect(account.names.map(\.userId) == [session.userId.rawValue])
            #expect(account.sessions == 1)
            // The winner's password is the account's; nobody else's is.
            let again = try await cluster.client.login(name: "Alice", secret: .password("password \(number)"))
            #expect(again.userId == session.userId)
            let error = await #expect(throws: RookeryError.self) {
                try await cluster.client.login(name: "alice", secret: .password("password \(number + 1)"))
            }
            #expect(error?.status == .unauthenticated)
        }
    }

    private static func register(
        _ name: String, _ number: Int, with client: RookeryClient, _ cluster: TestCluster
    ) async throws -> Session? {
        do {
            return try await cluster.persist {
                try await client.register(name: name, secret: .password("password \(number)"), key: $0)
            }
        } catch let error as RookeryError where error.status == .alreadyExists {
            #expect(error.message == "the name @\(name) is taken")
            return nil
        }
    }

    /// A claim, its answer, and the questions for cursors before each: four deliveries, when nothing is lost.
    @Test(arguments: StreamFaults.Step.allCases, [true, false])
    func aNodeDiesAtAStepOfARegistration(_ step: StreamFaults.Step, receiver: Bool) async throws {
        let seed = Seed.fresh()
        try await TestCluster.run(TestCluster.Setup(seed: seed)) { cluster in
            for delivery in 1...5 {
                cluster.faults.watch { number, at, from, to in
                    if number == delivery, at == step { cluster.crash(receiver ? to : from) }
                }
                let name = "user\(delivery)"
                let person = try await cluster.register(name)
                try await Self.expectWhole(name, cluster)
                #expect(try await cluster.patiently { try await cluster.client.whoAmI(person.session) }.name == name)
            }
        }
    }

    /// Nobody asks again: what there is of the account comes to an end by itself.
    @Test func aNodeDiesAndTheClientGivesUp() async throws {
        let seed = Seed.fresh()
        try await TestCluster.run(TestCluster.Setup(seed: seed)) { cluster in
            var whole = 0
            for attempt in 0..<16 {
                let (name, key) = ("user\(attempt)", cluster.requestId())
                let region = try #require(cluster.config.regions.first)
                let place = cluster.config.partitioning.homePartition(request: key, region: region)
                let home = try #require(cluster.map.owner(of: place)?.id)
                let request = Task {
                    try await cluster.client.register(name: name, secret: .random(Self.secret), key: key)
                }
                for _ in 0..<cluster.dice.roll(0..<200) { await Task.yield() }
                cluster.crash(home)
                _ = await request.result
                if try await Self.expectWholeOrAbsent(name, cluster) { whole += 1 }
                // The same request makes it whole, whatever there was; any other one finds the name taken.
                let session = try await cluster.patiently {
                    try await cluster.client.register(name: name, secret: .random(Self.secret), key: key)
                }
                #expect(try await cluster.client.resolve(name).id == session.userId)
                try await Self.expectWhole(name, cluster)
            }
            print("\(whole) of 16 accounts were whole before they were asked for again")
        }
    }

    private static let secret = [UInt8](repeating: 1, count: 32)

    private static func expectWhole(_ name: String, _ cluster: TestCluster) async throws {
        #expect(try await expectWholeOrAbsent(name, cluster), "@\(name) is absent")
    }

    private static func expectWholeOrAbsent(_ name: String, _ cluster: TestCluster) async throws -> Bool {
        try await cluster.atRest()
        let account = try Accounts(cluster, named: name)
        #expect(account.users.count <= 1)
        #expect(account.users.allSatisfy { $0.state == .userActive })
        #expect(account.users.map(\.id) == account.names.map(\.userId))
        return !account.users.isEmpty
    }
}

/// Everything that the stores of a cluster hold under a name.
private struct Accounts {
    var users: [UserRow] = []
    var names: [NameRow] = []
    var sessions = 0

    init(_ cluster: TestCluster, named name: String) throws {
        for node in cluster.nodes {
            guard let store = cluster.store(of: node) else { continue }
            users += try store.rows(.users).map { try UserRow.decode($0.value) }
                .filter { Username.folded($0.name) == name }
            names += try store.rows(.names).map { try NameRow.decode($0.value) }
                .filter { Username.folded($0.name) == name }
            sessions += try store.rows(.sessions).count
        }
    }
}

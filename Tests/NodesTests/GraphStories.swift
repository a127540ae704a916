import Client
import Cluster
import Messages
import Storage
import Testing

/// Who follows whom, and who may: F7 and F18's requests.
@Suite struct GraphStories {
    @Test func aProtectedAccountIsAskedFirst() async throws {
        try await TestCluster.run { cluster in
            let people = try await cluster.people(4)
            let (bob, asked, refused, regretted) = (people[0], people[1], people[2], people[3])
            let client = cluster.client
            _ = try await client.updateProfile(ProfileChange(protected: true), session: bob.session)
            for person in people.dropFirst() {
                let result = try await client.follow(bob.id, session: person.session)
                #expect(result.state == "requested")
            }
            _ = try await client.follow(bob.id, undo: true, session: regretted.session)
            try await cluster.atRest()
            let requests = try await client.followRequests(session: bob.session)
            #expect(requests.accounts.map(\.name).sorted() == [asked.name, refused.name])
            #expect(try await client.profile(of: asked.id).counts.following == 0, "asking is not following")

            try await client.answerRequest(of: asked.id, accept: true, session: bob.session)
            try await client.answerRequest(of: refused.id, accept: false, session: bob.session)
            try await cluster.atRest()
            #expect(try await client.followRequests(session: bob.session).accounts.isEmpty)
            let followers = try await client.followers(of: bob.id, session: bob.session)
            #expect(followers.accounts.map(\.name) == [asked.name])
            #expect(try await cluster.everyFollowing(of: asked.id) == [bob.name])
            #expect(try await cluster.everyFollowing(of: refused.id).isEmpty)
            #expect(try await client.profile(of: bob.id).counts == cluster.counts(followers: 1))
            // Who was refused may ask again.
            #expect(try await client.follow(bob.id, session: refused.session).state == "requested")
        }
    }

    @Test func anAccountBecomesProtectedAndPublicAgain() async throws {
        try await TestCluster.run { cluster in
            let people = try await cluster.people(3)
            let (bob, early, late) = (people[0], people[1], people[2])
            let client = cluster.client
            let tweet = try await client.post(Draft(text: "mine"), session: bob.session).id
            _ = try await client.follow(bob.id, session: early.session)
            try await cluster.atRest()
            _ = try await client.updateProfile(ProfileChange(protected: true), session: bob.session)
            #expect(try await client.show(tweet, session: early.session).id == tweet)
            let error = await #expect(throws: RookeryError.self) {
                try await client.show(tweet, session: late.session)
            }
            #expect(error?.status == .permissionDenied)
            _ = try await client.updateProfile(ProfileChange(protected: false), session: bob.session)
            #expect(try await client.show(tweet, session: late.session).id == tweet)
            #expect(try await client.follow(bob.id, session: late.session).state == "accepted")
        }
    }

    /// What the follower believed is out of date when it arrives: the followed side decides, both agree (rule D2).
    @Test func theAccountTurnsProtectedWhileAFollowIsOnItsWay() async throws {
        try await TestCluster.run { cluster in
            let people = try await cluster.people(2)
            let (bob, alice) = (people[0], people[1])
            cluster.faults.set(StreamFaults.Rates(lostRequest: 100))
            #expect(try await cluster.client.follow(bob.id, session: alice.session).state == "accepted")
            _ = try await cluster.client.updateProfile(ProfileChange(protected: true), session: bob.session)
            cluster.faults.set(.none)
            try await cluster.atRest()
            #expect(try await cluster.everyFollowing(of: alice.id).isEmpty)
            #expect(try await cluster.client.profile(of: alice.id).counts.following == 0)
            let requests = try await cluster.client.followRequests(session: bob.session)
            #expect(requests.accounts.map(\.name) == [alice.name])
            #expect(try Edges(cluster).disagreements.isEmpty)
        }
    }

    @Test func followsRequestsAnswersAndFlipsCrossEachOther() async throws {
        let seed = Seed.fresh()
        try await TestCluster.run(TestCluster.Setup(seed: seed)) { cluster in
            let people = try await cluster.people(8)
            let lives = Permits(5)
            cluster.faults.set(.bad)
            cluster.faults.watch { _, _, from, _ in
                if cluster.dice.percent(10), lives.take() { cluster.crash(from) }
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for person in people {
                    group.addTask { for _ in 0..<60 { try await Self.act(person, people, cluster) } }
                }
                try await group.waitForAll()
            }
            cluster.faults.watch(nil)
            #expect(lives.remaining == 0, "the nodes died as often as they should")
            try await cluster.atRest()
            let edges = try Edges(cluster)
            #expect(edges.disagreements.isEmpty, "\(edges.disagreements)")
            for person in people {
                let counts = try await cluster.client.profile(of: person.id).counts
                #expect(counts.followers == edges.followers(of: person.id))
                #expect(counts.following == edges.following(of: person.id))
            }
        }
    }

    private static func act(_ person: Person, _ people: [Person], _ cluster: TestCluster) async throws {
        let other = people[cluster.dice.roll(0..<people.count)].id
        guard other != person.id else { return }
        let (client, session) = (cluster.client, person.session)
        // Chosen once: what is asked again under the same request id is the same request.
        let (choice, yes) = (cluster.dice.roll(0..<100), cluster.dice.percent(60))
        try await cluster.persist { key in
            switch choice {
            case ..<45: _ = try await client.follow(other, session: session, key: key)
            case ..<65: _ = try await client.follow(other, undo: true, session: session, key: key)
            case ..<85: try await answer(other, accept: yes, cluster, session, key)
            default: _ = try await client.updateProfile(ProfileChange(protected: yes), session: session, key: key)
            }
        }
    }

    private static func answer(
        _ other: Id, accept: Bool, _ cluster: TestCluster, _ session: Session, _ key: RequestId
    ) async throws {
        do {
            try await cluster.client.answerRequest(of: other, accept: accept, session: session, key: key)
        } catch let error as RookeryError where error.status == .notFound {
            return  // nobody has asked
        }
    }
}

/// Every edge of a cluster, as both of its ends hold it.
private struct Edges {
    private struct End: Hashable {
        var follower: UInt64
        var followed: UInt64
        var isAccepted: Bool
        var version: UInt64
    }

    private var atFollowers: Set<End> = []
    private var atFollowed: Set<End> = []

    init(_ cluster: TestCluster) throws {
        for node in cluster.nodes {
            guard let store = cluster.store(of: node) else { continue }
            for row in try store.rows(.edges) { try take(row) }
        }
    }

    private mutating func take(_ row: Row) throws {
        let (user, other) = try row.key.withUnsafeBytes { key in
            var reader = KeyReader(UnsafeRawBufferPointer(rebasing: key.dropFirst(3)))
            return (try reader.uint64(), try reader.uint64())
        }
        let edge = try EdgeRow.decode(row.value)
        if row.key[2] == UInt8(ascii: "f") {
            let isAccepted = edge.state == .edgeAccepted
            atFollowers.insert(End(follower: user, followed: other, isAccepted: isAccepted, version: edge.version))
        } else {
            let isAccepted = row.key[2] == UInt8(ascii: "r")
            atFollowed.insert(End(follower: other, followed: user, isAccepted: isAccepted, version: edge.version))
        }
    }

    var disagreements: [String] {
        atFollowers.symmetricDifference(atFollowed).map { "\($0)" }
    }

    func followers(of user: Id) -> UInt64 {
        UInt64(atFollowed.count { $0.followed == user.rawValue && $0.isAccepted })
    }

    func following(of user: Id) -> UInt64 {
        UInt64(atFollowers.count { $0.follower == user.rawValue && $0.isAccepted })
    }
}

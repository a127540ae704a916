import Client
import Cluster
import Messages
import RPC
import Storage
import Testing

/// Search as people use it, over nodes that come and go: F10, rule F6.
@Suite struct SearchStories {
    private func texts(
        _ query: String, as person: Person, _ cluster: TestCluster, _ options: SearchOptions = SearchOptions()
    ) async throws -> [String] {
        try await cluster.client.search(query, options, session: person.session).tweets.map(\.text)
    }

    /// The words under which somebody stands in the directory's rows.
    private static func directoryWords(of user: Id, in store: any Store) throws -> [String] {
        let prefix = Key(partition: user.partition.rawValue)
        let rows = try store.rows(.directory, from: prefix.bytes, to: prefix.prefixEnd)
        let end = [0] + Key(partition: 0).appending(user.rawValue).bytes.dropFirst(2)
        return rows.filter { $0.key.suffix(9) == end[...] }.map { row in
            String(decoding: row.key.dropFirst(2).dropLast(9), as: UTF8.self)
        }
    }

    @Test func foundAsSoonAsItIsPostedAndGoneAsSoonAsItIsDeleted() async throws {
        try await TestCluster.run { cluster in
            let people = try await cluster.people(6)
            for (number, person) in people.enumerated() {
                let tweet = try await cluster.client.post(
                    Draft(text: "Straße number\(number) #Rook"), session: person.session)
                #expect(try await texts("number\(number)", as: people[0], cluster) == [tweet.text])
                try await cluster.client.delete(tweet.id, session: person.session)
                #expect(try await texts("number\(number) OR #rook", as: people[0], cluster).isEmpty)
            }
        }
    }

    @Test func everyOperatorReachesTheTweetsItMeans() async throws {
        try await TestCluster.run { cluster in
            let (ada, bob) = (try await cluster.register("ada"), try await cluster.register("bob"))
            let client = cluster.client
            let root = try await client.post(
                Draft(text: "rooks nest together #birds $NEST http://example.com"), session: ada.session)
            var reply = Draft(text: "@ada nest of what?", inReplyTo: root.id)
            reply.lang = "en"
            _ = try await client.post(reply, session: bob.session)
            _ = try await client.react(.like, to: root.id, session: bob.session)
            try await cluster.atRest()
            let (first, second) = (root.text, "@ada nest of what?")
            let cases: [(String, [String])] = [
                ("nest", [second, first]), ("#birds", [first]), ("$nest", [first]), ("@ada", [second]),
                ("from:ADA", [first]), ("to:ada", [second]), ("\"nest together\"", [first]), ("\"together nest\"", []),
                ("nest -together", [second]), ("together OR what", [second, first]),
                ("nest (together OR nothing)", [first]), ("filter:links", [first]), ("filter:replies", [second]),
                ("nest -filter:replies", [first]), ("min_likes:1", [first]), ("lang:en", [second]),
                ("nest since:2026-06-01", [second, first]), ("nest until:2026-06-01", []), ("ＮＥＳＴ", [second, first]),
            ]
            for (query, expected) in cases {
                #expect(try await texts(query, as: bob, cluster) == expected, "\(query)")
            }
            let options = SearchOptions(excludeReplies: true)
            #expect(try await texts("nest", as: bob, cluster, options) == [first])
            let found = try await client.search("\"nest together\"", session: bob.session)
            #expect(found.tweets.first?.hits == [6..<19])
            #expect(found.tweets.first?.highlighted?.hasPrefix("rooks <em>nest together</em> #birds") == true)
            #expect((found.count, found.newestId, found.oldestId) == (1, root.id, root.id))
        }
    }

    /// A tag may hold what separates words elsewhere, and is then searched for as it was written.
    @Test func everyTagThatIsStoredIsFoundAndShown() async throws {
        try await TestCluster.run { cluster in
            let ada = try await cluster.register("ada")
            for tag in ["$BRK.A", "#col·lecció", "#セーラー・ムーン", "#two〜parts", "#Straße", "#rook"] {
                let tweet = try await cluster.client.post(Draft(text: "mind \(tag) well"), session: ada.session)
                let found = try await cluster.client.search(tag, session: ada.session)
                #expect(found.tweets.map(\.id) == [tweet.id], "\(tag)")
                #expect(found.tweets.first?.highlighted == "mind <em>\(tag)</em> well")
            }
        }
    }

    @Test func onlyFollowersFindWhatIsProtected() async throws {
        try await TestCluster.run { cluster in
            let world = try await WrongInputStories.World(cluster)
            #expect(try await texts("friends", as: world.alice, cluster) == ["for friends"])
            #expect(try await texts("friends", as: world.bob, cluster) == ["for friends"])
            #expect(try await texts("friends", as: world.carol, cluster).isEmpty)
        }
    }

    /// Another look may hide it again where a tweet is read; what a node names it must not name to a stranger.
    @Test(arguments: SearchSort.allCases) func aNodeNamesAProtectedTweetToFollowersAlone(sort: SearchSort) async throws
    {
        try await TestCluster.run { cluster in
            let world = try await WrongInputStories.World(cluster)
            let partition = world.hidden.partition
            let owner = try #require(cluster.map.owner(of: partition)?.id)
            let request = SearchRequest.with {
                ($0.query, $0.sort, $0.limit) = ("friends", sort, 10)
                $0.partitions = [UInt32(partition.rawValue)]
            }
            for (viewer, expected) in [(world.alice, [world.hidden.rawValue]), (world.bob, [world.hidden.rawValue])]
                + [(world.carol, [])]
            {
                let reply = try await cluster.call(
                    owner, "rookery.Search/Tweets", request.encode(), CallOptions(session: viewer.session.token))
                #expect(try SearchReply.decode(reply.message).hits.map(\.id) == expected, "\(viewer.name)")
            }
        }
    }

    @Test func theLastSevenDaysAndTheArchive() async throws {
        try await TestCluster.run { cluster in
            let ada = try await cluster.register("ada")
            for hours: Int64 in [0, 150, 30] {
                cluster.clock.advance(hours: hours)
                _ = try await cluster.client.post(Draft(text: "after \(hours)"), session: ada.session)
            }
            #expect(try await texts("after", as: ada, cluster) == ["after 30", "after 150"])
            let archive = SearchOptions(archive: true)
            #expect(try await texts("after", as: ada, cluster, archive) == ["after 30", "after 150", "after 0"])
        }
    }

    /// A page's end is a place among ids, so new tweets and deletes leave no gap and nothing doubled.
    @Test(arguments: [SearchOptions.Sort.latest, .top]) func pagesFitTogetherWhileTweetsCome(
        sort: SearchOptions.Sort
    ) async throws {
        try await TestCluster.run { cluster in
            let people = try await cluster.people(5)
            var expected: [Id] = []
            for number in 0..<43 {
                let author = people[number % 5]
                let tweet = try await cluster.client.post(Draft(text: "page \(number)"), session: author.session)
                expected.append(tweet.id)
            }
            var options = SearchOptions(maxResults: 5, sort: sort)
            var found: [Id] = []
            repeat {
                let page = try await cluster.client.search("page", options, session: people[0].session)
                found += page.tweets.map(\.id)
                options.next = page.next
                _ = try await cluster.client.post(Draft(text: "page of others"), session: people[1].session)
            } while options.next != nil
            #expect(found == expected.sorted(by: >))
        }
    }

    /// What is found, and where pages end, is the nodes' business alone.
    @Test(arguments: [SearchOptions.Sort.latest, .top], [Int64(-1), 1]) func aClientsClockIsOfNoMatter(
        sort: SearchOptions.Sort, hours: Int64
    ) async throws {
        try await TestCluster.run { cluster in
            let people = try await cluster.people(4)
            let clock = TestClock()
            clock.advance(hours: hours)
            let client = cluster.client(withClock: clock)
            var expected: [Id] = []
            for person in people {
                expected.append(try await cluster.client.post(Draft(text: "rook"), session: person.session).id)
            }
            var options = SearchOptions(maxResults: 2, sort: sort)
            let first = try await client.search("rook", options, session: people[0].session)
            let later = try await cluster.client.post(Draft(text: "rook"), session: people[0].session)
            options.next = first.next
            let second = try await client.search("rook", options, session: people[0].session)
            #expect((first.tweets + second.tweets).map(\.id) == expected.sorted(by: >))
            #expect(second.next == nil, "\(later.id) is newer than the first page")
            await client.close()
        }
    }

    @Test func topIsByWhatPeopleDid() async throws {
        try await TestCluster.run { cluster in
            let people = try await cluster.people(4)
            var ids: [Id] = []
            for person in people {
                ids.append(try await cluster.client.post(Draft(text: "top"), session: person.session).id)
            }
            for person in people { _ = try await cluster.client.react(.like, to: ids[1], session: person.session) }
            _ = try await cluster.client.retweet(ids[2], session: people[0].session)
            try await cluster.atRest()
            let found = try await cluster.client.search(
                "top", SearchOptions(sort: .top), session: people[0].session)
            #expect(found.tweets.map(\.id) == [ids[1], ids[2], ids[3], ids[0]])
        }
    }

    @Test func nothingIsLostWhenEveryNodeDies() async throws {
        var setup = TestCluster.Setup()
        setup.partitions = 4
        try await TestCluster.run(setup) { cluster in
            let people = try await cluster.people(6)
            var expected: [Id] = []
            for round in 0..<4 {
                for person in people {
                    expected.append(
                        try await cluster.client.post(Draft(text: "lasting \(round)"), session: person.session).id)
                }
                for node in cluster.nodes { try await cluster.kill(node) }
                for node in cluster.nodes { try await cluster.restart(node) }
                let found = try await cluster.completely(\.missingNodes.isEmpty) {
                    try await cluster.client.search(
                        "lasting", SearchOptions(maxResults: 100), session: people[0].session)
                }
                #expect(found.missingNodes.isEmpty && found.tweets.map(\.id) == expected.sorted(by: >))
            }
        }
    }

    @Test func aNodeThatIsDownIsNamedAndTheOthersAnswer() async throws {
        try await TestCluster.run { cluster in
            let people = try await cluster.people(9)
            var byNode: [NodeId: [Id]] = [:]
            for person in people {
                let tweet = try await cluster.client.post(Draft(text: "where"), session: person.session)
                let node = try #require(cluster.map.owner(of: tweet.id.partition)?.id)
                byNode[node, default: []].append(tweet.id)
            }
            let asker = people[0]
            let home = try #require(cluster.map.owner(of: asker.id.partition)?.id)
            let dead = try #require(cluster.nodes.first { $0 != home })
            try await cluster.kill(dead)
            let page = try await cluster.client.search("where", session: asker.session)
            #expect(page.missingNodes == [dead.rawValue])
            let others = byNode.filter { $0.key != dead }.values.flatMap { $0 }
            #expect(page.tweets.map(\.id) == others.sorted(by: >))
        }
    }

    @Test func aClientWhoseMapIsAllWrongFindsEverything() async throws {
        try await TestCluster.run { cluster in
            let people = try await cluster.people(9)
            for person in people {
                let tweet = try await cluster.client.post(Draft(text: "where"), session: person.session)
                _ = try await cluster.client.react(.like, to: tweet.id, session: person.session)
            }
            try await cluster.atRest()
            let lost = cluster.client(withMap: try cluster.wrongMap())
            let page = try await lost.search("where", session: people[0].session)
            #expect(page.count == 9 && page.missingNodes.isEmpty)
            await lost.close()
            let other = cluster.client(withMap: try cluster.wrongMap())
            let list = try await other.top(TopQuery(.tweets), session: people[0].session)
            #expect(list.items.count == 9 && list.exact)
            await other.close()
        }
    }

    @Test func aRevokedSessionFindsNothingAnywhere() async throws {
        try await TestCluster.run { cluster in
            let ada = try await cluster.register("ada")
            try await cluster.client.logout(ada.session)
            for call in [
                { _ = try await cluster.client.search("x", session: ada.session) },
                { _ = try await cluster.client.searchUsers("a", session: ada.session) },
                { _ = try await cluster.client.top(TopQuery(.tweets), session: ada.session) },
                { _ = try await cluster.client.trends(session: ada.session) },
            ] as [() async throws -> Void] {
                let error = await #expect(throws: RookeryError.self) { try await call() }
                #expect(error?.status == .unauthenticated)
            }
        }
    }

    @Test func aQueryThatIsNotUnderstoodNamesTheColumn() async throws {
        try await TestCluster.run { cluster in
            let ada = try await cluster.register("ada")
            for (query, column) in [("(rooks", 1), ("rooks OR", 7), ("since:yesterday", 7), ("\"open", 1)] {
                let error = await #expect(throws: RookeryError.self) {
                    try await cluster.client.search(query, session: ada.session)
                }
                #expect(error?.status == .invalidArgument)
                #expect(error?.message.contains("column \(column):") == true, "\(query): \(error?.message ?? "")")
            }
            let first = try await cluster.client.search("rooks", session: ada.session)
            #expect(first.next == nil)
            let foreign = await #expect(throws: RookeryError.self) {
                try await cluster.client.search("rooks", SearchOptions(next: "AAAA"), session: ada.session)
            }
            #expect(foreign?.message == "the page token does not belong to this search")
        }
    }

    @Test func peopleAreFoundByTheBeginningOfTheirNames() async throws {
        try await TestCluster.run { cluster in
            let people = try await cluster.people(12)
            let client = cluster.client
            for (person, name) in zip(people, ["Ada Rookwood", "rook", "Bram ROOKE", "Crook"]) {
                _ = try await client.updateProfile(ProfileChange(displayName: name), session: person.session)
            }
            func names(_ prefix: String) async throws -> [String] {
                try await client.searchUsers(prefix, session: people[5].session).users.map(\.name)
            }
            #expect(try await names("rook") == ["user1", "user2", "user0"])
            #expect(try await names("ROOKW") == ["user0"])
            #expect(try await names("User1") == ["user1", "user10", "user11"])
            _ = try await client.updateProfile(ProfileChange(displayName: "Ada"), session: people[0].session)
            #expect(try await names("rookw").isEmpty)
            // A hit is looked at again, so a row that stayed would not show; it would only be passed over for ever.
            let stored = try #require(
                cluster.map.owner(of: people[0].id.partition).flatMap { cluster.store(of: $0.id) })
            #expect(try Self.directoryWords(of: people[0].id, in: stored) == ["ada", "user0"])
            var (found, next): ([String], String?) = ([], nil)
            repeat {
                let page = try await client.searchUsers(
                    "user", maxResults: 5, next: next, session: people[0].session)
                found += page.users.map(\.name)
                next = page.next
            } while next != nil
            #expect(found == people.map(\.name).sorted())
        }
    }

    @Test func eachWordMustBeginOneOfTheirs() async throws {
        try await TestCluster.run { cluster in
            let people = try await cluster.people(4)
            let names = ["Ann Miller", "Ann O'Hara", "Miranda Anning", "Joann Mills"]
            for (person, name) in zip(people, names) {
                _ = try await cluster.client.updateProfile(ProfileChange(displayName: name), session: person.session)
            }
            let cases = [
                ("ann", ["user0", "user1", "user2"]), ("ann mi", ["user0", "user2"]), ("MI, ann", ["user0", "user2"]),
                ("o'h", ["user1"]), ("user3 mill", ["user3"]), ("user0 mill ann", ["user0"]), ("ann nobody", []),
                ("nobody ann", []),
            ]
            for (query, expected) in cases {
                let page = try await cluster.client.searchUsers(query, session: people[3].session)
                #expect(page.users.map(\.name).sorted() == expected, "\(query)")
            }
            var (found, next): ([String], String?) = ([], nil)
            repeat {
                let page = try await cluster.client.searchUsers(
                    "ann mi", maxResults: 1, next: next, session: people[3].session)
                found += page.users.map(\.name)
                next = page.next
            } while next != nil
            #expect(found == ["user0", "user2"])
        }
    }

    /// The prefix is folded where connections are served: nobody may keep everybody waiting with a long one.
    @Test func aLongBeginningOfANameIsRefused() async throws {
        try await TestCluster.run { cluster in
            let ada = try await cluster.register("ada")
            let longest = String(repeating: "x", count: 256)
            #expect(try await cluster.client.searchUsers(longest, session: ada.session).users.isEmpty)
            for prefix in [longest + "x", "x" + String(repeating: "\u{300}\u{316}", count: 64)] {
                let error = await #expect(throws: RookeryError.self) {
                    try await cluster.client.searchUsers(prefix, session: ada.session)
                }
                #expect(error?.status == .invalidArgument)
                #expect(error?.message == "the beginning of a name has at most 256 bytes")
            }
        }
    }
}

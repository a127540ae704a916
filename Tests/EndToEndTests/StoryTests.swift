import Testing

extension EndToEndTests {
    /// What three people do, told by the documents that their commands print.
    @Suite(.serialized) struct StoryTests {
        let cluster: LaunchedCluster

        init() throws { cluster = try LaunchedCluster() }

        private static let tweetFields: Set = [
            "id", "author", "author_id", "text", "created_at", "type", "access", "in_reply_to", "retweet_of",
            "quote_of", "hashtags", "mentions", "counts",
        ]
        private static let countFields: Set = ["views", "likes", "dislikes", "replies", "retweets"]

        private func texts(_ page: JSON) -> [String] { page["tweets"].list.map { $0["text"].text ?? "?" } }

        private func id(_ document: JSON) throws -> String { try #require(document["id"].text) }

        private func meet() async throws {
            for name in ["alice", "bob", "carol"] {
                let session = try await cluster.ask("register", name, "--as", name)
                #expect(session["name"] == .string(name))
                #expect(session.names == ["id", "name", "region", "expires_at"])
            }
            for (follower, followed) in [("bob", "alice"), ("carol", "alice"), ("alice", "bob")] {
                #expect(try await cluster.ask("follow", followed, "--as", follower)["state"] == .string("accepted"))
            }
        }

        @Test func aConversationIsSeenByEverybodyAndSurvivesTheNight() async throws {
            try await cluster.up()
            try await meet()
            let nobody = try await cluster.refusal("whoami")
            #expect(nobody.status == "UNAUTHENTICATED", "--as makes nobody the session of later commands")
            let first = try await cluster.ask("tweet", "Good morning @bob #rookery", "--as", "alice")
            #expect(first.names.isSuperset(of: Self.tweetFields))
            #expect(first["counts"].names == Self.countFields)
            #expect((first["hashtags"], first["mentions"]) == (.array([.string("rookery")]), .array([.string("bob")])))
            #expect((first["type"], first["access"]) == (.string("text"), .string("public")))
            #expect(first["created_at"].text?.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil)
            let tweet = try id(first)

            let reply = try await cluster.ask("reply", tweet, "-", "--as", "bob", input: "from a pipe\n")
            #expect((reply["text"], reply["in_reply_to"]) == (.string("from a pipe"), .string(tweet)))
            let liked = try await cluster.ask("like", tweet, "--as", "carol")
            #expect(liked["world"]["likes"] == .number(1), "the liker sees the own like at once (N5)")
            let retweet = try await cluster.ask("retweet", tweet, "--as", "bob")
            #expect(retweet["retweet_of"] == .string(tweet))
            let quote = try await cluster.ask("quote", tweet, "look", "--as", "bob")
            #expect(quote["quote_of"] == .string(tweet))
            #expect(try await cluster.refusal("delete", tweet, "--as", "bob").status == "PERMISSION_DENIED")

            try await cluster.settle()
            try await expectTheConversation(tweet)
            try await cluster.ask("cluster", "down")
            #expect(try await cluster.processes().isEmpty)
            try await cluster.up()
            try await expectTheConversation(tweet)
            try await expectGoneAfterDelete(tweet, reply: try id(reply))
            try await cluster.ask("cluster", "down")
        }

        private func expectTheConversation(_ tweet: String) async throws {
            // Bob's retweet shows what alice's tweet shows: one entry, the newest (rule E1).
            let home = try await cluster.ask("home", "--as", "alice")
            #expect(home.names == ["tweets"], "the last page has no next")
            #expect(texts(home) == ["look", "Good morning @bob #rookery", "from a pipe"])
            #expect(texts(try await cluster.ask("home", "--as", "carol")) == ["Good morning @bob #rookery"])
            let page = try await cluster.ask("home", "--max", "1", "--as", "alice")
            let next = try #require(page["next"].text)
            let rest = try await cluster.ask("home", "--all", "--next", next, "--as", "alice")
            #expect(texts(page) + texts(rest) == texts(home))
            let alone = try await cluster.ask("home", "--exclude", "replies,retweets", "--as", "alice")
            #expect(texts(alone) == ["look", "Good morning @bob #rookery"])

            #expect(texts(try await cluster.ask("thread", tweet)) == ["Good morning @bob #rookery", "from a pipe"])
            #expect(texts(try await cluster.ask("user", "alice")) == ["Good morning @bob #rookery"])
            let counters = try await cluster.ask("counters", tweet)
            #expect(counters.names == ["id", "world", "regions"])
            for counts in [counters["world"], counters["regions"]["local"]] {
                #expect(["likes", "replies", "retweets", "dislikes"].map { counts[$0].number } == [1, 1, 1, 0])
            }
            let alice = try await cluster.ask("counters", "--user", "alice")["world"]
            #expect(["followers", "following", "tweets"].map { alice[$0].number } == [2, 1, 1])
            let followers = try await cluster.ask("followers", "alice")["accounts"].list
            #expect(Set(followers.map { $0["name"] }) == [.string("bob"), .string("carol")])
        }

        private func expectGoneAfterDelete(_ tweet: String, reply: String) async throws {
            try await cluster.ask("delete", tweet, "--as", "alice")
            #expect(try await cluster.refusal("show", tweet, "--as", "alice").status == "NOT_FOUND")
            try await cluster.settle()
            let thread = try await cluster.ask("thread", reply)["tweets"].list
            #expect(thread.map { $0["id"] } == [.string(tweet), .string(reply)])
            #expect(thread.map { $0["deleted"] } == [.bool(true), .null], "a tombstone keeps the place")
            #expect(thread.first?["text"] == .string(""))
            for name in ["alice", "bob", "carol"] {
                let home = texts(try await cluster.ask("home", "--as", name))
                #expect(!home.contains { $0.hasPrefix("Good") }, "also not through the retweet")
            }
        }

        /// What a person sees of a search.
        @Test func aSearchIsPlainToRead() async throws {
            try await cluster.whileUp {
                try await cluster.ask("register", "ann")
                try await cluster.ask("tweet", "one\n\n@ben · now · 123\n♥ 99", "--as", "ann")
                let found = try await cluster.rookery(["search", "one", "--exclude", "replies,retweets", "--as", "ann"])
                let lines = found.output.split(separator: "\n", omittingEmptySubsequences: false)
                #expect(lines.count == 7 && lines[0].hasPrefix("@ann · "), "\(found)")
                // None of its lines can pass for another tweet's.
                #expect(lines[1...4] == ["one", "│ ", "│ @ben · now · 123", "│ ♥ 99"])
                let recent = try await cluster.rookery(["search", "nowhere", "--as", "ann"])
                #expect(recent.output == "(nothing in the last seven days; --archive looks at everything)\n")
                let ever = try await cluster.rookery(["search", "nowhere", "--archive", "--as", "ann"])
                #expect(ever.output == "(nothing)\n")
            }
        }

        @Test func aProtectedAccountChoosesItsReaders() async throws {
            try await cluster.whileUp {
                for name in ["dora", "erik"] { try await cluster.ask("register", name) }
                let profile = try await cluster.ask("profile", "--protected", "--as", "dora")
                #expect(profile["protected"] == .bool(true))
                let tweet = try id(try await cluster.ask("tweet", "for friends", "--protected", "--as", "dora"))
                #expect(try await cluster.ask("follow", "dora", "--as", "erik")["state"] == .string("requested"))
                #expect(try await cluster.refusal("show", tweet, "--as", "erik").status == "PERMISSION_DENIED")
                #expect(try await cluster.refusal("show", tweet, "--as", "nobody").status == "UNAUTHENTICATED")
                #expect(texts(try await cluster.ask("user", "dora", "--as", "erik")).isEmpty)

                try await eventually("the request has arrived") {
                    let requests = try await cluster.ask("requests", "--as", "dora")["accounts"].list
                    return requests.map { $0["name"] } == [.string("erik")]
                }
                try await cluster.ask("accept", "erik", "--as", "dora")
                try await eventually("erik follows") {
                    texts(try await cluster.ask("home", "--as", "erik")) == ["for friends"]
                }
                #expect(try await cluster.ask("show", tweet, "--as", "erik")["access"] == .string("protected"))
                #expect(try await cluster.refusal("retweet", tweet, "--as", "erik").status == "PERMISSION_DENIED")
            }
        }

        /// Fred's other machine learns that its session was ended, and what it has stored of it goes all the same.
        private func expectThatAnEndedSessionCanBeForgotten() async throws {
            let elsewhere = ["XDG_STATE_HOME": cluster.path + "/elsewhere"]
            #expect(try await cluster.rookery(["login", "fred"], variables: elsewhere).status == 0)
            try await cluster.ask("account", "revoke", "--others")
            let ended = try await cluster.refusal("whoami", variables: elsewhere)
            #expect(ended == ("UNAUTHENTICATED", "your session was revoked: log in again"))
            #expect(try await cluster.rookery(["logout"], variables: elsewhere).status == 0)
            let gone = try await cluster.refusal("whoami", variables: elsewhere)
            #expect(gone.message == "you are not logged in: rookery login NAME, or --as NAME")
        }

        @Test func wordsThatWouldSteerATerminalAreShownHarmless() async throws {
            try await cluster.whileUp {
                try await cluster.ask("register", "gina")
                let text = "red \u{1B}[31m, back \u{202E}wards"
                let tweet = try await cluster.ask("tweet", text)
                #expect(tweet["text"] == .string(text), "a program gets what was written")
                let shown = try await cluster.rookery(["show", try id(tweet)])
                #expect(shown.status == 0 && shown.output.contains("red \u{FFFD}[31m, back \u{FFFD}wards"), "\(shown)")
            }
        }

        @Test func whoHasLoggedOutIsNobody() async throws {
            try await cluster.whileUp {
                try await cluster.ask("register", "fred")
                #expect(try await cluster.ask("whoami")["name"] == .string("fred"))
                #expect(try await cluster.refusal("register", "FRED").status == "ALREADY_EXISTS")
                let wrong = ["ROOKERY_PASSWORD": "wrong horse"]
                let refused = try await cluster.refusal("login", "fred", variables: wrong)
                #expect(refused == ("UNAUTHENTICATED", "wrong name or password"))
                try await cluster.ask("logout")
                #expect(try await cluster.refusal("whoami").status == "UNAUTHENTICATED")
                let file = try cluster.playground.write("correct horse\nand a second line\n", to: "password")
                try await cluster.ask("login", "Fred", "--password-file", file)
                #expect(try await cluster.ask("whoami")["name"] == .string("fred"))
                try await expectThatAnEndedSessionCanBeForgotten()
            }
        }
    }
}

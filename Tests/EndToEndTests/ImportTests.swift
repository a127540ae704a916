import Foundation
import Testing

extension EndToEndTests {
    /// `rookery import` with small files whose outcome one can see at a glance.
    @Suite(.serialized) struct ImportTests {
        let cluster: LaunchedCluster

        init() throws { cluster = try LaunchedCluster() }

        /// Runs an import that must succeed; its document without what depends on the day.
        private func load(_ graph: String, _ tweets: String, _ options: String...) async throws -> [String: JSON] {
            let outcome = try await cluster.rookery(
                ["import", "--graph", graph, "--tweets", tweets, "--json"] + options)
            guard outcome.status == 0, outcome.error.isEmpty, case .object(var result) = try JSON(outcome.output) else {
                throw Unexpected(outcome.description)
            }
            #expect(result.removeValue(forKey: "seconds") != nil && result.removeValue(forKey: "ops_per_s") != nil)
            return result
        }

        private func skipped(_ empty: Double, tooLong: Double, selfLoops: Double, duplicate: Double) -> JSON {
            .object([
                "empty": .number(empty), "too_long": .number(tooLong), "self": .number(selfLoops),
                "duplicate": .number(duplicate),
            ])
        }

        private func texts(_ arguments: String...) async throws -> Set<String> {
            let page = try await cluster.rookery(arguments + ["--all", "--json"])
            guard page.status == 0 else { throw Unexpected(page.description) }
            let texts = try JSON(page.output)["tweets"].list.compactMap { $0["text"].text }
            #expect(Set(texts).count == texts.count, "nothing stands there twice")
            return Set(texts)
        }

        private func names(_ arguments: String...) async throws -> Set<String> {
            let list = try await cluster.rookery(arguments + ["--json"])
            return Set(try JSON(list.output)["accounts"].list.compactMap { $0["name"].text })
        }

        @Test func edgesGoBothWaysAndASecondRunAddsNothing() async throws {
            let graph = try cluster.playground.write(
                "# a comment\n% another\n1 2\n\n2,3  % with a comma\n3\t3\n2 1\n", to: "edges")
            let long = String(repeating: "x", count: 281)
            let tweets = try cluster.playground.write(
                "of one\nof two\n \t\n\(long)\n  two again \nof three\n", to: "lines")
            try await cluster.whileUp {
                let first = try await load(graph, tweets)
                #expect(
                    first == [
                        "users": .number(3), "follows": .number(4), "tweets": .number(4),
                        "skipped": skipped(1, tooLong: 1, selfLoops: 1, duplicate: 1),
                    ])
                try await expectTheSmallWorld()
                #expect(try await load(graph, tweets) == first)
                try await expectTheSmallWorld()
                try await cluster.ask("tweet", "the sessions are stored", "--as", "u3")
            }
        }

        private func expectTheSmallWorld() async throws {
            #expect(try await texts("home", "--as", "u1") == ["of one", "of two", "two again"])
            #expect(try await texts("home", "--as", "u2") == ["of one", "of two", "two again", "of three"])
            #expect(try await texts("home", "--as", "u3") == ["of two", "two again", "of three"])
            #expect(try await names("followers", "u2") == ["u1", "u3"])
            #expect(try await names("following", "u3") == ["u2"])
            let counts = try await cluster.ask("counters", "--user", "u2", "--as", "u1")["world"]
            #expect(["followers", "following", "tweets"].map { counts[$0].number } == [2, 2, 2])
        }

        @Test func directedEdgesGoOneWay() async throws {
            let graph = try cluster.playground.write("10 20\n20 10\n10 30\n10 30\n", to: "edges")
            let tweets = try cluster.playground.write("ten\ntwenty\nthirty", to: "lines")
            try await cluster.whileUp {
                let result = try await load(graph, tweets, "--directed")
                #expect(result["follows"] == .number(3) && result["tweets"] == .number(3))
                #expect(result["skipped"] == skipped(0, tooLong: 0, selfLoops: 0, duplicate: 1))
                #expect(try await texts("home", "--as", "u10") == ["ten", "twenty", "thirty"])
                #expect(try await texts("home", "--as", "u20") == ["ten", "twenty"])
                #expect(try await texts("home", "--as", "u30") == ["thirty"])
                #expect(try await names("followers", "u30") == ["u10"])
                #expect(try await names("following", "u30").isEmpty)
            }
        }

        @Test func aWrongLineIsNamedAndNothingIsWritten() async throws {
            let good = try cluster.playground.write("1 2\n", to: "good")
            let tweets = try cluster.playground.write("hello\n", to: "lines")
            let latin = cluster.path + "/latin"
            try Data([0x68, 0x69, 0x0A, 0xE9, 0x0A]).write(to: URL(fileURLWithPath: latin))
            let graphs = [
                "1 2\n# fine\n3 four\n": ":3: a node is a whole number of at most 14 digits, found \"four\"",
                "1 2\n3\n": ":2: an edge is two whole numbers, found 1 words",
                "1 2 3\n": ":1: an edge is two whole numbers, found 3 words",
                "-1 2\n": ":1: a node is a whole number of at most 14 digits, found \"-1\"",
                "# nothing\n": ": it holds no edges",
            ]
            try await cluster.whileUp {
                for (text, problem) in graphs {
                    let graph = try cluster.playground.write(text, to: "edges")
                    let refused = try await cluster.refusal("import", "--graph", graph, "--tweets", tweets)
                    #expect(refused == ("INVALID_ARGUMENT", graph + problem))
                }
                let refused = try await cluster.refusal("import", "--graph", good, "--tweets", latin)
                #expect(refused == ("INVALID_ARGUMENT", latin + ":2: it is not UTF-8 text"))
                let absent = try await cluster.refusal("import", "--graph", good, "--tweets", "nowhere")
                #expect(absent == ("NOT_FOUND", "there is no file nowhere"))
                #expect(try await cluster.refusal("user", "u1") == ("NOT_FOUND", "there is no user @u1"))
                #expect(!FileManager.default.fileExists(atPath: cluster.state))
            }
        }

        @Test func somebodyElsesNameIsNotTaken() async throws {
            let graph = try cluster.playground.write("1 2\n2 3\n", to: "edges")
            let tweets = try cluster.playground.write("a\nb\nc\n", to: "lines")
            try await cluster.whileUp {
                try await cluster.ask("register", "U2")
                try await cluster.ask("tweet", "I was here first", "--as", "u2")
                for _ in 1...2 {
                    let outcome = try await cluster.rookery(["import", "--graph", graph, "--tweets", tweets, "--json"])
                    #expect(outcome.status == 1 && outcome.output.isEmpty)
                    let error = try JSON(outcome.error)["error"]
                    #expect(error["status"] == .string("INVALID_ARGUMENT"))
                    #expect(error["message"].text?.hasPrefix("@u2 is somebody else's account") == true)
                }
                #expect(try await texts("user", "u2") == ["I was here first"])
                #expect(try await names("followers", "u2").isEmpty)
            }
        }

        /// The oracle is a program of its own, in another language, that reads the files alone.
        @Test(
            .enabled(
                if: TestData.isThere || TestData.isRequired, "set ROOKERY_DATA to the folder with graphs/ and tweets/"))
        func aSliceOfRealDataIsSeenAsTheFilesSay() async throws {
            let outcome = try await Program.run(
                "/usr/bin/env",
                [
                    "python3", Program.project + "/Scripts/check-import.py", "--slice", "40", "--data", TestData.path,
                    "--program", Program.rookery,
                ], in: cluster.path, limit: .seconds(600))
            #expect(outcome.status == 0, "\(outcome)")
            #expect(outcome.output.contains("PASS"))
        }
    }
}

import Foundation
import Testing

extension EndToEndTests {
    /// What a person may get wrong at the command line. Each has its sentence and its exit status, and changes nothing.
    @Suite(.serialized) struct WrongInputTests {
        let cluster: LaunchedCluster

        init() throws { cluster = try LaunchedCluster() }

        @Test func wrongUsageEndsWith64() async throws {
            let unknown = try await Program.run(Program.rookery, ["nonsense"], in: cluster.path)
            #expect(unknown.status == 64 && unknown.output.isEmpty && unknown.error.contains("nonsense"))
            #expect(try await cluster.misuse("show", "12x").contains("12x"))
            #expect(try await cluster.misuse("like", "0x1F", "--json").contains("0x1F"))
            #expect(try await cluster.misuse("show").contains("<id>"))
            #expect(try await cluster.misuse("counters").contains("--user"))
            #expect(try await cluster.misuse("counters", "1", "--user", "alice").contains("--user"))
            #expect(try await cluster.misuse("home", "--exclude", "adverts").contains("adverts"))
            #expect(try await cluster.misuse("home", "--max", "0").contains("--max"))
            #expect(try await cluster.misuse("home", "--max", "many").contains("many"))
            #expect(try await cluster.misuse("search", "a", "--exclude", "adverts").contains("adverts"))
            #expect(try await cluster.misuse("search", "a", "--expand", "author").contains("with --json only"))
            for option in [["--sort", "top"], ["--archive"], ["--exclude", "replies"], ["--expand", "author"]] {
                let refused = try await Program.run(
                    Program.rookery, ["search", "a", "--users", "--json"] + option, in: cluster.path)
                #expect(refused.status == 64 && refused.error.contains("\(option[0]) is about tweets"))
            }
            #expect(try await cluster.misuse("trends", "--window", "7d").contains("15m, 1h or 24h"))
            #expect(try await cluster.misuse("cluster", "kill").contains("<node>"))
            #expect(try await cluster.misuse("import", "--tweets", "x").contains("--graph"))
            let files = ["import", "--graph", "x", "--tweets", "x", "--concurrency"]
            for count in ["0", "4097"] {
                let refused = try await Program.run(Program.rookery, files + [count], in: cluster.path)
                #expect(refused.status == 64 && refused.error.contains("--concurrency must be 1 to 4096"))
            }
            #expect(try await cluster.misuse("account", "revoke").contains("--others"))
            #expect(try await cluster.misuse("account", "revoke", "7", "--others").contains("--others"))
            #expect(try await cluster.misuse("cluster", "logs", "n1", "--follow", "--json").contains("--follow"))
            #expect(!FileManager.default.fileExists(atPath: cluster.data))
        }

        @Test func helpSaysWhichWindowIsMeant() async throws {
            for (command, window) in [("top", "all"), ("trends", "1h")] {
                let help = try await Program.run(Program.rookery, [command, "--help"], in: cluster.path)
                // Wrapped where the line ends.
                let words = help.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
                #expect(words.contains("default: \(window))"), "\(words)")
            }
        }

        @Test func inputThatIsNoTextIsNotPosted() async throws {
            let outcome = try await Program.run(
                "/bin/sh",
                ["-c", "printf '\\377' | \"$0\" tweet - --config \"$1\"", Program.rookery, cluster.configPath],
                in: cluster.path)
            #expect(outcome.status == 1 && outcome.output.isEmpty)
            #expect(outcome.error == "rookery: standard input is not UTF-8 text\n")
        }

        @Test func aPasswordMustComeFromSomewhere() async throws {
            // In a session of its own there is no terminal that could be asked.
            let outcome = try await Program.run(
                "/usr/bin/env",
                [
                    "-u", "ROOKERY_PASSWORD", "setsid", "--wait", Program.rookery, "register", "zoe", "--config",
                    cluster.configPath,
                ], in: cluster.path)
            #expect(outcome.status == 64 && outcome.output.isEmpty)
            let advice =
                "rookery: there is no terminal to ask for a password: use --password-file or ROOKERY_PASSWORD\n"
            #expect(outcome.error == advice)
            let absent = try await cluster.misuse("login", "zoe", "--password-file", "nowhere")
            #expect(absent == "rookery: there is no file nowhere\n")
            let empty = try await cluster.misuse("login", "zoe", variables: ["ROOKERY_PASSWORD": ""])
            #expect(empty == "rookery: the password is empty\n")
        }

        @Test func aWrongConfigurationIsNamedByFileAndLine() async throws {
            let good = try String(contentsOfFile: cluster.configPath, encoding: .utf8)
            let mistakes = [
                (":2: partitions: ", good.replacing("partitions: 16", with: "partitions: many")),
                (":3: replicas: ", good.replacing("replicas: 1", with: "replicas: 2")),
                (":6: nodes[0].weight: ", good.replacing("n1, ", with: "n1, weight: heavy, ")),
                (":7: nodes[1].id: ", good.replacing("id: n2", with: "id: n1")),
                (":9: ", good.replacing("storage:", with: "stowage:")),
            ]
            for (place, text) in mistakes {
                try text.write(toFile: cluster.configPath, atomically: true, encoding: .utf8)
                let launched = try await cluster.refusal("cluster", "up")
                #expect(launched.status == "INVALID_ARGUMENT")
                #expect(launched.message.hasPrefix(cluster.configPath + place), "\(launched.message)")
                #expect(try await cluster.refusal("whoami") == launched)
            }
            try FileManager.default.removeItem(atPath: cluster.configPath)
            let absent = try await cluster.refusal("cluster", "up")
            #expect(absent.message == cluster.configPath + ": cannot be read: No such file or directory")
            #expect(!FileManager.default.fileExists(atPath: cluster.data))
        }

        @Test func aClusterThatIsDownIsSaidToBeDown() async throws {
            let refused = try await cluster.refusal("show", "1")
            #expect(refused.status == "UNAVAILABLE")
            let names = ["n1", "n2", "n3"].map { "node \($0) at \(cluster.address($0)) is not available" }
            #expect(names.contains { refused.message.hasPrefix($0) }, "\(refused.message)")
            let log = try await cluster.refusal("cluster", "kill", "n1")
            #expect(log == ("FAILED_PRECONDITION", "n1 is not running"))
        }

        @Test func whatTheServerRefusesHasItsSentenceAndChangesNothing() async throws {
            try await cluster.whileUp {
                for name in ["ann", "ben"] { try await cluster.ask("register", name) }
                let tweet = try #require(try await cluster.ask("tweet", "the only one", "--as", "ann")["id"].text)
                try await expectRefusals(tweet)
                try await cluster.settle()
                let page = try await cluster.ask("user", "ann")["tweets"].list
                #expect(page.map { $0["id"] } == [.string(tweet)])
                for name in ["ann", "ben"] {
                    let counts = try await cluster.ask("counters", "--user", name)["world"]
                    #expect(["followers", "following"].map { counts[$0].number } == [0, 0])
                }
                let counts = try await cluster.ask("counters", tweet)["world"]
                #expect(["likes", "dislikes", "replies", "retweets"].allSatisfy { counts[$0].number == 0 })
            }
        }

        private func expectRefusals(_ tweet: String) async throws {
            let unknown = "98765432109876543"
            let refusals: [(String, [String])] = [
                ("INVALID_ARGUMENT", ["tweet", String(repeating: "x", count: 281), "--as", "ann"]),
                ("INVALID_ARGUMENT", ["tweet", "-", "--as", "ann"]),
                ("INVALID_ARGUMENT", ["register", "much_too_long_a_name"]),
                ("INVALID_ARGUMENT", ["register", "bad name"]), ("INVALID_ARGUMENT", ["register", "two\nlines"]),
                ("ALREADY_EXISTS", ["register", "ANN"]),
                ("INVALID_ARGUMENT", ["user", "ann", "--next", "not-a-token"]),
                ("INVALID_ARGUMENT", ["follow", "ann", "--as", "ann"]),
                ("NOT_FOUND", ["follow", "nobody", "--as", "ann"]),
                ("NOT_FOUND", ["show", unknown]), ("NOT_FOUND", ["thread", unknown]),
                ("NOT_FOUND", ["reply", unknown, "hello?", "--as", "ann"]),
                ("NOT_FOUND", ["like", unknown, "--as", "ann"]), ("NOT_FOUND", ["retweet", unknown, "--as", "ann"]),
                ("NOT_FOUND", ["delete", unknown, "--as", "ann"]), ("NOT_FOUND", ["counters", unknown]),
                ("PERMISSION_DENIED", ["delete", tweet, "--as", "ben"]),
                ("PERMISSION_DENIED", ["profile", "ann", "--bio", "x", "--as", "ben"]),
                ("UNAUTHENTICATED", ["home", "--as", "nobody"]),
                ("FAILED_PRECONDITION", ["cluster", "wipe"]),
            ]
            for (status, words) in refusals {
                let plain = try await cluster.rookery(words)
                let formal = try await cluster.rookery(words + ["--json"])
                #expect(plain.status == 1 && plain.output.isEmpty && formal.status == 1, "\(plain)")
                #expect(plain.error.split(separator: "\n").count == 1 && plain.error.hasPrefix("rookery: "), "\(plain)")
                let body = try JSON(formal.error)["error"]
                #expect(body["status"] == .string(status), "\(formal)")
                #expect(plain.error == "rookery: \(body["message"].text ?? "?")\n")
            }
            let binary = try await cluster.rookery(["cluster", "kill", "n9"])
            #expect(binary.error == "rookery: there is no node n9: the cluster has n1, n2, n3\n")
        }
    }
}

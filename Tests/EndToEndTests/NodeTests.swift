import Foundation
import Testing

extension EndToEndTests {
    /// What happens to the rest when one node ends, hangs or comes back. With one replica, what it holds waits for it.
    @Suite(.serialized) struct NodeTests {
        let cluster: LaunchedCluster

        init() throws { cluster = try LaunchedCluster() }

        /// For each node the name of a user that it owns; `u1`, `u2` and so on, who follow nobody.
        private func oneUserANode() async throws -> [String: String] {
            let graph = try cluster.playground.write((1...30).map { "\($0) \($0)\n" }.joined(), to: "loops")
            let tweets = try cluster.playground.write((1...30).map { "said \($0)\n" }.joined(), to: "tweets")
            let imported = try await cluster.rookery(["import", "--graph", graph, "--tweets", tweets])
            #expect(imported.status == 0, "\(imported)")
            var users: [String: String] = [:]
            for number in 1...30 where users.count < 3 {
                let id = try await cluster.ask("whoami", "--as", "u\(number)")["id"].text
                users[try cluster.owner(of: try #require(id))] = "u\(number)"
            }
            try #require(users.count == 3, "thirty users, and a node has none")
            return users
        }

        private func state(of node: String) async throws -> JSON {
            let nodes = try await cluster.ask("cluster", "status")["nodes"].list
            return try #require(nodes.first { $0["id"] == .string(node) })["state"]
        }

        private func home(_ user: String) async throws -> [JSON] {
            try await cluster.ask("home", "--as", user)["tweets"].list.map { $0["text"] }
        }

        @Test func aKilledNodeIsNamedAndTheOthersGoOn() async throws {
            try await cluster.whileUp {
                let users = try await oneUserANode()
                let (dead, well) = (try #require(users["n2"]), try #require(users["n1"]))
                let before = try await home(dead)
                try await cluster.ask("cluster", "kill", "n2")
                #expect(try await state(of: "n2") == .string("down"))
                let refused = try await cluster.refusal("home", "--as", dead)
                #expect(refused.status == "UNAVAILABLE")
                #expect(refused.message.contains("node n2 at \(cluster.address("n2"))"), "\(refused.message)")
                let throughAnother = try await cluster.refusal("counters", "--user", dead, "--as", well)
                #expect(throughAnother.status == "UNAVAILABLE")
                #expect(throughAnother.message.contains("n2"), "\(throughAnother.message)")
                #expect(throughAnother.message.contains(cluster.address("n2")), "\(throughAnother.message)")
                #expect(!throughAnother.message.contains("node n1"), "n1 is well: \(throughAnother.message)")

                #expect(try await home(well).count == 1)
                let tweet = try #require(try await cluster.ask("tweet", "n2 is away", "--as", well)["id"].text)
                let liked = try await cluster.ask("like", tweet, "--as", well)
                #expect(liked["world"]["likes"] == .number(1), "also where n2 would have summed it")
                #expect(try await home(well).count == 2)
                let stopped = try await cluster.refusal("cluster", "kill", "n2")
                #expect(stopped == ("FAILED_PRECONDITION", "n2 is not running"))

                try await cluster.ask("cluster", "restart", "n2")
                #expect(try await state(of: "n2") == .string("up"))
                #expect(try await home(dead) == before)
                try await cluster.ask("tweet", "back again", "--as", dead)
                #expect(try await home(dead).count == before.count + 1)
            }
        }

        /// A call to a node that hangs waits, and is answered when the node goes on.
        @Test func aPausedNodeHoldsUpOnlyItsOwn() async throws {
            try await cluster.whileUp {
                let users = try await oneUserANode()
                let (held, well) = (try #require(users["n3"]), try #require(users["n2"]))
                try await cluster.ask("cluster", "pause", "n3")
                #expect(try await state(of: "n3") == .string("paused"))
                async let answer = cluster.ask("whoami", "--as", held)
                #expect(try await cluster.ask("whoami", "--as", well)["name"] == .string(well))
                try await cluster.ask("cluster", "resume", "n3")
                #expect(try await answer["name"] == .string(held))
                #expect(try await state(of: "n3") == .string("up"))
                // Paused, it takes no signal; it goes on to be able to end, and is not killed.
                try await cluster.ask("cluster", "pause", "n3")
                let down = try await cluster.rookery(["cluster", "down"])
                #expect(down.status == 0 && down.output.contains("n3 stopped (pid "), "\(down)")
            }
        }

        /// Password hashes, protected tweets and the cluster's secret are for the user who runs it.
        @Test func whatIsStoredIsForOneUserAlone() async throws {
            try await cluster.whileUp {
                try await cluster.ask("register", "ann")
                for directory in [cluster.data, cluster.state] {
                    let names = FileManager.default.enumerator(atPath: directory)?.compactMap { $0 as? String } ?? []
                    #expect(!names.isEmpty)
                    for name in names {
                        let attributes = try? FileManager.default.attributesOfItem(atPath: "\(directory)/\(name)")
                        // A file of the store's that has gone meanwhile has no rights.
                        guard let mode = attributes?[.posixPermissions] as? Int else { continue }
                        #expect(mode & 0o077 == 0, "\(name) has mode \(String(mode, radix: 8))")
                    }
                }
            }
        }

        @Test func sigtermEndsANodeGracefully() async throws {
            try await cluster.up()
            let node = try #require(cluster.config.nodes.first)
            try await cluster.ask("cluster", "down")
            // Started by hand, because only a parent learns the exit status.
            let outcome = try await Program.run(
                Program.rookeryd, arguments(node.id.rawValue), in: cluster.path,
                started: { id in
                    Task {
                        try await eventually("n1 serves") { try await state(of: "n1") != .string("down") }
                        kill(id, SIGTERM)
                    }
                })
            #expect(outcome.status == 0 && outcome.output.isEmpty)
            let last = try JSON(String(try #require(outcome.error.split(separator: "\n").last)))
            #expect(last["message"] == .string("stopped"))
            for line in outcome.error.split(separator: "\n") {
                #expect(try JSON(String(line)).names.isSuperset(of: ["time", "level", "message"]))
            }
        }

        private func arguments(_ node: String) -> [String] {
            [
                "--config", cluster.configPath, "--node", node, "--data", "\(cluster.data)/\(node)",
                "--secret-file", cluster.data + "/secret",
            ]
        }

        @Test func statusAndLogsAreDocuments() async throws {
            try await cluster.whileUp {
                let status = try await cluster.ask("cluster", "status")
                #expect(status.names == ["map_version", "nodes"])
                let nodes = status["nodes"].list
                #expect(nodes.map { $0["id"] } == [.string("n1"), .string("n2"), .string("n3")])
                #expect(nodes.compactMap { $0["primaries"].number }.reduce(0, +) == 16)
                #expect(nodes.allSatisfy { $0["state"] == .string("up") && $0["address"].text != nil })
                let logs = try await cluster.ask("cluster", "logs", "n2")
                #expect(logs["id"] == .string("n2"))
                #expect(try logs["lines"].list.allSatisfy { try JSON($0.text ?? "").names.contains("message") })
                #expect(try await cluster.ask("cluster", "up")["nodes"].list.count == 3, "up when it is up: fine")
            }
        }
    }
}

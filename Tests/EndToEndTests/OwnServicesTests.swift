import Foundation
import Testing

extension EndToEndTests {
    /// `rookery cluster health`, `methods` and `connections`, against a cluster of processes.
    @Suite(.serialized) struct OwnServicesTests {
        let cluster: LaunchedCluster

        init() throws { cluster = try LaunchedCluster() }

        @Test func everyNodeSaysHowItIsAndWhatItDoes() async throws {
            try await cluster.whileUp {
                try await expectHealth()
                try await expectMethods()
                try await expectConnections()
                try await expectSentences()
                try await cluster.ask("cluster", "kill", "n2")
                try await expectTheOthersToAnswer()
            }
        }

        private func statuses(_ arguments: String...) async throws -> [String?] {
            let outcome = try await cluster.rookery(["cluster", "health", "--json"] + arguments)
            guard outcome.status == 0 else { throw Unexpected(outcome.description) }
            return try JSON(outcome.output)["nodes"].list.map { $0["status"].text }
        }

        private func expectHealth() async throws {
            #expect(try await statuses() == ["SERVING", "SERVING", "SERVING"])
            #expect(try await statuses("--service", "rookery.Tweets") == ["SERVING", "SERVING", "SERVING"])
            let table = try await cluster.rookery(["cluster", "health"])
            #expect(table.status == 0 && table.output.hasPrefix("NODE  ADDRESS"), "\(table)")
            let row = table.output.split(separator: "\n").first { $0.hasPrefix("n3 ") }
            #expect(row?.contains(cluster.address("n3")) == true && row?.hasSuffix("  SERVING") == true, "\(table)")
        }

        private func expectMethods() async throws {
            let services = try await cluster.ask("cluster", "methods")["services"].list
            #expect(Set(services.compactMap { $0["name"].text }).isSuperset(of: ["rookery.Tweets", "rookery.Health"]))
            let methods = services.flatMap { $0["methods"].list }
            let deliver = try #require(methods.first { $0["name"] == .string("rookery.Peer/Deliver") })
            #expect(deliver["peers_only"] == .bool(true) && deliver["request"] == .string("rookery.DeliverRequest"))
            #expect(methods.allSatisfy { $0["request"].text?.isEmpty == false }, "each tells its messages")

            let post = try await cluster.ask("cluster", "methods", "Tweets/Post")
            #expect(post["method"]["request"] == .string("rookery.PostRequest"))
            // A tweet's entities are held by a message that is held by the answer.
            let names = post["messages"].list.compactMap { $0["name"].text }
            #expect(names.first == "rookery.PostRequest" && names.contains("rookery.TweetReply"), "\(names)")
            let text = try await cluster.rookery(["cluster", "methods", "rookery.Tweets/Post", "--node", "n2"])
            #expect(
                text.output.hasPrefix(
                    "rpc rookery.Tweets/Post(rookery.PostRequest) returns (rookery.TweetReply);\n\n"
                        + "message rookery.PostRequest {\n  bytes text = 1;\n"), "\(text)")
            let watch = try await cluster.rookery(["cluster", "methods", "Health/Watch"])
            #expect(watch.output.contains("returns (stream rookery.rpc.HealthReply);"), "\(watch)")
            #expect(watch.output.contains("enum rookery.rpc.HealthStatus {\n  HEALTH_STATUS_UNKNOWN = 0;"))
            let message = try await cluster.ask("cluster", "methods", "PostRequest")
            #expect(message["messages"].list.first?["name"] == .string("rookery.PostRequest"))
            #expect(message["method"] == .null)
        }

        /// Nodes are connected to each other; the command is a client of each.
        private func expectConnections() async throws {
            let document = try await cluster.ask("cluster", "connections")
            #expect(document["nodes"].list.map { $0["id"].text } == ["n1", "n2", "n3"])
            for node in document["nodes"].list {
                let connections = node["connections"].list
                let ids = connections.compactMap { $0["id"].number }
                #expect(!ids.isEmpty && ids == ids.sorted() && ids.count == connections.count)
                #expect(connections.contains { $0["role"] == .string("client") }, "this command")
                #expect(try #require(node["totals"]["traffic"]["calls_started"].number) > 0)
                #expect(try #require(node["totals"]["connections"].number) > 0)
            }
            // A command's connection goes with it. The next one has the next id, unless a node connects meanwhile, and
            // its own question is what is open there.
            try await eventually("a command sees its own question") {
                let nodes = try await cluster.ask("cluster", "connections", "--node", "n1")["nodes"].list
                let last = try #require(nodes.first?["connections"].list.last?["id"].number)
                let own = try await cluster.rookery(["cluster", "connections", "--node", "n1", "\(last + 1)", "--json"])
                guard own.status == 0 else { return false }
                let page = try JSON(own.output)
                return page["connection"]["id"].number == last + 1
                    && page["streams"].list.map { $0["method"] } == [.string("rookery.Connections/Streams")]
            }
            let table = try await cluster.rookery(["cluster", "connections", "--node", "n1", "--max", "1"])
            #expect(table.output.hasPrefix("n1 \(cluster.address("n1")): ") && table.output.contains("\nID  "))
        }

        private func expectSentences() async throws {
            let cuckoo = try await cluster.refusal("cluster", "methods", "Cuckoo")
            #expect(cuckoo == ("NOT_FOUND", "there is no service, method or message \"Cuckoo\""))
            let service = try await cluster.refusal("cluster", "health", "--service", "Cuckoo")
            #expect(service == ("NOT_FOUND", "this server has no service \"Cuckoo\""))
            let connection = try await cluster.refusal("cluster", "connections", "--node", "n1", "99999")
            #expect(connection == ("NOT_FOUND", "there is no connection 99999"))
            let node = try await cluster.refusal("cluster", "connections", "--node", "n9")
            #expect(node.message == "there is no node n9: the cluster has n1, n2, n3")
            #expect(try await cluster.misuse("cluster", "connections", "7").contains("--node"))
            #expect(try await cluster.misuse("cluster", "connections", "--max", "0").contains("--max must be 1 to 256"))
            #expect(try await cluster.misuse("cluster", "health", "--watch", "--json").contains("--watch has no end"))
        }

        private func expectTheOthersToAnswer() async throws {
            #expect(try await statuses() == ["SERVING", "UNREACHABLE", "SERVING"])
            #expect(try await cluster.ask("cluster", "methods")["services"].list.count > 5)
            let nodes = try await cluster.ask("cluster", "connections")["nodes"].list
            #expect(nodes.map { $0["error"].text == nil } == [true, false, true])
            let named = try await cluster.refusal("cluster", "connections", "--node", "n2")
            #expect(named.status == "UNAVAILABLE" && named.message.contains(cluster.address("n2")))
        }

        /// A line for what is, and one for each change: a node that stops says so before it goes.
        @Test func aWatchFollowsANodeThroughItsRestart() async throws {
            try await cluster.whileUp {
                let started = AsyncStream<Int32>.makeStream()
                async let watching = cluster.rookery(
                    ["cluster", "health", "--watch"], started: { started.continuation.yield($0) })
                guard let process = await started.stream.first(where: { _ in true }) else {
                    throw Unexpected("\(try await watching)")
                }
                try await eventually("all are seen") { try printed().filter { $0.hasSuffix(" SERVING") }.count >= 3 }
                try await cluster.ask("cluster", "restart", "n2")
                try await eventually("n2 is seen again") { try printed().filter { $0 == "n2 SERVING" }.count == 2 }
                kill(process, SIGTERM)
                let lines = try await watching.output.split(separator: "\n").filter { $0.hasPrefix("n2 ") }
                #expect(lines == ["n2 SERVING", "n2 NOT_SERVING", "n2 UNREACHABLE", "n2 SERVING"])
            }
        }

        /// What commands that still run have printed.
        private func printed() throws -> [String] {
            let names = try FileManager.default.contentsOfDirectory(atPath: cluster.playground.path)
            return names.filter { $0.hasPrefix("command-") && $0.hasSuffix(".output") }.flatMap { name in
                // One that has just ended took its file along.
                let text = try? String(contentsOfFile: "\(cluster.playground.path)/\(name)", encoding: .utf8)
                return (text ?? "").split(separator: "\n").map(String.init)
            }
        }
    }
}

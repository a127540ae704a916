import Foundation
import Testing

extension EndToEndTests {
    /// Nodes that are started where they must not run: each ends at once with status 1, says why, and touches nothing.
    @Suite(.serialized) struct WrongPlaceTests {
        let cluster: LaunchedCluster

        init() throws { cluster = try LaunchedCluster() }

        private var nodeOne: String { cluster.data + "/n1" }

        /// Runs n1 by hand until it ends; the error of its last line.
        private func nodeError(
            data: String? = nil, node: String = "n1", config: String? = nil, secret: String? = nil,
            under wrapper: [String] = []
        ) async throws -> String {
            let command = [
                Program.rookeryd, "--config", config ?? cluster.configPath, "--node", node, "--data", data ?? nodeOne,
                "--secret-file", secret ?? cluster.data + "/secret",
            ]
            let outcome = try await Program.run("/usr/bin/env", wrapper + command, in: cluster.playground.path)
            let lines = outcome.error.split(separator: "\n")
            guard outcome.status == 1, outcome.output.isEmpty, let last = lines.last else {
                throw Unexpected(outcome.description)
            }
            let line = try JSON(String(last))
            #expect(line["level"] == .string("critical") && line["message"] == .string("cannot run"))
            return try #require(line["error"].text)
        }

        /// What a directory holds, by path; without what every start may write: the log, and who has the lock.
        private func contents(_ directory: String) throws -> [String: Data] {
            let names = FileManager.default.enumerator(atPath: directory)?.compactMap { $0 as? String } ?? []
            let files = names.filter { name in
                !["LOCK", "logs", "run", "lock"].contains { name.split(separator: "/").contains(Substring($0)) }
            }
            return Dictionary(
                uniqueKeysWithValues: files.map {
                    ($0, FileManager.default.contents(atPath: "\(directory)/\($0)") ?? Data())
                }
            )
        }

        private func otherConfig(_ change: (String) -> String) throws -> String {
            let text = try String(contentsOfFile: cluster.configPath, encoding: .utf8)
            return try cluster.playground.write(change(text), to: "other.yaml")
        }

        @Test func aDirectoryThatIsNotTheNodesOwnIsLeftAlone() async throws {
            try await cluster.whileUp { try await cluster.ask("register", "ann") }
            let before = try contents(cluster.data)
            let other = try otherConfig { $0.replacing("cluster: e2e", with: "cluster: other") }
            #expect(
                try await nodeError(config: other)
                    == "\(nodeOne): this data directory belongs to cluster \"e2e\", not to \"other\": use another directory"
            )
            #expect(
                try await nodeError(node: "n2")
                    == "\(nodeOne): this data directory belongs to node \"n1\", not to \"n2\": use another directory")
            #expect(try await nodeError(node: "n9") == "there is no node n9 in this cluster: it has n1, n2, n3")
            let launched = try await Program.run(
                Program.rookery, ["cluster", "up", "--config", other, "--data", cluster.data],
                in: cluster.playground.path)
            #expect(launched.status == 1)
            #expect(
                launched.error == "rookery: \(cluster.data) holds the data of cluster e2e, not of other: "
                    + "choose another --data directory\n")
            #expect(try contents(cluster.data) == before)
            try await cluster.whileUp { try await cluster.ask("whoami", "--as", "ann") }
        }

        @Test func aNewerFormatIsRefused() async throws {
            try await cluster.whileUp {}
            let format = nodeOne + "/FORMAT"
            let text = try String(contentsOfFile: format, encoding: .utf8)
            try text.replacing("rookery-data 2", with: "rookery-data 3").write(
                toFile: format, atomically: true, encoding: .utf8)
            let before = try contents(nodeOne)
            let problem =
                "\(nodeOne): this data directory has format 3; this rookeryd reads up to 2: use a newer rookeryd"
            #expect(try await nodeError() == problem)
            let refused = try await cluster.refusal("cluster", "up")
            #expect(refused.status == "FAILED_PRECONDITION")
            #expect(
                refused.message
                    == "n1 ended at its start: cannot run: \(problem) (log: \(cluster.data)/logs/n1.log)")
            #expect(try contents(nodeOne) == before)
            try text.write(toFile: format, atomically: true, encoding: .utf8)
            try await cluster.up()
            try await cluster.ask("cluster", "down")
        }

        @Test func aDirectoryInUseIsNotShared() async throws {
            try await cluster.whileUp {
                let process = try #require(try await cluster.processes()["n1"])
                let problem = "\(nodeOne): this data directory is in use by process \(process): stop it first"
                #expect(try await nodeError() == problem)
                #expect(try await cluster.processes()["n1"] == process)
            }
        }

        @Test func aTakenPortIsNamedWithWhoHasIt() async throws {
            try await cluster.whileUp {
                let process = try #require(try await cluster.processes()["n1"])
                let elsewhere = cluster.playground.path + "/elsewhere"
                let other = try otherConfig { $0.replacing("cluster: e2e", with: "cluster: other") }
                let refused = try await Program.run(
                    Program.rookery, ["cluster", "up", "--config", other, "--data", elsewhere], in: cluster.path)
                #expect(refused.status == 1 && refused.output.isEmpty)
                let address = cluster.address("n1")
                #expect(
                    refused.error == "rookery: cannot start n1: its address \(address) is taken by process \(process)\n"
                )
                #expect(try contents(elsewhere).keys.sorted() == ["cluster", "secret"], "no node was started")
                let byHand = try await nodeError(data: elsewhere + "/n1", secret: elsewhere + "/secret")
                #expect(byHand.contains(address), "\(byHand)")
            }
        }

        @Test func aLauncherWithoutRookerydSaysWhereItLooked() async throws {
            let refused = try await cluster.refusal("cluster", "up", variables: ["ROOKERYD": "/nowhere/rookeryd"])
            #expect(
                refused
                    == ("FAILED_PRECONDITION", "there is no rookeryd at /nowhere/rookeryd: set ROOKERYD to its path"))
        }

        /// Two that changed one cluster, or made the same users, at once would undo each other's work.
        @Test func twoCommandsDoNotWorkOnOneThing() async throws {
            let held = try cluster.holding("\(cluster.data)/lock")
            let up = try await cluster.refusal("cluster", "up")
            #expect(up.status == "FAILED_PRECONDITION")
            #expect(up.message == "another rookery command is changing the cluster in \(cluster.data)")
            let imports = try cluster.holding("\(cluster.state)/rookery/e2e/import.lock")
            let edges = try cluster.playground.write("1 2\n", to: "edges")
            let imported = try await cluster.refusal("import", "--graph", edges, "--tweets", edges)
            #expect(imported.status == "FAILED_PRECONDITION")
            let running = "another rookery import is running that keeps its secrets in \(cluster.state)/rookery/e2e"
            #expect(imported.message == "\(running): run this one when it has ended")
            withExtendedLifetime((held, imports)) {}
        }

        @Test func anotherClustersClientIsTurnedAway() async throws {
            try await cluster.whileUp {
                let other = try otherConfig { $0.replacing("cluster: e2e", with: "cluster: other") }
                let refused = try await Program.run(
                    Program.rookery, ["user", "ann", "--json", "--config", other], in: cluster.path)
                #expect(refused.status == 1 && refused.output.isEmpty)
                let error = try JSON(refused.error)["error"]
                #expect(error["status"] == .string("FAILED_PRECONDITION"))
                let message = error["message"].text ?? ""
                #expect(message.hasSuffix("belongs to cluster \"e2e\", not \"other\""), "\(message)")
            }
        }

        @Test func aSecretThatIsNoSecretIsRefused() async throws {
            try await cluster.whileUp {}
            let before = try contents(nodeOne)
            for (text, reason) in [
                ("", "it needs at least 32 hexadecimal digits and has 0"),
                ("beef\n", "it needs at least 32 hexadecimal digits and has 4"),
                (String(repeating: "5", count: 33), "it has 33 hexadecimal digits; two are a byte, so one is missing"),
                (String(repeating: "x", count: 64), "it holds something other than hexadecimal digits"),
                (String(repeating: "+5", count: 32), "it holds something other than hexadecimal digits"),
                (String(repeating: "é", count: 17), "it holds something other than hexadecimal digits"),
            ] {
                let file = try cluster.playground.write(text, to: "secret")
                #expect(try await nodeError(secret: file) == "\(file): the cluster's secret cannot be used: \(reason)")
            }
            let nowhere = cluster.path + "/nowhere"
            let absent = try await nodeError(secret: nowhere)
            #expect(absent == "\(nowhere): the cluster's secret cannot be used: there is no such file")
            let folder = try await nodeError(secret: cluster.path)
            #expect(folder == "\(cluster.path): the cluster's secret cannot be used: it cannot be read")
            #expect(try contents(nodeOne) == before)
        }

        @Test func whereNothingCanBeWrittenNothingRuns() async throws {
            let secret = try cluster.playground.write(String(repeating: "5e", count: 16), to: "secret")
            let below = cluster.configPath + "/n1"
            let refused = try await nodeError(data: below, secret: secret)
            #expect(refused == "\(below): cannot be used as a data directory: Not a directory")
            let elsewhere = cluster.configPath + "/data"
            let launched = try await Program.run(
                Program.rookery, ["cluster", "up", "--config", cluster.configPath, "--data", elsewhere],
                in: cluster.path)
            #expect(
                launched.status == 1
                    && launched.error == "rookery: cannot make directory \(elsewhere): Not a directory\n")
        }

        @Test func aReadOnlyDiskIsNamed() async throws {
            let secret = try cluster.playground.write(String(repeating: "5e", count: 16), to: "secret")
            let disk = cluster.playground.path + "/read-only"
            try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: false)
            // In a mount namespace of its own, which goes with the process.
            let mounted = ["unshare", "-m", "sh", "-c", "mount -t tmpfs -o ro tmpfs \"$0\" && exec \"$@\"", disk]
            let probe = try await Program.run("/usr/bin/env", mounted + ["true"], in: cluster.path)
            guard probe.status == 0 else { try Test.cancel("mounting needs root: \(probe.error)") }
            let refused = try await nodeError(data: disk + "/n1", secret: secret, under: mounted)
            #expect(refused == "\(disk)/n1: cannot be used as a data directory: Read-only file system")
        }
    }
}

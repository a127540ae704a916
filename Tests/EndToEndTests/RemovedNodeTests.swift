import Cluster
import Foundation
import Synchronization
import Testing

@testable import LocalCluster

extension EndToEndTests {
    /// A node that was taken out of `cluster.yaml` is still a process, and its data still lies there.
    @Suite(.serialized) struct RemovedNodeTests {
        let cluster: LaunchedCluster

        init() throws { cluster = try LaunchedCluster() }

        private func removeFromConfig(_ node: String) throws {
            let text = try String(contentsOfFile: cluster.configPath, encoding: .utf8)
            let lines = text.split(separator: "\n").filter { !$0.contains("{id: \(node),") }
            try lines.joined(separator: "\n").write(toFile: cluster.configPath, atomically: true, encoding: .utf8)
        }

        private func launcher() throws -> LocalCluster {
            LocalCluster(
                config: cluster.config, configPath: cluster.configPath, dataDirectory: cluster.data,
                executable: Program.rookeryd)
        }

        @Test func itIsSeenAndStoppedWithTheOthers() async throws {
            try await cluster.up()
            let stray = try #require(try await cluster.processes()["n3"])
            try removeFromConfig("n3")
            try await cluster.ask("cluster", "kill", "n1")
            try await cluster.ask("cluster", "kill", "n2")
            #expect(
                try await cluster.refusal("cluster", "wipe").message
                    == "n3 is still running (pid \(stray)): stop the cluster first")
            #expect(isAlive(stray))
            let down = try await cluster.rookery(["cluster", "down"])
            #expect(down.output == "n1 is not running\nn2 is not running\nn3 stopped (pid \(stray))\n", "\(down)")
            #expect(!isAlive(stray))
            let again = try await cluster.rookery(["cluster", "down"])
            #expect(again.output == "n1 is not running\nn2 is not running\n", "\(again)")
            // Its data goes with the others': it must not come back when the node does.
            try await cluster.ask("cluster", "wipe")
            #expect(!FileManager.default.fileExists(atPath: cluster.data))
        }

        @Test func dataInUseIsNotWiped() async throws {
            try await cluster.whileUp {}
            let lock = try #require(try NodeLock("n2", data: cluster.data + "/n2"))
            let refused = try await cluster.refusal("cluster", "wipe")
            #expect(refused.message.hasPrefix("\(cluster.data)/n2 is used by process"), "\(refused)")
            #expect(
                ["n1", "n2", "n3"].allSatisfy { FileManager.default.fileExists(atPath: "\(cluster.data)/\($0)/LOCK") })
            withExtendedLifetime(lock) {}
        }

        /// A record that says nothing is no proof that nobody runs.
        @Test func anUnreadableRecordHidesNoProcess() async throws {
            try await cluster.up()
            let process = try #require(try await cluster.processes()["n2"])
            for node in ["n1", "n3"] { try await cluster.ask("cluster", "kill", node) }
            let record = cluster.data + "/run/n2.json"
            let words = try Data(contentsOf: URL(fileURLWithPath: record))
            try Data().write(to: URL(fileURLWithPath: record))
            for command in ["down", "wipe", "up"] {
                let refused = try await cluster.rookery(["cluster", command])
                let problem = "rookery: \(cluster.data)/n2 is used by process \(process), of which there is no record"
                #expect(refused.status == 1 && refused.error.hasPrefix(problem), "\(refused)")
            }
            try words.write(to: URL(fileURLWithPath: record))
            try await cluster.ask("cluster", "down")
            // With nobody behind it, it is nothing: so a power cut leaves it.
            try Data().write(to: URL(fileURLWithPath: record))
            try await cluster.whileUp {}
        }

        private final class AtWork: Sendable {
            let count = Atomic<Int>(0)
        }

        /// Whoever waits for the lock while a wipe removes its file does not hold it afterwards beside somebody else.
        @Test func twoLaunchersAreNeverAtWorkAtOnce() async throws {
            let directory = DataDirectory(path: cluster.data)
            let atWork = AtWork()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask { @Sendable in
                        var turns = 0
                        while turns < 300 {
                            do {
                                try await directory.locked {
                                    #expect(atWork.count.add(1, ordering: .sequentiallyConsistent).newValue == 1)
                                    await Task.yield()
                                    atWork.count.subtract(1, ordering: .sequentiallyConsistent)
                                    unlink(directory.path + "/lock")
                                }
                                turns += 1
                            } catch LocalClusterError.busy {
                                await Task.yield()
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }
}

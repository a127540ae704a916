import Foundation
import Testing

extension EndToEndTests {
    /// A client that was written from docs/protocol.md alone, in another language (Tests/Contract/foreign): what it
    /// expects of a node that nobody of this project has written twice.
    @Suite(.serialized) struct ForeignClientTests {
        let playground: Playground

        init() throws { playground = try Playground() }

        @Test func aClientInAnotherLanguageFindsWhatThePageSays() async throws {
            let python = try await environment()
            let port = try Playground.freePorts(1)[0]
            let started = AsyncStream<Int32>.makeStream()
            async let node = serve(port: port, started.continuation)
            guard let process = await started.stream.first(where: { _ in true }) else {
                throw Unexpected("\(try await node)")
            }
            let client = try await Program.run(
                python, client(port: port, node: process), in: playground.path, limit: .seconds(180))
            #expect(client.status == 0, "\(client)")
            // Ended by the client's last case, unless that or the client failed.
            if client.status != 0, isAlive(process) { kill(process, SIGKILL) }
            let ended = try await node
            #expect(ended.status == 0, "\(ended)")
        }

        /// The Python that has the client's packages, which are there already after `make test`'s first steps.
        private func environment() async throws -> String {
            let script = Program.project + "/Scripts/foreign-client.sh"
            let outcome = try await Program.run(script, [], in: playground.path, limit: .seconds(180))
            guard outcome.status == 0 else { throw Unexpected(outcome.description) }
            return Program.project + "/.build/foreign-client/bin/python"
        }

        /// One node, which owns all partitions: the client routes nothing.
        private func serve(port: Int, _ started: AsyncStream<Int32>.Continuation) async throws -> Outcome {
            defer { started.finish() }
            let yaml = """
                cluster: foreign
                partitions: 16
                replicas: 1
                keeper: static
                nodes:
                  - {id: n1, address: "127.0.0.1:\(port)", region: local, zone: a}

                """
            let config = try playground.write(yaml, to: "cluster.yaml")
            let secret = try playground.write(String(repeating: "5e", count: 32), to: "secret")
            return try await Program.run(
                Program.rookeryd,
                [
                    "--config", config, "--node", "n1", "--data", playground.path + "/data", "--secret-file", secret,
                    "--test-service",
                ],
                in: playground.path, limit: .seconds(240), started: { started.yield($0) })
        }

        private func client(port: Int, node: Int32) -> [String] {
            [
                "-B", Program.project + "/Tests/Contract/foreign/run.py", "--address", "127.0.0.1:\(port)",
                "--cluster", "foreign", "--stop", String(node),
            ]
        }
    }
}

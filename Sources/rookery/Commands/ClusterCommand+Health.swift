import ArgumentParser
import Client
import Cluster

extension ClusterCommand {
    struct Health: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Whether the nodes take work.",
            discussion: """
                SERVING, or NOT_SERVING while a node stops or drains; UNREACHABLE when nobody answers there. With \
                --watch a line for each node now and whenever that changes, until interrupted.
                """)
        @OptionGroup var common: CommonOptions

        @Option(
            help: ArgumentHelp("One service, such as rookery.Tweets, in place of the whole node.", valueName: "name"))
        var service = ""

        @Flag(help: "Go on with what changes, until interrupted.")
        var watch = false

        func run() async throws {
            if watch, common.json { throw UsageFailure("--watch has no end, so it cannot be one JSON document") }
            let config = try common.loadConfig()
            try await common.withContext { context in
                if watch { return await follow(config.nodes, context) }
                let (client, service) = (context.client, service)
                let nodes = try await context.ofEach(config.nodes) { node in
                    try await client.health(of: service, at: node.id)
                }
                let rows = nodes.map { HealthDocument.Node($0.node, $0.result) }
                try context.show(HealthDocument(service: service, nodes: rows), lines(rows, context.style))
            }
        }

        private func lines(_ nodes: [HealthDocument.Node], _ style: Style) -> [String] {
            let rows = nodes.map { [$0.id, $0.address, $0.status] }
            return style.table([["NODE", "ADDRESS", "STATUS"]] + rows) + nodes.compactMap { $0.error.map(style.faint) }
        }

        /// How long a node that does not answer is left alone.
        private static let rest = Duration.seconds(1)

        private func follow(_ nodes: [NodeInfo], _ context: Context) async {
            let (client, service) = (context.client, service)
            await withTaskGroup(of: Void.self) { group in
                for node in nodes {
                    group.addTask { await Self.follow(node, service, client) }
                }
            }
        }

        /// A node that goes is told of once, and watched again when it is back.
        private static func follow(_ node: NodeInfo, _ service: String, _ client: RookeryClient) async {
            var isThere = true
            while !Task.isCancelled {
                do {
                    try await client.watchHealth(of: service, at: node.id) { status in
                        isThere = true
                        Terminal.writeLine("\(node.id) \(status.name)")
                    }
                } catch {
                    if isThere { Terminal.writeLine("\(node.id) \(HealthDocument.unreachable)") }
                    isThere = false
                }
                try? await Task.sleep(for: rest)  // cancelled: the loop ends
            }
        }
    }
}

extension Context {
    /// Asks each of the nodes at once; what one of them cannot tell does not keep the others' answers back. An error that
    /// is not about reaching a node is thrown.
    func ofEach<Value: Sendable>(
        _ nodes: [NodeInfo], _ ask: @escaping @Sendable (NodeInfo) async throws -> Value
    ) async throws -> [(node: NodeInfo, result: Result<Value, RookeryError>)] {
        let answers = try await withThrowingTaskGroup(of: (NodeId, Result<Value, RookeryError>).self) { group in
            for node in nodes {
                group.addTask {
                    do {
                        return (node.id, .success(try await ask(node)))
                    } catch let error as RookeryError where error.isAboutReaching {
                        return (node.id, .failure(error))
                    }
                }
            }
            return try await group.reduce(into: [NodeId: Result<Value, RookeryError>]()) { $0[$1.0] = $1.1 }
        }
        return nodes.compactMap { node in answers[node.id].map { (node, $0) } }
    }
}

extension RookeryError {
    /// The node did not answer, which is of interest beside the others' answers.
    fileprivate var isAboutReaching: Bool { status == .unavailable || status == .deadlineExceeded }
}

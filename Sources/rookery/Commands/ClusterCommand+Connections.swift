import ArgumentParser
import Client
import Cluster

extension ClusterCommand {
    struct Connections: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Who is connected to the nodes, and what they call.",
            discussion: """
                For each node its sums since it started, and its connections by id. With an id, the calls that are open \
                on that connection. Only a node on this machine shows them. Credit is what may still be sent in \
                streams; the command's own connection is in the list.
                """)
        @OptionGroup var common: CommonOptions

        @Option(help: ArgumentHelp("This node alone.", valueName: "id"))
        var node: String?

        @Option(help: ArgumentHelp("At most so many of each node: 1 to 256.", valueName: "n"))
        var max = 100

        @Option(help: ArgumentHelp("Those behind this id.", valueName: "id"))
        var after: UInt64 = 0

        @Argument(help: "A connection of the node that --node names.")
        var id: UInt64?

        func validate() throws {
            guard (1...256).contains(max) else { throw ValidationError("--max must be 1 to 256.") }
            guard id == nil || node != nil else {
                throw ValidationError("Each node has ids of its own: say --node, too.")
            }
            guard id == nil || after <= UInt64(UInt32.max) else {
                throw ValidationError("--after is above any stream's id.")
            }
        }

        func run() async throws {
            let config = try common.loadConfig()
            let one = try node.map { try config.node(named: $0) }
            try await common.withContext { context in
                if let one, let id { return try await showStreams(of: id, at: one, context) }
                let nodes = try await list(one.map { [$0] } ?? config.nodes, context)
                // One that was named must answer.
                if one != nil { _ = try nodes.first?.result.get() }
                let documents = nodes.map { ConnectionsDocument.Node($0.node, $0.result) }
                try context.show(
                    ConnectionsDocument(nodes: documents), ConnectionText(style: context.style).lines(documents))
            }
        }

        private func list(
            _ nodes: [NodeInfo], _ context: Context
        ) async throws -> [(node: NodeInfo, result: Result<(ServerTotals, ConnectionPage), RookeryError>)] {
            let (client, after, max) = (context.client, after, max)
            return try await context.ofEach(nodes) { node in
                (
                    try await client.totals(of: node.id),
                    try await client.connections(of: node.id, after: after, limit: max)
                )
            }
        }

        private func showStreams(of id: UInt64, at node: NodeInfo, _ context: Context) async throws {
            let page = try await context.client.streams(
                of: id, at: node.id, after: UInt32(clamping: after), limit: max)
            let document = StreamsDocument(node, page)
            try context.show(document, ConnectionText(style: context.style).lines(document))
        }
    }
}

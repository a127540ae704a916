import ArgumentParser
import Client
import Cluster
import LocalCluster

extension ClusterCommand {
    struct Methods: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "What may be called at a node, and what messages hold.",
            discussion: """
                Without a name, all methods. With the name of a service, its methods; with that of a method, its \
                messages; with that of a message, its fields and all that they hold. "rookery." may be left out.
                """)
        @OptionGroup var common: CommonOptions

        @Option(help: ArgumentHelp("Which node to ask; by default the first that answers.", valueName: "id"))
        var node: String?

        @Argument(help: "A service, a method or a message.")
        var name: String?

        func run() async throws {
            let config = try common.loadConfig()
            let nodes = try node.map { [try config.node(named: $0)] } ?? config.nodes
            try await common.withContext { context in
                let (node, services) = try await firstAnswer(nodes, context.client)
                guard let name else { return try show(services, context) }
                for name in [name, "rookery." + name] {
                    if let service = services.first(where: { $0.name == name }) { return try show([service], context) }
                    if let method = services.lazy.flatMap(\.methods).first(where: { $0.name == name }) {
                        return try await show(method, of: node, context)
                    }
                }
                try await show(MethodDocument(family: message(name, of: node, context.client)), context)
            }
        }

        /// All nodes of a cluster have the same methods.
        private func firstAnswer(
            _ nodes: [NodeInfo], _ client: RookeryClient
        ) async throws -> (NodeId, [ServiceShape]) {
            var failure = RookeryError(.unavailable, "the cluster has no nodes")
            for node in nodes {
                do {
                    return (node.id, try await client.services(at: node.id))
                } catch let error as RookeryError {
                    failure = error
                }
            }
            throw failure
        }

        private func message(_ name: String, of node: NodeId, _ client: RookeryClient) async throws -> MessageFamily {
            do {
                return try await client.message(named: name, at: node)
            } catch let error as RookeryError where error.status == .notFound && !name.hasPrefix("rookery.") {
                // Refused once more, the sentence is about what was typed.
                guard let family = try? await client.message(named: "rookery." + name, at: node) else {
                    throw RookeryError(.notFound, "there is no service, method or message \"\(name)\"", node: node)
                }
                return family
            }
        }

        private func show(_ services: [ServiceShape], _ context: Context) throws {
            let rows = services.flatMap(\.methods).map { method in
                [
                    method.name, method.kind.map { "\($0)" } ?? "?", method.request.isEmpty ? "-" : method.request,
                    method.reply.isEmpty ? "-" : method.reply, method.peersOnly ? "peers" : "",
                ]
            }
            try context.show(
                ServicesDocument(services),
                context.style.table([["METHOD", "KIND", "REQUEST", "ANSWER", "FOR"]] + rows))
        }

        private func show(_ method: MethodShape, of node: NodeId, _ context: Context) async throws {
            var document = MethodDocument(method: method)
            for name in [method.request, method.reply] where !name.isEmpty {
                document.add(try await context.client.message(named: name, at: node))
            }
            try show(document, context)
        }

        private func show(_ document: MethodDocument, _ context: Context) throws {
            try context.show(document, ShapeText(style: context.style).lines(document))
        }
    }
}

extension ClusterConfig {
    func node(named name: String) throws -> NodeInfo {
        guard let node = node(NodeId(rawValue: name)) else {
            throw LocalClusterError.unknownNode(name, known: nodes.map(\.id.rawValue))
        }
        return node
    }
}

import ArgumentParser
import Client
import Glibc
import LocalCluster

extension ClusterCommand {
    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "How the nodes are.")
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let status = try await common.localCluster().status()
            if common.json { return Terminal.writeLine(try JSONText.encode(status)) }
            let style = Style(colours: Terminal.colours)
            let head = [
                "NODE", "ADDRESS", "REGION", "ZONE", "STATE", "PARTITIONS", "PRIMARIES", "IN FLIGHT", "MEDIAN",
                "BACKLOG",
            ]
            for line in style.table([head] + status.nodes.map(row)) { Terminal.writeLine(line) }
            Terminal.writeLine(style.faint("map version \(status.mapVersion)"))
        }

        private func row(_ node: ClusterStatus.Node) -> [String] {
            let answered = node.startedAt != nil
            let figures = [
                "\(node.partitions)", "\(node.primaries)", "\(node.inFlight)", "\(node.medianLatencyUs) µs",
                "\(node.backlog)",
            ]
            return [node.id, node.address, node.region, node.zone, node.state]
                + (answered ? figures : figures.map { _ in "-" })
        }
    }

    struct Logs: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "What a node has written to its log.")
        @OptionGroup var common: CommonOptions
        @Argument var node: String
        @Flag(name: .shortAndLong, help: "Go on with what it writes from now on, until interrupted.")
        var follow = false

        func run() async throws {
            if follow, common.json { throw UsageFailure("--follow has no end, so it cannot be one JSON document") }
            let cluster = try common.localCluster()
            var (offset, lines) = (0, [UInt8]())
            while case let (bytes, next) = try cluster.readLog(of: node, from: offset), !bytes.isEmpty {
                if common.json { lines += bytes } else { Terminal.write(bytes, to: STDOUT_FILENO) }
                offset = next
            }
            if common.json { try printDocument(lines) }
            if follow {
                try await cluster.followLog(of: node, from: offset) { Terminal.write($0, to: STDOUT_FILENO) }
            }
        }

        private func printDocument(_ bytes: [UInt8]) throws {
            struct Document: Encodable {
                var id: String
                var lines: [String]
            }
            let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
            Terminal.writeLine(try JSONText.encode(Document(id: node, lines: lines)))
        }
    }
}

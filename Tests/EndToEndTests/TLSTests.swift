import Foundation
import Logging
import NIOPosix
import RPC
import Testing

extension EndToEndTests {
    /// A cluster whose connections are encrypted, with the certificates of `rookery cluster certificates`.
    @Suite(.serialized) struct TLSTests {
        let cluster: LaunchedCluster

        init() throws { cluster = try LaunchedCluster() }

        private var certificates: String { cluster.data + "/certificates" }

        /// Makes certificates, and puts into the configuration what the command says belongs there.
        private func turnOn() async throws {
            let made = try await cluster.rookery(["cluster", "certificates"])
            let lines = made.output.split(separator: "\n", omittingEmptySubsequences: false)
            let start = try #require(lines.firstIndex(of: "tls:"))
            let text = try String(contentsOfFile: cluster.configPath, encoding: .utf8)
            _ = try cluster.playground.write(text + lines[start...].joined(separator: "\n"), to: "disk/cluster.yaml")
        }

        private func file(_ name: String) throws -> Data {
            try Data(contentsOf: URL(fileURLWithPath: "\(certificates)/\(name)"))
        }

        // MARK: A cluster with TLS

        @Test func peopleOfSeveralNodesMeetUnderTLS() async throws {
            try await turnOn()
            try await cluster.up()
            for name in ["alice", "bob", "carol", "dave"] { try await cluster.ask("register", name, "--as", name) }
            for name in ["bob", "carol", "dave"] { try await cluster.ask("follow", "alice", "--as", name) }
            try await cluster.ask("tweet", "sealed", "--as", "alice")
            try await cluster.settle()
            for name in ["bob", "carol", "dave"] {
                let home = try await cluster.ask("home", "--as", name)
                #expect(home["tweets"].list.map { $0["text"] } == [.string("sealed")])
            }
            try await expectOnlyItsOwnName()
            try await expectPlaintextIsRefused()
            try await cluster.ask("cluster", "down")
        }

        /// The secret is the right one: what is refused is the other node's certificate (rule G2).
        private func expectOnlyItsOwnName() async throws {
            let reply = try await call("n1", as: "n2", certificate: "n2")
            #expect(!reply.isEmpty)
            let foreign = await #expect(throws: RPCError.self) { try await call("n1", as: "n3", certificate: "n2") }
            #expect(foreign?.message.hasSuffix("\"n3\" showed the certificate of \"n2\"") == true)
            let misled = await #expect(throws: RPCError.self) {
                try await call("n1", meaning: "n2", as: "n3", certificate: "n3")
            }
            #expect(misled?.message.hasSuffix("the certificate is that of node n1, not of node n2") == true)
        }

        private func expectPlaintextIsRefused() async throws {
            let error = await #expect(throws: RPCError.self) { try await call("n1", as: "n2", certificate: nil) }
            #expect(error?.message.hasSuffix("it speaks TLS, and this side does not") == true)
        }

        /// Asks a node for its map in the role of a peer.
        private func call(
            _ node: String, meaning meant: String? = nil, as nodeId: String, certificate: String?
        ) async throws -> [UInt8] {
            let credentials = try certificate.map {
                try TLSCredentials(
                    authorityFile: "\(certificates)/ca.pem", certificateFile: "\(certificates)/nodes/\($0).pem",
                    keyFile: "\(certificates)/nodes/\($0).key", clientCertificates: .peers)
            }
            let group = MultiThreadedEventLoopGroup.singleton
            let address = try #require(cluster.config.node(.init(node))?.address)
            let channel = RPC.Channel(
                host: address.host, port: address.port,
                configuration: ChannelConfiguration(
                    clusterId: cluster.config.clusterId, role: .peer(nodeId: nodeId, secret: try secret()),
                    nodeId: meant ?? node),
                transport: TCPTransport(group: group, tls: credentials), group: group,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            do {
                let reply = try await channel.unary("rookery.Cluster/Map", [])
                await channel.close()
                return reply.message
            } catch {
                await channel.close()
                throw error
            }
        }

        private func secret() throws -> [UInt8] {
            let text = try String(contentsOfFile: cluster.data + "/secret", encoding: .utf8)
            let digits = Array(text.trimmingCharacters(in: .whitespacesAndNewlines))
            return try stride(from: 0, to: digits.count, by: 2).map {
                try #require(UInt8(String(digits[$0...$0 + 1]), radix: 16))
            }
        }

        @Test func aNodeDoesNotStartWithTheCertificateOfAnother() async throws {
            try await turnOn()
            for kind in ["pem", "key"] {
                let other = try file("nodes/n2.\(kind)")
                try other.write(to: URL(fileURLWithPath: "\(certificates)/nodes/n1.\(kind)"))
            }
            let refusal = try await cluster.refusal("cluster", "restart", "n1")
            #expect(refusal.message.contains("nodes/n1.pem is the certificate of node n2, and this is node n1"))
        }

        @Test func aMissingAuthorityIsNamed() async throws {
            try await turnOn()
            try FileManager.default.removeItem(atPath: certificates + "/ca.pem")
            let refusal = try await cluster.refusal("whoami", "--as", "alice")
            #expect(refusal.status == "FAILED_PRECONDITION")
            #expect(refusal.message.hasSuffix("data/certificates/ca.pem cannot be read: No such file or directory"))
        }

        // MARK: The command

        @Test func certificatesAreRenewedOnlyOnPurpose() async throws {
            let made = try await cluster.ask("cluster", "certificates")
            #expect(made["new_ca"] == .bool(true))
            #expect(made["nodes"].list.map { $0["id"] } == [.string("n1"), .string("n2"), .string("n3")])
            let (authority, node) = (try file("ca.pem"), try file("nodes/n1.pem"))
            let refusal = try await cluster.refusal("cluster", "certificates")
            #expect(refusal.message.contains("nodes/n1.pem is there already: --force renews"))
            #expect(try file("nodes/n1.pem") == node)

            let renewed = try await cluster.ask("cluster", "certificates", "--force", "--days", "7")
            #expect(renewed["new_ca"] == .bool(false))
            #expect(try file("ca.pem") == authority && file("nodes/n1.pem") != node)
            #expect(try await cluster.misuse("cluster", "certificates", "--days", "0").contains("1 to 3650"))
        }

        @Test func keysAreTheirOwnersAlone() async throws {
            try await cluster.ask("cluster", "certificates", "--out", "own")
            let directory = cluster.playground.path + "/own"
            for name in ["ca.key", "nodes/n1.key", "nodes/n2.key", "nodes/n3.key"] {
                let attributes = try FileManager.default.attributesOfItem(atPath: "\(directory)/\(name)")
                #expect(attributes[.posixPermissions] as? Int == 0o600, "\(name)")
            }
        }

        @Test func anAuthorityOfAnotherClusterDoesNotSign() async throws {
            try await cluster.ask("cluster", "certificates", "--out", "own")
            let text = try String(contentsOfFile: cluster.configPath, encoding: .utf8)
            let other = text.replacing("cluster: e2e", with: "cluster: other")
            _ = try cluster.playground.write(other, to: "disk/cluster.yaml")
            let refusal = try await cluster.refusal("cluster", "certificates", "--out", "own", "--force")
            #expect(refusal.message.contains("own/ca.pem and its key are not a development CA of this cluster"))
        }
    }
}

import NIOCore
import NIOPosix
import Testing

@testable import RPC

/// Whose certificate opens which door, and the sentence that everybody else hears.
@Suite(.timeLimit(.minutes(1))) struct TLSTests {
    private static let methods = MethodTable.make {
        $0.unary("test/Inside", role: .peer) { Answer(Array($0.peer.nodeId.utf8)) }
    }

    private let nest = TestAuthority.nest

    private func client(nodeId: String? = nil) -> ChannelConfiguration {
        ChannelConfiguration(clusterId: "nest", nodeId: nodeId)
    }

    private func peer(_ nodeId: String) -> ChannelConfiguration {
        ChannelConfiguration(clusterId: "nest", role: .peer(nodeId: nodeId, secret: Stage.secret), nodeId: "n1")
    }

    /// What a call over this transport, to a server that holds these credentials, fails with.
    private func refusal(
        _ configuration: ChannelConfiguration, over transport: any Transport
    ) async throws -> String? {
        try await refusal(nest.credentials("n1"), configuration, over: transport)
    }

    private func refusal(
        _ server: TLSCredentials, _ configuration: ChannelConfiguration, over transport: any Transport
    ) async throws -> String? {
        var message: String?
        try await Stage.play(over: World.tls(server), methods: Self.methods) { stage in
            let channel = stage.channel(configuration, over: transport)
            let error = await failure { _ = try await channel.unary("test/Echo", []) }
            #expect(error?.ran == .no)
            message = error?.message.replacing("127.0.0.1:\(stage.port)", with: "n1:1")
        }
        return message
    }

    // MARK: The server's certificate

    @Test func aServerOfAnotherAuthorityIsNotBelieved() async throws {
        let server = TestAuthority.roost.credentials("n1")
        let message = try await refusal(server, client(), over: World.tls(nest.credentials()))
        #expect(
            message == "the connection to n1:1 was lost: its certificate is not of the cluster's CA, or not valid now")
    }

    @Test(arguments: [-2.0..<(-1), 1.0..<2])
    func aCertificateOutsideItsTimeIsNotBelieved(days: Range<Double>) async throws {
        let server = nest.credentials("n1", days: days)
        let message = try await refusal(server, client(), over: World.tls(nest.credentials()))
        #expect(
            message == "the connection to n1:1 was lost: its certificate is not of the cluster's CA, or not valid now")
    }

    /// The server calls itself n1, as the map says it should, and holds n2's certificate.
    @Test func aServerWithTheCertificateOfAnotherNodeGetsNoRequest() async throws {
        let server = nest.credentials("n2")
        let meant = try await refusal(server, client(nodeId: "n1"), over: World.tls(nest.credentials()))
        #expect(meant == "n1:1: the certificate is that of node n2, not of node n1")
        let any = try await refusal(server, client(), over: World.tls(nest.credentials()))
        #expect(any == "n1:1: the certificate is that of node n2, but the server says it is n1")
    }

    @Test func aCertificateSpeaksForItsFirstNameAlone() async throws {
        let server = nest.credentials("db.example", "n1")
        let message = try await refusal(server, client(), over: World.tls(nest.credentials()))
        #expect(message == "n1:1: the certificate is that of node db.example, but the server says it is n1")
        try await Stage.play(over: World.tls(nest.credentials("n1", "localhost")), methods: Self.methods) { stage in
            try await expectEcho(stage.channel(client(nodeId: "n1"), over: World.tls(nest.credentials())), [1])
        }
    }

    // MARK: The peer's certificate (rule G2)

    @Test func aPeerNeedsTheCertificateOfItsNode() async throws {
        let without = try await refusal(peer("n2"), over: World.tls(nest.credentials()))
        #expect(without == "n1:1 closed the connection: \"n2\" showed no certificate, as peers must here")
        let others = try await refusal(peer("n2"), over: World.tls(nest.credentials("n3")))
        #expect(others == "n1:1 closed the connection: \"n2\" showed the certificate of \"n3\"")
        let second = try await refusal(peer("n2"), over: World.tls(nest.credentials("n3", "n2")))
        #expect(second == others)
    }

    @Test func aPeerWithAnUnacceptableCertificateHearsWhy() async throws {
        let others = TestAuthority.roost.credentials("n2", trusting: nest)
        let foreign = try await refusal(peer("n2"), over: World.tls(others))
        #expect(foreign == "the connection to n1:1 was lost: it refused this side's certificate: not of its CA")
        let old = nest.credentials("n2", days: -2..<(-1))
        let expired = try await refusal(peer("n2"), over: World.tls(old))
        #expect(expired == "the connection to n1:1 was lost: it refused this side's certificate: expired")
    }

    /// The certificate says who it is, the secret that it is of this cluster: neither will do alone.
    @Test func aCertificateDoesNotReplaceTheSecret() async throws {
        let thief = ChannelConfiguration(clusterId: "nest", role: .peer(nodeId: "n2", secret: [1]))
        let message = try await refusal(thief, over: World.tls(nest.credentials("n2")))
        #expect(message == "n1:1: node n1 did not prove that it knows the cluster's secret")
    }

    @Test func withoutClientCertificatesTheSecretIsEnough() async throws {
        let server = nest.credentials("n1", clientCertificates: .none)
        try await Stage.play(over: World.tls(server), methods: Self.methods) { stage in
            let channel = stage.channel(peer("n2"), over: World.tls(nest.credentials()))
            let name = try await channel.unary("test/Inside", []).message
            #expect(name == Array("n2".utf8))
        }
    }

    // MARK: One side speaks TLS

    @Test func aPlaintextClientIsToldThatTheServerSpeaksTLS() async throws {
        let message = try await refusal(client(), over: World.tcp.transport())
        #expect(message == "the connection to n1:1 was lost: it speaks TLS, and this side does not")
    }

    @Test func aTLSClientIsToldThatTheServerDoesNot() async throws {
        try await Stage.play(.tcp, methods: Self.methods) { stage in
            let channel = stage.channel(client(), over: World.tls(nest.credentials()))
            let error = await failure { _ = try await channel.unary("test/Echo", []) }
            #expect(error?.message == "the connection to 127.0.0.1:\(stage.port) was lost: it does not speak TLS")
            #expect(error?.code == .unavailable && error?.ran == .no)
        }
    }

    @Test func aServerLogsWhatItRefused() async throws {
        let heard = try await HeardLog.refusal(over: World.tls(nest.credentials("n1"))) { port in
            try await RawConnection.open(port: port).say(RawConnection.greeting())
        }
        #expect(heard == "it does not speak TLS")
        let bare = try await HeardLog.refusal(over: World.tcp.transport()) { port in
            let hello = ByteBuffer(bytes: [22, 3, 1, 0, 4, 1, 0, 0, 0])
            try await RawConnection.open(port: port).say(hello)
        }
        #expect(bare == "this is TLS, which is not spoken here")
    }

    @Test func anotherProtocolInsideTLSIsRefused() async throws {
        let heard = try await HeardLog.refusal(over: World.tls(nest.credentials("n1"))) { port in
            try await RawConnection.openTLS(port: port, protocols: ["h2"])
        }
        #expect(heard == "it speaks TLS, but not rookery/1")
    }

    @Test func anOlderTLSIsRefused() async throws {
        let heard = try await HeardLog.refusal(over: World.tls(nest.credentials("n1"))) { port in
            try await RawConnection.openTLS(port: port, version: .tlsv12)
        }
        #expect(heard == "it does not speak TLS 1.3")
    }

    // MARK: Bounds before the handshake is done

    /// A connection counts from the moment it is accepted, and TLS has no more time than the handshake that it is in.
    @Test func whoDoesNotFinishTheTLSHandshakeIsClosedInTime() async throws {
        var configuration = Stage.configuration()
        configuration.handshakeTimeout = .milliseconds(50)
        configuration.maxConnections = 1
        try await Stage.play(
            over: World.tls(nest.credentials("n1")), configuration, methods: Self.methods
        ) { stage in
            let silent = try await RawConnection.open(port: stage.port)
            let heard = try await silent.framesUntilClosed()
            #expect(heard.isEmpty)
            // The place is free again.
            try await expectEcho(stage.channel(client(), over: World.tls(nest.credentials())), [1])
        }
    }

    @Test func aConnectionTooManyIsToldSoOverTLS() async throws {
        var configuration = Stage.configuration()
        configuration.maxConnections = 1
        try await Stage.play(
            over: World.tls(nest.credentials("n1")), configuration, methods: Self.methods
        ) { stage in
            let first = stage.channel(client(), over: World.tls(nest.credentials()))
            try await expectEcho(first, [1])
            let second = stage.channel(client(), over: World.tls(nest.credentials()))
            let error = await failure { _ = try await second.unary("test/Echo", []) }
            #expect(error?.message.hasSuffix("more than 1 connections") == true)
        }
    }
}

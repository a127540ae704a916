import NIOCore
import Testing

@testable import RPC

/// The connecting side's decisions, played without a socket, a clock or a task: what it believes of a server.
@Suite struct ClientConnectionTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
    private static let nonce = [UInt8](repeating: 7, count: 16)

    /// A connection, and what was asked of its driver so far.
    private struct Scene {
        var connection: ClientConnection
        var actions = Actions<ClientConnection.Command>()

        mutating func hear(_ kind: FrameKind, flags: FrameFlags = [], stream: UInt32 = 0, payload: [UInt8]) {
            var bytes = ByteBuffer()
            FrameEncoder.write(kind, flags: flags, stream: stream, payload: payload, into: &bytes)
            connection.received(bytes, now: .uptimeNanoseconds(1_000_000_000), into: &actions)
        }

        /// Kinds of the frames written since the last call; the preface is not one.
        mutating func said() throws -> [FrameKind] {
            var decoder = FrameDecoder(maxPayloadBytes: 1 << 26)
            decoder.append(actions.output)
            actions.output = ByteBuffer()
            var kinds: [FrameKind] = []
            while let frame = try decoder.next() { kinds.append(frame.kind) }
            return kinds
        }

        /// How each call ended, by stream, since the last look.
        mutating func ends() -> [UInt32: RPCError?] {
            defer { actions.commands = [] }
            var ends: [UInt32: RPCError?] = [:]
            for command in actions.commands {
                switch command {
                case .completed(let stream, let result): ends[stream] = .some(result.failure)
                case .returned(let stream, let error): ends[stream] = .some(error)
                default: break
                }
            }
            return ends
        }
    }

    /// A connection that has said hello.
    private func connect(
        _ identity: ClientHandshake.Identity = .client, nodeId: String? = nil, limits: Limits = .client
    ) -> Scene {
        let configuration = ClientConnection.Configuration(
            target: "n1:1", nodeId: nodeId, clusterId: "nest", identity: identity, limits: limits, features: .lz4,
            connectTimeout: .seconds(1), compressFrom: nil,
            keepalive: KeepaliveConfiguration(interval: nil), idleTimeout: nil, maxWaitingCalls: 1000)
        var scene = Scene(connection: ClientConnection(configuration: configuration, nonce: Self.nonce, now: start))
        scene.connection.connected(into: &scene.actions)
        scene.actions.output = ByteBuffer()
        return scene
    }

    private func welcome(_ change: (inout Welcome) -> Void = { _ in }) -> [UInt8] {
        var welcome = Welcome(
            clusterId: "nest", nodeId: "n1", nonce: [UInt8](repeating: 1, count: 16), proof: [], limits: .client,
            features: .lz4, methods: [MethodEntry(number: 1, name: "test/Echo", kind: .unary)])
        change(&welcome)
        return welcome.packed()
    }

    private func call(_ scene: inout Scene) -> UInt32 {
        let request = ClientConnection.Request(
            method: "test/Echo", kind: .unary, options: CallOptions(), message: [], deadline: nil)
        return scene.connection.call(request, now: start, into: &scene.actions)
    }

    @Test func aServerOfAnotherClusterOrVersionGetsNoRequest() throws {
        for change: (inout Welcome) -> Void in [{ $0.clusterId = "roost" }, { $0.protocolVersion = 2 }] {
            var scene = connect()
            let stream = call(&scene)
            scene.hear(.welcome, payload: welcome(change))
            #expect(try scene.said() == [.close])
            let end = scene.ends()[stream] ?? nil
            #expect(end?.code == .failedPrecondition && end?.ran == .no && end?.retryable == false)
        }
    }

    /// The state machine is told the certificate's name, and knows nothing else of TLS.
    @Test func aServerWithAnothersCertificateGetsNoRequest() throws {
        let cases: [(meant: String?, shown: String?, said: FrameKind)] = [
            (nil, nil, .request), (nil, "n1", .request), ("n1", "n1", .request), ("n1", nil, .request),
            (nil, "n2", .close), ("n2", "n1", .close), ("n1", "n2", .close),
        ]
        for (meant, shown, said) in cases {
            var scene = connect(nodeId: meant)
            scene.connection.peerName = shown
            let stream = call(&scene)
            scene.hear(.welcome, payload: welcome())
            #expect(try scene.said() == [said])
            let end = scene.ends()[stream] ?? nil
            #expect(end?.code == (said == .close ? .unauthenticated : nil))
        }
    }

    /// What a peer proves its role with could be used against another node.
    @Test func anImpostorLearnsNothing() throws {
        let secret: [UInt8] = [1, 2, 3]
        func proof(_ secret: [UInt8]) -> [UInt8] {
            ClusterProof.make(
                .server, secret: secret, clientNonce: Self.nonce, serverNonce: [UInt8](repeating: 1, count: 16),
                nodeId: "n1")
        }
        for (mac, said) in [(proof(secret), FrameKind.proof), (proof([9]), .close), ([], .close)] {
            var scene = connect(.peer(nodeId: "n2", secret: secret))
            scene.hear(.welcome, payload: welcome { $0.proof = mac })
            #expect(try scene.said() == [said])
        }
    }

    @Test func afterGoAwayOnlyWhatWasTakenIsWaitedFor() throws {
        var scene = connect()
        scene.hear(.welcome, payload: welcome())
        let (taken, late) = (call(&scene), call(&scene))
        _ = scene.ends()
        scene.hear(.goAway, payload: GoAway(lastStream: taken, reason: "bye").packed())
        let ends = scene.ends()
        #expect(ends.keys.sorted() == [late])
        #expect(ends[late]??.ran == .no && ends[late]??.retryable == true)
        #expect(!scene.connection.takesCalls)
        #expect(scene.connection.phase == .goingAway)
    }

    @Test func aServerThatSaysWhatNobodyAskedForIsLeft() throws {
        let tooMuch = [UInt8](repeating: 0, count: 100)
        let attacks: [(FrameKind, [UInt8])] = [
            (.message, [1]), (.message, tooMuch), (.ping, [1]), (.hello, []), (.request, []), (.response, [0]),
        ]
        for (kind, payload) in attacks {
            var scene = connect(limits: Limits(maxFrameBytes: 1000, maxMessageBytes: 50))
            scene.hear(.welcome, payload: welcome())
            let stream = call(&scene)
            _ = (try scene.said(), scene.ends())
            scene.hear(kind, stream: stream, payload: payload)
            #expect(try scene.said() == [.close], "\(kind)")
            let end = scene.ends()[stream] ?? nil
            #expect(end?.code == .unavailable && end?.ran == .unknown && end?.retryable == false, "\(kind)")
        }
    }

    /// One message may go beyond a credit, none after it.
    @Test(arguments: [(stream: 30, connection: 100), (stream: 100, connection: 30)])
    func messagesBeyondEitherCreditEndTheConnection(credit: (stream: Int, connection: Int)) throws {
        let limits = Limits(streamCreditBytes: credit.stream, connectionCreditBytes: credit.connection)
        var scene = connect(limits: limits)
        scene.hear(.welcome, payload: welcome { $0.methods[0].kind = .serverStreaming })
        let request = ClientConnection.Request(
            method: "test/Echo", kind: .serverStreaming, options: CallOptions(), message: [], deadline: nil)
        let stream = scene.connection.call(request, now: start, into: &scene.actions)
        _ = try scene.said()
        for _ in 0..<2 { scene.hear(.message, stream: stream, payload: [UInt8](repeating: 1, count: 9)) }
        #expect(try scene.said().isEmpty)
        scene.hear(.message, stream: stream, payload: [1])
        #expect(try scene.said() == [.close])
    }
}

extension Result {
    fileprivate var failure: Failure? {
        if case .failure(let error) = self { return error }
        return nil
    }
}

import NIOEmbedded
import Testing

@testable import RPC

/// `rookery.Connections`, in every world.
@Suite(.timeLimit(.minutes(1))) struct ConnectionsContractTests {
    private static let peer = ChannelConfiguration(clusterId: "nest", role: .peer(nodeId: "n2", secret: Stage.secret))

    /// A method that fails, and one that takes messages and reads none of them until it may.
    private static func methods(entered: Gate, leave: Gate) -> MethodTable {
        .make { methods in
            methods.unary("test/Fail") { _ in throw RPCError(.aborted, "no") }
            methods.holding("test/Hold", entered: entered, leave: leave)
            methods.bidirectional("test/Deaf") { _, _, responses in
                try await responses.write([1, 2, 3])
                entered.open()
                try await leave.wait()
                return Metadata()
            }
            methods.inPlace("test/InPlace") { call, answer throws(RPCError) in
                if call.message.isEmpty { throw RPCError(.invalidArgument, "say something") }
                answer.writeBytes(call.message)
            }
        }
    }

    @Test(arguments: World.allCases)
    func aConnectionTellsWhoItIsAndWhatWentOverIt(world: World) async throws {
        let (entered, leave) = (Gate(), Gate())
        try await Stage.play(world, methods: Self.methods(entered: entered, leave: leave)) { stage in
            let (client, peer) = (stage.channel(), stage.channel(Self.peer))
            for size in [10, 20] { try await expectEcho(peer, [UInt8](repeating: 7, count: size)) }
            _ = await failure { _ = try await peer.unary("test/Fail", []) }
            async let held = peer.unary("test/Hold", [])
            try await entered.wait()

            let page = try await client.connections()
            try #require(page.connections.map(\.id) == [1, 2] && !page.more)
            let (seen, own) = (page.connections[0], page.connections[1])
            #expect(seen.role == .peer && seen.nodeId == "n2" && own.role == .client && own.nodeId == "")
            #expect(page.connections.allSatisfy { $0.tls == (world == .tls) })
            #expect(page.connections.allSatisfy { !$0.address.isEmpty && $0.address != "unknown" })
            // The three that are over, and the one that is held.
            #expect(seen.traffic.calls == 4 && seen.traffic.succeeded == 2 && seen.traffic.failed == 1)
            #expect(seen.openStreams == 1 && seen.idleMs == 0)
            #expect(own.openStreams == 1 && own.traffic.calls == 1, "the question itself")
            #expect(seen.traffic.bytesIn > 30 && seen.traffic.bytesOut > 30)
            #expect(seen.creditIn == Int64(Limits.peer.connectionCreditBytes))
            leave.open()
            _ = try await held
            try await eventually("the held call has succeeded") {
                let now = try #require(try await client.connections().connections.first)
                return now.openStreams == 0 && now.traffic.succeeded == 3
            }
        }
    }

    @Test(arguments: World.allCases)
    func openCallsTellTheirStateAndTheirCredit(world: World) async throws {
        let (entered, leave) = (Gate(), Gate())
        try await Stage.play(world, methods: Self.methods(entered: entered, leave: leave)) { stage in
            let caller = stage.channel()
            let chat = caller.bidirectional("test/Deaf")
            try await chat.send([UInt8](repeating: 1, count: 100))
            try await entered.wait()
            let window = Int64(Limits.client.streamCreditBytes)
            try await eventually("the message has arrived") {
                try await stage.channel().streams(of: 1).streams.first?.creditIn == window - 120
            }
            let streams = try await stage.channel().streams(of: 1)
            #expect(streams.connection.id == 1 && streams.connection.traffic.messagesIn == 1)
            #expect(streams.connection.traffic.messagesOut == 1)
            let stream = try #require(streams.streams.first)
            #expect(streams.streams.count == 1 && stream.method == "test/Deaf" && stream.state == .open)
            #expect(stream.creditOut == window - 23 && stream.messagesWaiting == 0)
            chat.finish()
            try await eventually("the caller has said all") {
                try await stage.channel().streams(of: 1).streams.first?.state == .halfClosed
            }
            leave.open()
            _ = try await chat.reply()
        }
    }

    /// Every call that was begun succeeds or fails in the end, whatever became of it.
    @Test(arguments: World.allCases)
    func callsAddUpAlsoWhenTheirConnectionIsGone(world: World) async throws {
        let entered = Gate()
        try await Stage.play(world, methods: Self.methods(entered: entered, leave: Gate())) { stage in
            let caller = stage.channel()
            try await expectEcho(caller, [1])
            _ = try await caller.unary("test/InPlace", [1])
            _ = await failure { _ = try await caller.unary("test/InPlace", []) }
            _ = await failure { _ = try await caller.unary("test/Fail", []) }
            let overdue = CallOptions(timeout: .milliseconds(50))
            _ = await failure { _ = try await caller.unary("test/Hold", [], options: overdue) }
            let cancelled = caller.bidirectional("test/Deaf")
            _ = try await cancelled.next()
            cancelled.cancel()
            let lost = caller.bidirectional("test/Deaf")
            _ = try await lost.next()
            let watcher = stage.channel()
            #expect(try await watcher.totals().connections == 2)
            await caller.close()
            try await eventually("the connection is gone") { try await watcher.totals().connections == 1 }
            let totals = try await watcher.totals()
            let asked = try #require(try await watcher.connections().connections.first).traffic
            #expect(totals.accepted == 2 && totals.refused == 0 && totals.openStreams == 1)
            let traffic = totals.traffic
            #expect(traffic.failed == 5, "in place, aborted, overdue, cancelled, lost")
            // Two succeeded over the one that is gone; the other one has asked once more since, and asks now.
            #expect(traffic.succeeded == 2 + asked.succeeded - 1)
            #expect(traffic.calls == traffic.succeeded + traffic.failed + 1, "the question itself is open")
            #expect(traffic.bytesIn > 0 && traffic.messagesOut == 2)
        }
    }

    @Test(arguments: World.allCases)
    func pagesAreBoundedAndGoOn(world: World) async throws {
        try await Stage.play(world, methods: .make()) { stage in
            let channels = (0..<5).map { _ in stage.channel() }
            for channel in channels { try await expectEcho(channel, [1]) }
            var (seen, after): ([UInt64], UInt64) = ([], 0)
            for expected in [2, 2, 1] {
                let page = try await channels[0].connections(after: after, limit: 2)
                #expect(page.connections.count == expected && page.more == (expected == 2))
                seen += page.connections.map(\.id)
                after = seen.last ?? 0
            }
            #expect(seen == [1, 2, 3, 4, 5])
            #expect(try await channels[0].connections(after: after).connections.isEmpty)
            let error = await failure { _ = try await channels[0].streams(of: 99) }
            #expect(error?.code == .notFound && error?.message == "there is no connection 99")
        }
    }

    @Test(arguments: World.allCases)
    func streamsComeInPages(world: World) async throws {
        let (entered, leave) = (Gate(), Gate())
        try await Stage.play(world, methods: Self.methods(entered: entered, leave: leave)) { stage in
            let caller = stage.channel()
            let held = (0..<5).map { _ in caller.bidirectional("test/Deaf") }
            for call in held { _ = try await call.next() }
            let watcher = stage.channel()
            let first = try await watcher.streams(of: 1, limit: 3)
            #expect(first.streams.map(\.id) == [1, 3, 5] && first.more)
            let second = try await watcher.streams(of: 1, after: 5, limit: 3)
            #expect(second.streams.map(\.id) == [7, 9] && !second.more)
            leave.open()
            for call in held { _ = try await call.reply() }
        }
    }

    @Test(arguments: World.allCases)
    func theTimeOfAPingIsKnownOnceOneWasAnswered(world: World) async throws {
        var configuration = Stage.configuration()
        configuration.keepalive = KeepaliveConfiguration(interval: .milliseconds(5), withoutCalls: true)
        try await Stage.play(world, configuration, methods: .make()) { stage in
            let (quiet, watcher) = (stage.channel(), stage.channel())
            try await expectEcho(quiet, [1])
            try await eventually("a PING came back") {
                guard let trip = try await watcher.connections().connections.first?.roundTrip else { return false }
                return trip.us > 0 && trip.us < 20_000_000
            }
        }
    }

    @Test func whoMayLook() throws {
        let inspector = ConnectionInspector(
            registry: ConnectionRegistry(limit: 1), meter: LoadMeter(capacity: 1), loop: EmbeddedEventLoop())
        try inspector.admit(Peer(role: .peer, isLocal: false))
        try inspector.admit(Peer(role: .client, isLocal: true))
        let error = #expect(throws: RPCError.self) {
            try inspector.admit(Peer(role: .client, remoteAddress: "10.0.0.9:1"))
        }
        #expect(error?.code == .permissionDenied && error?.ran == .no)
    }
}

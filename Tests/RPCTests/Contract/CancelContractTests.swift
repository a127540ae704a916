import Synchronization
import Testing

@testable import RPC

/// Calls whose answer is not wanted any more; the same in every world.
@Suite(.timeLimit(.minutes(1))) struct CancelContractTests {
    @Test(arguments: World.allCases)
    func timeout_on_sleeping_server(world: World) async throws {
        let stopped = Gate()
        let methods = MethodTable.make { $0.sleeping("test/Sleep", entered: Gate(), stopped: stopped) }
        try await Stage.play(world, methods: methods) { stage in
            let channel = stage.channel()
            // On a busy machine the time may be over before the request has left; then the handler never ran.
            var ran = Ran.no
            while ran == .no {
                let error = await failure {
                    let options = CallOptions(timeout: .milliseconds(30))
                    _ = try await channel.unary("test/Sleep", [], options: options)
                }
                try #require(error?.code == .deadlineExceeded)
                ran = error?.ran ?? .yes
            }
            #expect(ran == .unknown)
            try await stopped.wait()
        }
    }

    @Test(arguments: World.allCases)
    func cancel_after_begin(world: World) async throws {
        let (entered, stopped) = (Gate(), Gate())
        let methods = MethodTable.make { $0.sleeping("test/Sleep", entered: entered, stopped: stopped) }
        try await Stage.play(world, methods: methods) { stage in
            let channel = stage.channel()
            let task = Task { try await channel.unary("test/Sleep", []) }
            try await entered.wait()
            task.cancel()
            let error = await failure { _ = try await task.value }
            #expect(error?.code == .cancelled)
            #expect(error?.ran == .unknown)
            try await stopped.wait()
        }
    }

    /// It must not leave: what never left never ran.
    @Test(arguments: World.allCases)
    func cancel_before_start(world: World) async throws {
        // This server greets nobody, so every call waits for the handshake.
        try await ScriptedServer.play(world, greets: false, script: { _, _, _ in }) { server in
            let channel = server.channel(ChannelConfiguration(clusterId: "nest", connectTimeout: .seconds(60)))
            let never = await Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return await failure { _ = try await channel.unary("test/Echo", []) }
            }.value
            let chat = channel.bidirectional("test/Chat")
            let waiting = Task { try await channel.unary("test/Echo", []) }
            try await eventually("the calls wait for WELCOME") { channel.inFlight == 1 && !server.ends.isEmpty }
            _ = await server.ends[0].frames { !$0.isEmpty }
            chat.cancel()
            waiting.cancel()
            let errors = [
                never, await failure { _ = try await waiting.value }, await failure { _ = try await chat.next() },
            ]
            for error in errors { #expect(error?.code == .cancelled && error?.ran == .no) }
            await channel.close()
            #expect(await server.ends[0].framesUntilClosed().map(\.kind) == [.hello])
        }
    }

    @Test(arguments: World.allCases)
    func cancel_after_first_response(world: World) async throws {
        let ended = Mutex<RPCError?>(nil)
        let stopped = Gate()
        let methods = MethodTable.make {
            $0.bidirectional("test/Chat") { _, requests, responses in
                defer { stopped.open() }
                do {
                    for try await message in requests { try await responses.write(message) }
                } catch let error as RPCError {
                    ended.withLock { $0 = error }
                    throw error
                }
                return Metadata()
            }
        }
        try await Stage.play(world, methods: methods) { stage in
            let channel = stage.channel()
            let call = channel.bidirectional("test/Chat")
            try await call.send([1])
            #expect(try await call.next() == [1])
            call.cancel()
            let error = await failure { while try await call.next() != nil {} }
            #expect(error?.code == .cancelled && error?.ran == .unknown)
            try await stopped.wait()
            #expect(ended.withLock { $0 }?.code == .cancelled)
            try await expectEcho(channel, [1])
        }
    }

    /// Nearly as many as a server runs at once on a connection, and as it lets a client cancel in a second.
    @Test(arguments: World.allCases)
    func thousands_of_simultaneous_deadlines(world: World) async throws {
        let methods = MethodTable.make { $0.sleeping("test/Sleep", entered: Gate(), stopped: Gate()) }
        try await Stage.play(world, methods: methods) { stage in
            let (channel, tap) = stage.tapped()
            try await expectEcho(channel, [1])
            let errors = await withTaskGroup(of: RPCError?.self) { group in
                for _ in 0..<4000 {
                    group.addTask {
                        await failure {
                            let options = CallOptions(timeout: .milliseconds(500))
                            _ = try await channel.unary("test/Sleep", [], options: options)
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(errors.allSatisfy { $0?.code == .deadlineExceeded })
            try await eventually("all handlers end") { stage.server.load.inFlight == 0 }
            try await expectEcho(channel, [2])
            #expect(tap.tries.count == 1)
        }
    }
}

import Testing

@testable import RPC

/// What comes with an answer, or instead of one: metadata, status, load; the same in every world.
@Suite(.timeLimit(.minutes(1))) struct StatusContractTests {
    // MARK: Metadata

    /// Ahead of the answer and with its status, text and bytes, for one message and for many.
    @Test(arguments: World.allCases)
    func custom_metadata(world: World) async throws {
        var options = CallOptions()
        options.metadata[text: "contract-echo-initial"] = "test_initial_metadata_value"
        options.metadata["contract-echo-trailing-bin"] = [0x0A, 0x0B, 0, 0xFF]
        let sent = options.metadata
        try await Stage.play(world, methods: ContractService.methods()) { stage in
            let channel = stage.channel()
            let reply = try await channel.unary(ContractService.unary, Order(bytes: 1).message(), options: options)
            #expect(reply.initialMetadata == sent)
            for entry in sent.entries { #expect(reply.metadata[entry.key] == entry.value) }
            let chat = channel.bidirectional(ContractService.chat, options: options)
            // Before anything was said.
            #expect(try await chat.initialMetadata() == sent)
            chat.finish()
            #expect(try await chat.reply().metadata == sent)
        }
    }

    @Test(arguments: World.allCases)
    func metadataOfAFailureArrives(world: World) async throws {
        let methods = MethodTable.make {
            $0.unary("test/Fail") { throw RPCError(.aborted, "no", metadata: $0.metadata) }
        }
        try await Stage.play(world, methods: methods) { stage in
            var options = CallOptions()
            options.metadata["why-bin"] = [0, 1, 254]
            let error = await failure { _ = try await stage.channel().unary("test/Fail", [], options: options) }
            #expect(error?.metadata == options.metadata)
        }
    }

    // MARK: Failures

    @Test(arguments: World.allCases)
    func status_code_and_message(world: World) async throws {
        let thrown = RPCError(
            .notFound, "no user \"bob\"", ran: .no, retryable: true, retryAfterMs: 250, details: [1, 2, 3])
        let methods = MethodTable.make { $0.unary("test/Fail") { _ in throw thrown } }
        try await Stage.play(world, methods: methods) { stage in
            var error = try #require(
                await failure { _ = try await stage.channel().unary("test/Fail", []) })
            #expect(error.load != nil)
            error.load = nil
            #expect(error == thrown)
        }
    }

    /// Every code but success, from a call of one message and from one of many.
    @Test(arguments: World.allCases)
    func every_status_code_and_message(world: World) async throws {
        try await Stage.play(world, methods: ContractService.methods()) { stage in
            for code in StatusCode.allCases where code != .ok {
                try await Self.expect(code, "test status message", from: stage.channel())
            }
        }
    }

    @Test(arguments: World.allCases)
    func special_status_message(world: World) async throws {
        let text = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
        try await Stage.play(world, methods: ContractService.methods()) { stage in
            try await Self.expect(.unknown, text, from: stage.channel())
        }
    }

    private static func expect(_ code: StatusCode, _ text: String, from channel: RPC.Channel) async throws {
        let message = [code.rawValue] + Array(text.utf8)
        let unary = await failure { _ = try await channel.unary(ContractService.fail, message) }
        let chat = channel.bidirectional(ContractService.failChat)
        try await chat.send(message)
        let streamed = await failure { _ = try await chat.next() }
        for error in [unary, streamed] {
            #expect(error?.code == code && error?.message == text && error?.ran == .yes, "\(code)")
        }
    }

    @Test(arguments: World.allCases)
    func anUnexpectedErrorTellsNothingOfTheInside(world: World) async throws {
        struct Secret: Error {}
        let methods = MethodTable.make { $0.unary("test/Fail") { _ in throw Secret() } }
        try await Stage.play(world, methods: methods) { stage in
            let error = await failure { _ = try await stage.channel().unary("test/Fail", []) }
            #expect(error?.code == .internalError)
            #expect(error?.message.contains("Secret") == false)
            #expect(error?.ran == .unknown)
        }
    }

    @Test(arguments: World.allCases)
    func errorsThatCannotBeSentAsTheyAreStayErrors(world: World) async throws {
        let methods = MethodTable.make {
            $0.unary("test/Fine") { _ in throw RPCError(.ok, "fine") }
            $0.unary("test/Long") { _ in
                throw RPCError(.notFound, "no", ran: .no, details: [UInt8](repeating: 1, count: 49_153))
            }
        }
        try await Stage.play(world, methods: methods) { stage in
            let channel = stage.channel()
            let fine = await failure { _ = try await channel.unary("test/Fine", []) }
            #expect(fine?.code == .unknown && fine?.message == "fine")
            let long = await failure { _ = try await channel.unary("test/Long", []) }
            #expect(long?.code == .internalError && long?.ran == .no && long?.details == [])
        }
    }

    @Test(arguments: World.allCases)
    func unimplemented_method(world: World) async throws {
        try await expectUnimplemented("contract.Test/Nothing", world)
    }

    @Test(arguments: World.allCases)
    func unimplemented_service(world: World) async throws {
        try await expectUnimplemented("contract.Nobody/Unary", world)
    }

    private func expectUnimplemented(_ method: String, _ world: World) async throws {
        try await Stage.play(world, methods: ContractService.methods()) { stage in
            let channel = stage.channel()
            let errors = [
                await failure { _ = try await channel.unary(method, []) },
                await failure { _ = try await channel.bidirectional(method).next() },
                await failure { _ = try await channel.clientStreaming(method).reply() },
                await failure { _ = try await channel.serverStreaming(method, []).next() },
            ]
            for error in errors { #expect(error?.code == .unimplemented && error?.ran == .no) }
            try await expectEcho(channel, [1])
        }
    }

    /// The wire's own unknown method: a number that is not in WELCOME's table, which no channel would send.
    @Test(arguments: World.allCases)
    func aMethodNumberThatIsNobodysIsUnimplemented(world: World) async throws {
        try await Stage.play(world, methods: .make()) { stage in
            let raw = try await RawEnd.connect(to: stage)
            raw.say(RawConnection.greeting())
            raw.say(RawFrames.request([], method: 999))
            let answer = try #require(await raw.frames { $0.last?.kind == .response }.last)
            var payload = answer.payload
            let error = try ResponseTrailer(from: &payload).error
            #expect(error?.code == .unimplemented && error?.ran == .no)
        }
    }

    @Test(arguments: World.allCases)
    func aMessageAboveTheServersLimitDoesNotLeave(world: World) async throws {
        var configuration = Stage.configuration()
        configuration.clientLimits.maxMessageBytes = 100
        try await Stage.play(world, configuration, methods: .make()) { stage in
            let channel = stage.channel()
            let error = await failure {
                _ = try await channel.unary("test/Echo", [UInt8](repeating: 0, count: 101))
            }
            #expect(error?.code == .resourceExhausted)
            #expect(error?.ran == .no)
            try await expectEcho(channel, [1])
        }
    }

    @Test(arguments: World.allCases)
    func aFullServerRefusesAndSaysSo(world: World) async throws {
        var configuration = Stage.configuration()
        configuration.maxInFlight = 1
        let (entered, leave) = (Gate(), Gate())
        let methods = MethodTable.make { $0.holding("test/Hold", entered: entered, leave: leave) }
        try await Stage.play(world, configuration, methods: methods) { stage in
            let channel = stage.channel()
            async let held = channel.unary("test/Hold", [])
            try await entered.wait()
            let error = await failure { _ = try await channel.unary("test/Echo", []) }
            #expect(error?.code == .resourceExhausted)
            #expect(error?.ran == .no)
            #expect(error?.retryable == true)
            leave.open()
            _ = try await held
            try await expectEcho(channel, [1])
        }
    }

    // MARK: Load and health

    @Test(arguments: World.allCases)
    func load_report_per_rpc(world: World) async throws {
        var configuration = Stage.configuration()
        configuration.maxInFlight = 10
        let (entered, leave) = (Gate(), Gate())
        let methods = MethodTable.make { $0.holding("test/Hold", entered: entered, leave: leave) }
        try await Stage.play(world, configuration, methods: methods) { stage in
            let channel = stage.channel()
            async let held = channel.unary("test/Hold", [])
            try await entered.wait()
            let load = try await channel.unary("test/Echo", []).load
            #expect(load.inFlight == 1)
            #expect(load.utilisationPermille == 100)
            #expect(!load.draining)
            stage.server.drain()
            let health = try await channel.unary(Health.check.name, [])
            #expect(health.load.draining)
            #expect(health.load.medianLatencyUs > 0)
            leave.open()
            let last = try await held
            #expect(last.load.inFlight == 0)
        }
    }
}

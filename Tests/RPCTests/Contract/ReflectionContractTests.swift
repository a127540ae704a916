import Testing

@testable import RPC

/// `rookery.Reflection`, in every world. The messages that it tells of here are those of the services themselves.
@Suite(.timeLimit(.minutes(1))) struct ReflectionContractTests {
    private static let methods = MethodTable.make { methods in
        methods.serverStreaming("nest.Eggs/Watch", role: .peer, messages: Connections.streams.messages) { _, _ in
            Metadata()
        }
        methods.inPlace("nest.Eggs/Count") { _, _ in }
    }

    @Test(arguments: World.allCases)
    func servicesAndMethodsAreListed(world: World) async throws {
        try await Stage.play(world, methods: Self.methods) { stage in
            let services = try await stage.channel().services()
            #expect(
                services.map(\.name)
                    == ["nest.Eggs", "rookery.Connections", "rookery.Health", "rookery.Reflection", "test"])
            let own = ["Connections/List", "Connections/Streams", "Connections/Totals", "Health/Check", "Health/Watch"]
            let names = services.flatMap(\.methods).map(\.name)
            #expect(own.allSatisfy { names.contains("rookery." + $0) }, "\(names)")
            let eggs = try await stage.channel().services(named: "nest.Eggs")
            #expect(eggs.map(\.name) == ["nest.Eggs"])
            #expect(
                eggs.first?.methods == [
                    MethodShape(
                        name: "nest.Eggs/Watch", kind: .serverStreaming, peersOnly: true,
                        request: "rookery.rpc.StreamsRequest", reply: "rookery.rpc.StreamsReply"),
                    MethodShape(name: "nest.Eggs/Count", kind: .unary, peersOnly: false, request: "", reply: ""),
                ])
        }
    }

    /// All kinds of fields that these messages have, and all that the message holds, once each.
    @Test(arguments: World.allCases)
    func aMessageComesWithAllThatItHolds(world: World) async throws {
        try await Stage.play(world, methods: Self.methods) { stage in
            let family = try await stage.channel().message(named: "rookery.rpc.StreamsReply")
            let names = ["StreamsReply", "ConnectionReport", "StreamReport", "TrafficReport", "RoundTrip"]
            #expect(family.messages.map(\.name) == names.map { "rookery.rpc." + $0 })
            #expect(
                family.messages.first?.fields == [
                    FieldShape(
                        name: "connection", number: 1, label: .optional, type: .message,
                        typeName: "rookery.rpc.ConnectionReport"),
                    FieldShape(
                        name: "streams", number: 2, label: .repeated, type: .message,
                        typeName: "rookery.rpc.StreamReport"),
                    FieldShape(name: "more", number: 3, label: .optional, type: .bool, typeName: ""),
                ])
            let stream = try #require(family.messages.first { $0.name == "rookery.rpc.StreamReport" }).fields
            #expect(stream.map(\.type) == [.uint32, .bytes, .uint64, .enumeration, .sint64, .sint64, .uint32])
            #expect(stream.map(\.typeName) == ["", "", "", "rookery.rpc.StreamState", "", "", ""])
            #expect(Set(family.enums.map(\.name)) == ["rookery.rpc.Role", "rookery.rpc.StreamState"])
            let role = family.enums.first { $0.name == "rookery.rpc.Role" }
            #expect(role?.values.map(\.name) == ["ROLE_UNSPECIFIED", "ROLE_CLIENT", "ROLE_PEER"])
            #expect(role?.values.map(\.number) == [0, 1, 2])
        }
    }

    /// What is held by a message of a method may be asked for by itself.
    @Test(arguments: World.allCases)
    func whatIsHeldHasAShapeOfItsOwn(world: World) async throws {
        try await Stage.play(world, methods: Self.methods) { stage in
            let family = try await stage.channel().message(named: "rookery.rpc.RoundTrip")
            #expect(family.messages.map(\.name) == ["rookery.rpc.RoundTrip"] && family.enums.isEmpty)
            #expect(family.messages.first?.fields.map(\.name) == ["us", "age_ms"])
        }
    }

    @Test(arguments: World.allCases)
    func unknownNamesAreNotFound(world: World) async throws {
        try await Stage.play(world, methods: Self.methods) { stage in
            let channel = stage.channel()
            let service = await failure { _ = try await channel.services(named: "nest.Cuckoo") }
            #expect(service?.code == .notFound && service?.message == "this server has no service \"nest.Cuckoo\"")
            // Known to the program, but to no method.
            for name in ["nest.Egg", "rookery.rpc.Hello", ""] {
                let message = await failure { _ = try await channel.message(named: name) }
                #expect(message?.code == .notFound)
                #expect(message?.message == "no method of this server has a message \"\(name)\"")
            }
        }
    }
}

/// `rookery.Connections`: a look at a server's connections, for those who run the cluster.
enum Connections {
    static let totals = ServiceMethod<TotalsRequest, ServerTotals>(name: "rookery.Connections/Totals")
    static let list = ServiceMethod<ConnectionsRequest, ConnectionPage>(name: "rookery.Connections/List")
    static let streams = ServiceMethod<StreamsRequest, StreamsReply>(name: "rookery.Connections/Streams")

    static func register(in methods: inout MethodTable, inspector: ConnectionInspector) {
        methods.unary(totals) { _, peer in
            try inspector.admit(peer)
            return await inspector.totals()
        }
        methods.unary(list) { request, peer in
            try inspector.admit(peer)
            return await inspector.connections(request)
        }
        methods.unary(streams) { request, peer in
            try inspector.admit(peer)
            return StreamsReply(try await inspector.streams(request))
        }
    }
}

/// All throw an ``RPCError``: PERMISSION_DENIED to a client that is not on the server's machine.
extension Channel {
    /// What the server has done since it was made.
    public func totals(options: CallOptions = CallOptions()) async throws -> ServerTotals {
        try await ask(Connections.totals, TotalsRequest(), options)
    }

    /// The server's connections with ids above `after`.
    /// - Parameter limit: at most 256, and 0 asks for so many.
    public func connections(
        after: UInt64 = 0, limit: UInt32 = 0, options: CallOptions = CallOptions()
    ) async throws -> ConnectionPage {
        try await ask(Connections.list, ConnectionsRequest(after: after, limit: limit), options)
    }

    /// One of the server's connections, and its streams with ids above `after`; NOT_FOUND when it is gone.
    /// - Parameter limit: at most 256, and 0 asks for so many.
    public func streams(
        of connection: UInt64, after: UInt32 = 0, limit: UInt32 = 0, options: CallOptions = CallOptions()
    ) async throws -> StreamPage {
        let request = StreamsRequest(connection: connection, after: after, limit: limit)
        return try await ask(Connections.streams, request, options).page()
    }
}

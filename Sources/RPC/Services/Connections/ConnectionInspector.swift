import NIOCore

/// Reads a server's connections, each on its own loop: what they count costs them nothing but the counting.
struct ConnectionInspector: Sendable {
    /// In one answer.
    static let maxPage = 256

    private let registry: ConnectionRegistry
    private let meter: LoadMeter
    /// Tells the time.
    private let loop: any EventLoop
    private let started: NIODeadline

    init(registry: ConnectionRegistry, meter: LoadMeter, loop: any EventLoop) {
        self.registry = registry
        self.meter = meter
        self.loop = loop
        started = loop.now
    }

    /// Who calls, and from where, is for those who run the cluster: its nodes, and clients on the node's own machine.
    func admit(_ peer: Peer) throws(RPCError) {
        guard peer.role == .peer || peer.isLocal else {
            throw RPCError(
                .permissionDenied, "connections are shown to the cluster's nodes, and to clients on the node's machine",
                ran: .no)
        }
    }

    func connections(_ request: ConnectionsRequest) async -> ConnectionPage {
        let limit = Self.limit(request.limit)
        let drivers = registry.drivers(after: request.after, limit: limit + 1)
        let reports = await Self.read(drivers.prefix(limit)) { $0.report() }
        return ConnectionPage(connections: reports.sorted { $0.id < $1.id }, more: drivers.count > limit)
    }

    func streams(_ request: StreamsRequest) async throws -> StreamPage {
        guard let driver = registry.driver(request.connection) else {
            throw RPCError(.notFound, "there is no connection \(request.connection)")
        }
        return try await driver.loop.submit {
            let (streams, more) = driver.streams(after: request.after, limit: Self.limit(request.limit))
            return StreamPage(connection: driver.report(), streams: streams, more: more)
        }.get()
    }

    func totals() async -> ServerTotals {
        // What is gone is counted first: a connection that goes now still tells what it has counted.
        let past = registry.past
        var totals = ServerTotals(
            ageMs: UInt64((loop.now - started).nanoseconds / 1_000_000), connections: 0,
            accepted: past.accepted, refused: past.refused, openStreams: 0, load: meter.report, traffic: past.traffic)
        for start in stride(from: 0, to: past.open.count, by: Self.maxPage) {
            let some = past.open[start..<min(start + Self.maxPage, past.open.count)]
            for (traffic, streams) in await Self.read(some, { ($0.connection.traffic, $0.connection.streams.count) }) {
                totals.connections += 1
                totals.openStreams += UInt64(streams)
                totals.traffic += traffic
            }
        }
        return totals
    }

    /// One visit to each loop, for all of its connections among these; in no order.
    private static func read<Drivers: Collection<ServerDriver>, Value: Sendable>(
        _ drivers: Drivers, _ body: @escaping @Sendable (ServerDriver) -> Value
    ) async -> [Value] {
        let byLoop = Dictionary(grouping: drivers) { ObjectIdentifier($0.loop) }
        return await withTaskGroup(of: [Value].self) { group in
            for some in byLoop.values {
                group.addTask {
                    // A loop that has ended serves nobody.
                    (try? await some[0].loop.submit { some.map(body) }.get()) ?? []
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
    }

    private static func limit(_ asked: UInt32) -> Int { asked == 0 ? maxPage : min(Int(asked), maxPage) }
}

import Logging
import NIOCore
import Synchronization

/// Answers calls: a table of methods behind a listening address.
public final class Server: Sendable {
    private let shared: ServerDriver.Shared
    private let transport: any Transport
    private let group: any EventLoopGroup
    private let listener = Mutex<(any Listener)?>(nil)

    /// Whether the server and its services take work, as `rookery.Health` tells it.
    public let health: HealthBoard

    /// The services that every server has are added to `methods`. Connections run on `group`.
    public init(
        configuration: ServerConfiguration, methods: MethodTable, transport: any Transport,
        group: any EventLoopGroup, logger: Logger
    ) {
        let meter = LoadMeter(capacity: configuration.maxInFlight)
        let registry = ConnectionRegistry(limit: configuration.maxConnections)
        let inspector = ConnectionInspector(registry: registry, meter: meter, loop: group.next())
        let own = OwnServices(beside: methods, inspector: inspector)
        health = own.health
        var connection = configuration.connection(own.methods)
        connection.handshake.namesPeers = transport.namesPeers
        shared = ServerDriver.Shared(
            configuration: configuration, connection: connection, methods: own.methods, meter: meter,
            registry: registry, logger: logger)
        self.transport = transport
        self.group = group
    }

    /// Listens; port 0 takes any free one. Returns the port. Throws a ``TransportError``.
    public func start(host: String, port: Int) async throws -> Int {
        let shared = shared
        let bound = try await transport.listen(host: host, port: port, group: group) {
            ServerDriver(shared: shared, loop: $0)
        }.get()
        listener.withLock { $0 = bound }
        return bound.port
    }

    /// Connections that are open, or whose handlers have not ended yet.
    public var connectionCount: Int { shared.registry.count }

    /// What every answer's trailer says.
    public var load: LoadReport { shared.meter.report }

    /// Says "draining" in every answer from now on, and NOT_SERVING to who asks or watches, and goes on serving.
    public func drain() {
        shared.meter.drain()
        health.drain()
    }

    /// Takes nothing new, lets what runs finish for at most `grace`, then cancels it and closes. Returns when every
    /// connection is closed and every handler has ended; handlers that ignore their cancellation get a second.
    public func shutdown(grace: Duration) async {
        shared.meter.drain()
        // Those who watch would watch until the grace is over.
        health.end()
        await stopListening()
        for driver in shared.registry.stop() { driver.post(.goAway("the server is shutting down")) }
        let registry = shared.registry
        let giveUp = group.next().scheduleTask(in: .init(grace)) {
            for driver in registry.stop() {
                driver.post(.stop(ProtocolViolation(.unavailable, "the server shut down")))
            }
        }
        await ended(within: grace + Self.cancellationGrace)
        giveUp.cancel()
    }

    private static let cancellationGrace = Duration.seconds(1)

    private func ended(within limit: Duration) async {
        let registry = shared.registry
        let giveUp = group.next().scheduleTask(in: .init(limit)) { registry.release() }
        await registry.emptied()
        giveUp.cancel()
    }

    /// Drops everything without a word, as if the process had died; for tests. Handlers are cancelled.
    public func abort() async {
        await stopListening()
        for driver in shared.registry.stop() { driver.post(.stop(nil)) }
        await ended(within: Self.cancellationGrace)
    }

    private func stopListening() async {
        let bound = listener.withLock { listener in
            defer { listener = nil }
            return listener
        }
        guard let bound else { return }
        do {
            try await bound.close().get()
        } catch {
            shared.logger.warning("the listener did not close", metadata: ["error": "\(error)"])
        }
    }
}

import NIOCore
import Synchronization

/// A network of named addresses inside one process. The same drivers exchange the same bytes as over TCP, from event
/// loop to event loop. Copies share the network.
public struct InProcessTransport: Transport {
    private let network = Network()

    public init() {}

    public func listen(
        host: String, port: Int, group: any EventLoopGroup,
        accept: @escaping @Sendable (any EventLoop) -> any WireHandler
    ) -> EventLoopFuture<any Listener> {
        let loop = group.next()
        guard let port = network.add(host: host, port: port, Network.Entry(group: group, accept: accept)) else {
            return loop.makeFailedFuture(TransportError("cannot listen on \(host):\(port): the address is in use"))
        }
        return loop.makeSucceededFuture(InProcessListener(network: network, host: host, port: port, loop: loop))
    }

    public func connect(
        host: String, port: Int, timeout: TimeAmount, on loop: any EventLoop, handler: any WireHandler
    ) -> EventLoopFuture<Void> {
        guard let entry = network.entry(host: host, port: port) else {
            return loop.makeFailedFuture(TransportError("connection refused by \(host):\(port)"))
        }
        let serverLoop = entry.group.next()
        let near = InProcessWire(loop: loop, remoteAddress: "\(host):\(port)")
        let far = InProcessWire(loop: serverLoop, remoteAddress: "in-process")
        // The far end opens first on its loop, and nothing can reach the near end before this block is over.
        return loop.submit {
            serverLoop.execute { far.open(to: near, handler: entry.accept(serverLoop)) }
            near.open(to: far, handler: handler)
        }
    }
}

private struct InProcessListener: Listener {
    let network: Network
    let host: String
    let port: Int
    let loop: any EventLoop

    func close() -> EventLoopFuture<Void> {
        network.remove(host: host, port: port)
        return loop.makeSucceededVoidFuture()
    }
}

/// Who listens where.
private final class Network: Sendable {
    struct Entry: Sendable {
        var group: any EventLoopGroup
        var accept: @Sendable (any EventLoop) -> any WireHandler
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var nextPort = 1
    }

    private let state = Mutex(State())

    /// The port, or nil when it is taken.
    func add(host: String, port: Int, _ entry: Entry) -> Int? {
        state.withLock { state in
            var port = port
            while port == 0 {
                if state.entries["\(host):\(state.nextPort)"] == nil { port = state.nextPort }
                state.nextPort += 1
            }
            guard state.entries["\(host):\(port)"] == nil else { return nil }
            state.entries["\(host):\(port)"] = entry
            return port
        }
    }

    func entry(host: String, port: Int) -> Entry? {
        state.withLock { $0.entries["\(host):\(port)"] }
    }

    func remove(host: String, port: Int) {
        state.withLock { $0.entries["\(host):\(port)"] = nil }
    }
}

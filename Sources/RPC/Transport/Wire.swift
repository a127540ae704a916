import NIOCore

/// What carries a connection's bytes, as its driver sees it. Used on the event loop of the connection only.
public protocol Wire: AnyObject {
    /// For logs, for example `127.0.0.1:53124`.
    var remoteAddress: String { get }
    /// The node that the other side's certificate names, verified against the cluster's CA; nil when it showed none,
    /// and without TLS. Known before the first bytes arrive.
    var peerName: String? { get }
    /// Nobody between the two ends can read along.
    var isEncrypted: Bool { get }
    /// The other end is on this machine.
    var isLocal: Bool { get }
    /// False while more is waiting to be sent than is good; see ``WireHandler/writabilityChanged(_:)``.
    var isWritable: Bool { get }
    /// Bytes that were written and have not left yet.
    var waitingBytes: Int { get }
    /// Keeps the bytes for the next flush.
    func write(_ bytes: ByteBuffer)
    func flush()
    /// Looks for bytes for so long without giving up the thread; true when some have come, and will be given to the
    /// handler next.
    func awaitBytes(atMost limit: TimeAmount) -> Bool
    /// Stops and starts the arrival of bytes.
    func setReading(_ isReading: Bool)
    /// Sends what was written, drops what still arrives, and closes within a second.
    func close()
    /// The same with all the time that it takes to send what was written, within reason: for an end that nobody is to
    /// blame for.
    func finish()
    /// Closes at once, without sending anything more.
    func abort()
}

extension Wire {
    public var peerName: String? { nil }
    public var isEncrypted: Bool { false }
    public var isLocal: Bool { false }

    public func finish() { close() }

    public func awaitBytes(atMost limit: TimeAmount) -> Bool { false }
}

/// Looking for a connection's next bytes for a moment, awake, before its event loop sleeps. Waking a thread takes longer
/// than a call that is answered in place, so whoever calls one thing after another waits half as long. A look that finds
/// nothing costs `limit` of a core; so the more that did, the rarer the next (docs/decisions/0013).
struct BusyPoll {
    /// Above what such a call and its answer take; the loop's other connections wait as long at most.
    static let limit = TimeAmount.microseconds(50)
    private var pays = AdaptiveTry(mostStrikes: 8)

    /// Looks, if that is due.
    mutating func look(at wire: (any Wire)?) {
        guard let wire, pays.isDue() else { return }
        pays.ended(paid: wire.awaitBytes(atMost: Self.limit))
    }
}

/// A connection's driver, as what carries its bytes sees it. Called on the event loop of the connection only.
public protocol WireHandler: AnyObject, Sendable {
    /// The first call. The wire is valid until ``closed(_:)``.
    func opened(_ wire: any Wire)
    func received(_ bytes: ByteBuffer)
    /// All that one read brought has been given: the time to flush.
    func readCompleted()
    func writabilityChanged(_ isWritable: Bool)
    /// The last call. `reason` is nil after an orderly end.
    func closed(_ reason: String?)
}

/// A place where connections arrive.
public protocol Listener: Sendable {
    var port: Int { get }
    /// No more connections arrive; those that have stay open.
    func close() -> EventLoopFuture<Void>
}

/// How bytes get from one end to the other. Both ways use the same frames.
public protocol Transport: Sendable {
    /// Whether peers show who they are: then a server refuses one whose ``Wire/peerName`` is not its node id.
    var namesPeers: Bool { get }

    /// Listens on `host` and `port` (0: any free one). `accept` makes the driver of a connection, on its loop.
    /// Fails with a ``TransportError``.
    func listen(
        host: String, port: Int, group: any EventLoopGroup,
        accept: @escaping @Sendable (any EventLoop) -> any WireHandler
    ) -> EventLoopFuture<any Listener>

    /// Connects on `loop`; `handler` is told of it by `opened`. Fails with a ``TransportError``, and then the handler
    /// is told nothing.
    func connect(
        host: String, port: Int, timeout: TimeAmount, on loop: any EventLoop, handler: any WireHandler
    ) -> EventLoopFuture<Void>
}

extension Transport {
    public var namesPeers: Bool { false }
}

/// Why a transport could not connect or listen, as one sentence: "connection refused by 127.0.0.1:7401".
public struct TransportError: Error, Hashable, Sendable, CustomStringConvertible {
    public var description: String

    public init(_ description: String) {
        self.description = description
    }
}

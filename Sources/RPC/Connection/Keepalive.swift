import NIOCore

/// When to ask a silent other side whether it is still there, and when to give it up.
public struct KeepaliveConfiguration: Hashable, Sendable {
    /// Silence after which a PING is sent; nil never.
    public var interval: Duration?
    /// How long anything may take to arrive after that PING.
    public var timeout: Duration
    /// Also while no call is open.
    public var withoutCalls: Bool

    public init(interval: Duration? = .seconds(20), timeout: Duration = .seconds(10), withoutCalls: Bool = false) {
        self.interval = interval
        self.timeout = timeout
        self.withoutCalls = withoutCalls
    }
}

/// One side's keepalive, decided: whatever arrives is a sign of life. Pure: time comes in.
struct Keepalive {
    enum Decision: Equatable {
        case ping
        case lost
    }

    private var interval: TimeAmount?
    private let timeout: TimeAmount
    private let withoutCalls: Bool
    private var lastHeard: NIODeadline
    private var pinged: NIODeadline?

    init(_ configuration: KeepaliveConfiguration, now: NIODeadline) {
        interval = configuration.interval.map { TimeAmount($0) }
        timeout = TimeAmount(configuration.timeout)
        withoutCalls = configuration.withoutCalls
        lastHeard = now
    }

    mutating func heard(now: NIODeadline) {
        lastHeard = now
        pinged = nil
    }

    /// When `tick` has something to decide.
    func due(hasCalls: Bool) -> NIODeadline? {
        if let pinged { return pinged + timeout }
        guard let interval, hasCalls || withoutCalls else { return nil }
        return lastHeard + interval
    }

    mutating func tick(now: NIODeadline, hasCalls: Bool) -> Decision? {
        guard let due = due(hasCalls: hasCalls), due <= now else { return nil }
        if pinged != nil { return .lost }
        pinged = now
        return .ping
    }
}

/// A server's measure of PINGs: a client that sends more than it may is told so and turned away, as its pings cost
/// everybody. The counts are gRPC's (proposal A8).
struct PingAllowance {
    /// PINGs that come too soon before the connection is closed.
    private static let strikes = 2
    private let minInterval: TimeAmount
    private var last: NIODeadline?
    private var early = 0

    init(minInterval: TimeAmount) {
        self.minInterval = minInterval
    }

    /// The other side has made a call: it has a reason to ask.
    mutating func called() { (last, early) = (nil, 0) }

    /// - Returns: false when it was one too many.
    mutating func pinged(now: NIODeadline) -> Bool {
        defer { last = now }
        guard let last, now - last < minInterval else { return true }
        early += 1
        return early <= Self.strikes
    }
}

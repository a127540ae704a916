import NIOCore

/// How a server's connection grows old: it is told to go away when it is idle, when it has lived long enough, or when
/// the server stops. Pure: time and chance come in.
///
/// The farewell has two steps, so that no request that was under way is turned away: first GOAWAY with every stream
/// still welcome; when the other side has answered the PING behind it, and so has heard it, GOAWAY with the last
/// stream that came. (gRPC and HTTP/2, RFC 9113 section 6.8, do the same.)
struct ConnectionAge {
    struct Configuration: Sendable {
        /// Nil: as old as it likes.
        var maxAge: TimeAmount?
        /// How long calls may take to finish once it is too old; nil: as long as they take.
        var maxAgeGrace: TimeAmount?
        /// How long it may stay without a call; nil: for ever.
        var maxIdle: TimeAmount?
        /// How long the answer to the farewell's PING may take.
        var farewellTimeout = TimeAmount.seconds(1)

        static let unlimited = Configuration()
    }

    private enum Phase {
        case staying
        /// To be said once the handshake is done.
        case leaving(reason: String)
        case announced(reason: String, until: NIODeadline)
        case final
    }

    private let configuration: Configuration
    private var phase = Phase.staying
    /// ±10 %: connections that were made together do not end together.
    private let ageFactor: Double
    private var ageDeadline: NIODeadline?
    private var graceDeadline: NIODeadline?
    /// When a call began, or was last seen running.
    private(set) var lastBusy: NIODeadline

    init(_ configuration: Configuration, now: NIODeadline, jitter: Double) {
        self.configuration = configuration
        ageFactor = 0.9 + 0.2 * jitter
        lastBusy = now
    }

    mutating func opened(now: NIODeadline) {
        lastBusy = now
        ageDeadline = configuration.maxAge.map { now + .nanoseconds(Int64(Double($0.nanoseconds) * ageFactor)) }
    }

    mutating func busy(now: NIODeadline) { lastBusy = now }

    /// No request is taken any more.
    var isFinal: Bool { if case .final = phase { true } else { false } }

    var due: NIODeadline? {
        switch phase {
        case .staying:
            switch (ageDeadline, configuration.maxIdle) {
            case (let age, nil): age
            case (nil, let idle?): lastBusy + idle
            case (let age?, let idle?): min(age, lastBusy + idle)
            }
        case .leaving: nil
        case .announced(_, let until): until
        case .final: graceDeadline
        }
    }

    enum Decision: Equatable {
        case leave(String)
        case finish
        case giveUp
    }

    mutating func tick(now: NIODeadline, isIdle: Bool) -> Decision? {
        switch phase {
        case .staying:
            if let ageDeadline, now >= ageDeadline {
                graceDeadline = configuration.maxAgeGrace.map { now + $0 }
                return .leave("the connection is old")
            }
            if !isIdle { lastBusy = now }
            guard let maxIdle = configuration.maxIdle, now >= lastBusy + maxIdle else { return nil }
            return .leave("the connection is idle")
        case .announced(_, let until) where now >= until: return .finish
        case .final:
            guard let graceDeadline, now >= graceDeadline else { return nil }
            return .giveUp
        case .leaving, .announced: return nil
        }
    }

    /// - Returns: false when it is leaving already.
    mutating func leave(_ reason: String) -> Bool {
        guard case .staying = phase else { return false }
        phase = .leaving(reason: reason)
        return true
    }

    /// The first GOAWAY is said now: its reason, if it is due.
    mutating func announce(now: NIODeadline) -> String? {
        guard case .leaving(let reason) = phase else { return nil }
        phase = .announced(reason: reason, until: now + configuration.farewellTimeout)
        return reason
    }

    /// The second is said now: its reason, if the first was said.
    mutating func finish() -> String? {
        guard case .announced(let reason, _) = phase else { return nil }
        phase = .final
        return reason
    }
}

/// What a side can do beyond version 1; a feature is used when both name it.
struct Features: OptionSet {
    var rawValue: UInt64

    /// Messages may be LZ4 blocks.
    static let lz4 = Features(rawValue: 1)
}

/// How many messages each side of a method says. Numbers are the wire's.
public enum MethodKind: UInt8, Sendable, CaseIterable {
    case unary = 0
    case clientStreaming = 1
    case serverStreaming = 2
    case bidirectional = 3

    var takesManyMessages: Bool { self == .clientStreaming || self == .bidirectional }
    var givesManyMessages: Bool { self == .serverStreaming || self == .bidirectional }
}

/// One row of a server's method table.
struct MethodEntry: Equatable, Sendable {
    /// What requests name it by; from 1.
    var number: UInt16
    /// `rookery.Service/Method`.
    var name: String
    var kind: MethodKind
    /// Answered on the event loop, where it lies; the wire does not say so.
    var isInPlace = false
}

/// The connecting side's first frame.
struct Hello: Equatable {
    var protocolVersion = UInt32(Preface.version)
    var clusterId: String
    /// As on the wire: an unknown role is refused by name, not by misreading it.
    var role: UInt8
    var nonce: [UInt8]
    var nodeId: String
    var limits: Limits
    var features: Features
}

/// The accepting side's first frame.
struct Welcome: Equatable {
    var protocolVersion = UInt32(Preface.version)
    var clusterId: String
    var nodeId: String
    var nonce: [UInt8]
    var proof: [UInt8]
    var limits: Limits
    var features: Features
    var methods: [MethodEntry]
}

/// A peer's second frame.
struct Proof: Equatable {
    var mac: [UInt8]
}

/// Streams above `lastStream` were not and will not be served.
struct GoAway: Equatable {
    var lastStream: UInt32
    var reason: String
}

/// Why a connection ends.
struct Close: Equatable {
    /// The reason by which a client knows that it asked too often whether somebody is there.
    static let tooManyPings = "too many pings"

    var code: StatusCode
    var reason: String
}

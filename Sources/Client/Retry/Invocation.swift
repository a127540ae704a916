import Cluster

/// One call as its caller means it, over all its tries.
struct Invocation: Sendable {
    var method: String
    var message: [UInt8]
    var target: Target
    var session: Session?
    /// The same on every try.
    var key: RequestId?
    var repeatability: Repeatability
    var timeout: Duration
}

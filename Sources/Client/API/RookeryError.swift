import Cluster
import Messages
import RPC

/// The one error that a caller of the client sees.
public struct RookeryError: Error, Hashable, Sendable, CustomStringConvertible {
    public var status: Status
    /// One sentence for a person.
    public var message: String
    /// Whether the same call may succeed if it is made again later.
    public var retryable: Bool
    /// How long the server asked to wait before that, in ms; 0 when it did not say.
    public var retryAfterMs: UInt32
    /// The node that answered, or was asked last.
    public var node: NodeId?
    /// The refused tweet's text weighs too much.
    public var isTextTooLong = false

    public init(
        _ status: Status, _ message: String, retryable: Bool = false, retryAfterMs: UInt32 = 0, node: NodeId? = nil
    ) {
        self.status = status
        self.message = message
        self.retryable = retryable
        self.retryAfterMs = retryAfterMs
        self.node = node
    }

    public var description: String { "\(status.rawValue): \(message)" }

    /// gRPC's status names (docs/protocol.md).
    public enum Status: String, Sendable, CaseIterable {
        case cancelled = "CANCELLED"
        case unknown = "UNKNOWN"
        case invalidArgument = "INVALID_ARGUMENT"
        case deadlineExceeded = "DEADLINE_EXCEEDED"
        case notFound = "NOT_FOUND"
        case alreadyExists = "ALREADY_EXISTS"
        case permissionDenied = "PERMISSION_DENIED"
        case resourceExhausted = "RESOURCE_EXHAUSTED"
        case failedPrecondition = "FAILED_PRECONDITION"
        case aborted = "ABORTED"
        case outOfRange = "OUT_OF_RANGE"
        case unimplemented = "UNIMPLEMENTED"
        case internalError = "INTERNAL"
        case unavailable = "UNAVAILABLE"
        case dataLoss = "DATA_LOSS"
        case unauthenticated = "UNAUTHENTICATED"
    }
}

extension RookeryError {
    /// What a caller sees of a failed call. Where the node itself did not answer, the sentence names it.
    init(_ error: RPCError, node: NodeInfo?) {
        let status = Status(rawValue: error.code.name) ?? .unknown
        let named = node.map { "node \($0.id) at \($0.address)" } ?? "the cluster"
        let sentence =
            switch status {
            // A node that answered speaks of another one, and names it.
            case .unavailable where error.load == nil: "\(named) is not available: \(error.message)"
            case .deadlineExceeded: "\(named) did not answer in time: \(error.message)"
            default: error.message.isEmpty ? "\(named) refused the call" : error.message
            }
        self.init(
            status, sentence, retryable: error.retryable || status == .unavailable, retryAfterMs: error.retryAfterMs,
            node: node?.id)
        // Details that cannot be read say nothing; the status and the message stand.
        isTextTooLong = (try? RefusalDetails.decode(error.details))?.reason == .refusalTextTooLong
    }
}

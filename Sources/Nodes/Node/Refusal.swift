import Cluster
import Messages
import RPC
import Replication
import Storage

/// Why a call is refused: one status and one sentence for the person who made it. Nothing has changed (P10).
public struct Refusal: Error, Equatable, Sendable, CustomStringConvertible {
    public var code: StatusCode
    public var message: String
    public var retryAfterMs: UInt32
    public var reason: RefusalReason

    public init(
        _ code: StatusCode, _ message: String, retryAfterMs: UInt32 = 0, reason: RefusalReason = .refusalOther
    ) {
        self.code = code
        self.message = message
        self.retryAfterMs = retryAfterMs
        self.reason = reason
    }

    var details: [UInt8] {
        reason == .refusalOther ? [] : RefusalDetails.with { $0.reason = reason }.encode()
    }

    public var description: String { "\(code.name): \(message)" }

    static func noSuchTweet(_ id: UInt64) -> Refusal { Refusal(.notFound, "there is no tweet \(id)") }

    static func deletedTweet(_ id: UInt64) -> Refusal { Refusal(.notFound, "tweet \(id) was deleted") }

    static func protectedTweet(of author: String) -> Refusal {
        Refusal(.permissionDenied, "this tweet is protected: only @\(author)'s followers can read it")
    }

    static func noSuchUser(_ id: UInt64) -> Refusal { Refusal(.notFound, "there is no user \(id)") }
}

extension RPCError {
    /// What a caller is told of an error, and whether it may try again.
    init(answering error: any Error) {
        switch error {
        case let error as RPCError: self = error
        case let error as Refusal:
            self.init(
                error.code, error.message, ran: .no, retryable: error.code == .unavailable,
                retryAfterMs: error.retryAfterMs, details: error.details)
        case let error as ReplicationError: self.init(answering: error)
        case let error as DecodingFailure: self.init(.invalidArgument, "\(error)", ran: .no)
        case is CancellationError: self.init(.cancelled, "the call was cancelled", ran: .unknown)
        default: self.init(.internalError, "the node failed: \(error)", ran: .unknown)
        }
    }

    private init(answering error: ReplicationError) {
        switch error {
        case .notServing, .clockBehind, .notCaughtUp:
            self.init(.unavailable, "\(error)", ran: .no, retryable: true)
        case .overloaded:
            self.init(.resourceExhausted, "\(error)", ran: .no, retryable: true, retryAfterMs: 50)
        case .requestExpired: self.init(.failedPrecondition, "\(error)", ran: .unknown)
        case .requestFromFuture: self.init(.invalidArgument, "\(error)", ran: .no)
        case .corrupt: self.init(.dataLoss, "\(error)", ran: .unknown)
        }
    }
}

import Cluster
import Messages
import NIOCore
import RPC
import Replication
import Synchronization

/// What goes along with one call on its way through this node and the nodes it asks.
final class CallContext: Sendable {
    /// Metadata key of a `SeenList`: in an answer, the writes that are on their way; in a request, the writes its
    /// session has made and wants to see (P8).
    static let seenKey = "rookery-seen-bin"
    /// Metadata key of the viewer's id, eight bytes little-endian; believed of proven peers only (rule G1).
    static let viewerKey = "rookery-viewer-bin"
    /// How long a read waits for its session's own writes.
    static let catchUpTime = TimeAmount.seconds(2)

    let call: Call
    let deadline: NIODeadline
    let seen: [Seen]
    private let wrote = Mutex<[Seen]>([])

    /// - Parameter timeout: for a call that names no deadline.
    init(_ call: Call, now: NIODeadline, timeout: TimeAmount) throws {
        self.call = call
        deadline = call.deadline ?? now + timeout
        seen = try call.metadata[Self.seenKey].map { try SeenList.decode($0).seen } ?? []
    }

    /// The request id of a write (rule B3), as it came.
    var requestId: RequestId {
        get throws {
            guard !call.key.isNone else { throw Refusal(.invalidArgument, "a write needs a request id") }
            return RequestId(timeMs: call.key.high, random: call.key.low)
        }
    }

    /// The request id of a caller's write: nobody gets the answer to somebody else's, or to another method's.
    func requestId(of caller: Id) throws -> RequestId {
        try requestId.derived(caller.rawValue).derived(Checksum.xxh3(Array(call.method.utf8)))
    }

    /// Remembers what the session must wait for elsewhere.
    func note(_ outcome: Outcome, in partition: PartitionId) {
        guard outcome.index > 0 else { return }
        let seen = outcome.destinations.map { destination in
            Seen.with {
                $0.source = UInt32(partition.rawValue)
                $0.destination = UInt32(destination.rawValue)
                $0.incarnation = outcome.incarnation
                $0.index = outcome.index
            }
        }
        wrote.withLock { $0 += seen }
    }

    func answer(_ message: some WireMessage) -> Answer {
        var metadata = Metadata()
        let seen = wrote.withLock { $0 }
        if !seen.isEmpty { metadata[Self.seenKey] = SeenList.with { $0.seen = seen }.encode() }
        return Answer(message.encode(), metadata: metadata)
    }

    /// Options for asking another node on this call's behalf.
    func options(viewer: Id?, now: NIODeadline) -> CallOptions {
        var options = CallOptions()
        options.timeout = .nanoseconds(max(1, (deadline - now).nanoseconds))
        options.metadata.traceParent = call.metadata.traceParent
        if !seen.isEmpty { options.metadata[Self.seenKey] = SeenList.with { $0.seen = seen }.encode() }
        if let viewer {
            options.metadata[Self.viewerKey] = withUnsafeBytes(of: viewer.rawValue.littleEndian) { Array($0) }
        }
        return options
    }

    /// The viewer a proven peer vouches for.
    var vouchedViewer: Id? {
        guard call.peer.role == .peer, let bytes = call.metadata[Self.viewerKey], bytes.count == 8 else { return nil }
        return Id(rawValue: bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }
}

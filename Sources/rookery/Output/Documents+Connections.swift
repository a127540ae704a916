import Client
import Cluster

// JSON documents of `rookery cluster connections`.

struct ConnectionsDocument: Encodable {
    struct Node: Encodable {
        var id: String
        var address: String
        /// Why it could not be asked; then the others are missing.
        var error: String?
        var totals: TotalsDocument?
        var connections: [ConnectionDocument]?
        /// There are some behind the last one: `--after` its id.
        var more: Bool?

        init(_ node: NodeInfo, _ result: Result<(ServerTotals, ConnectionPage), RookeryError>) {
            (id, address) = (node.id.rawValue, node.address.description)
            switch result {
            case .success(let (sums, page)):
                totals = TotalsDocument(sums)
                connections = page.connections.map(ConnectionDocument.init)
                more = page.more
            case .failure(let failure): error = failure.message
            }
        }
    }

    var nodes: [Node]
}

struct TotalsDocument: Encodable {
    var age_ms, connections, accepted, refused, open_streams: UInt64
    var traffic: TrafficDocument

    init(_ totals: ServerTotals) {
        (age_ms, connections, accepted) = (totals.ageMs, totals.connections, totals.accepted)
        (refused, open_streams) = (totals.refused, totals.openStreams)
        traffic = TrafficDocument(totals.traffic)
    }
}

struct TrafficDocument: Encodable {
    var bytes_in, bytes_out, messages_in, messages_out, calls_started, calls_succeeded, calls_failed: UInt64

    init(_ traffic: Traffic) {
        (bytes_in, bytes_out) = (traffic.bytesIn, traffic.bytesOut)
        (messages_in, messages_out) = (traffic.messagesIn, traffic.messagesOut)
        (calls_started, calls_succeeded, calls_failed) = (traffic.calls, traffic.succeeded, traffic.failed)
    }
}

struct ConnectionDocument: Encodable {
    struct RoundTrip: Encodable { var us, age_ms: UInt64 }

    var id: UInt64
    var address: String
    /// `client`, `peer`, or `unknown` until the handshake is done.
    var role: String
    /// A peer's.
    var node: String?
    var tls: Bool
    var age_ms, idle_ms: UInt64
    var open_streams: UInt32
    var traffic: TrafficDocument
    var credit_out, credit_in: Int64
    /// Missing: no PING was answered yet.
    var round_trip: RoundTrip?

    init(_ report: ConnectionReport) {
        (id, address, tls) = (report.id, report.address, report.tls)
        role = report.role.map { "\($0)" } ?? "unknown"
        node = report.nodeId.isEmpty ? nil : report.nodeId
        (age_ms, idle_ms, open_streams) = (report.ageMs, report.idleMs, report.openStreams)
        traffic = TrafficDocument(report.traffic)
        (credit_out, credit_in) = (report.creditOut, report.creditIn)
        round_trip = report.roundTrip.map { RoundTrip(us: $0.us, age_ms: $0.ageMs) }
    }
}

struct StreamsDocument: Encodable {
    struct Stream: Encodable {
        var id: UInt32
        var method: String
        var age_ms: UInt64
        var state: String
        var credit_out, credit_in: Int64
        var messages_waiting: UInt32

        init(_ report: StreamReport) {
            (id, method, age_ms, state) = (report.id, report.method, report.ageMs, report.state?.name ?? "UNKNOWN")
            (credit_out, credit_in) = (report.creditOut, report.creditIn)
            messages_waiting = report.messagesWaiting
        }
    }

    var node: String
    var connection: ConnectionDocument
    var streams: [Stream]
    /// There are some behind the last one: `--after` its id.
    var more: Bool

    init(_ node: NodeInfo, _ page: StreamPage) {
        self.node = node.id.rawValue
        connection = ConnectionDocument(page.connection)
        streams = page.streams.map(Stream.init)
        more = page.more
    }
}

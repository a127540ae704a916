import Client

/// Connections and the calls on them as tables.
struct ConnectionText {
    var style: Style

    private static let head = [
        "ID", "ADDRESS", "ROLE", "TLS", "AGE", "IDLE", "OPEN", "CALLS", "FAILED", "IN", "OUT", "RTT",
    ]

    func lines(_ nodes: [ConnectionsDocument.Node]) -> [String] { Array(nodes.map(lines).joined(separator: [""])) }

    private func lines(_ node: ConnectionsDocument.Node) -> [String] {
        let title = "\(style.name(node.id)) \(node.address)"
        guard let totals = node.totals, let connections = node.connections else {
            return ["\(title): \(style.bad(Style.harmless(node.error ?? "")))"]
        }
        var lines = ["\(title): \(sentence(totals))"] + style.table([Self.head] + connections.map(row))
        if node.more == true, let last = connections.last { lines.append(more(last.id)) }
        return lines
    }

    func lines(_ document: StreamsDocument) -> [String] {
        let head = ["STREAM", "METHOD", "AGE", "STATE", "CREDIT OUT", "CREDIT IN", "WAITING"]
        let rows = document.streams.map { stream in
            [
                "\(stream.id)", stream.method, time(stream.age_ms), stream.state, "\(stream.credit_out)",
                "\(stream.credit_in)", "\(stream.messages_waiting)",
            ]
        }
        var lines = style.table([Self.head, row(document.connection)])
        lines.append(
            "credit of the connection: \(document.connection.credit_out) bytes out, "
                + "\(document.connection.credit_in) bytes in")
        lines += rows.isEmpty ? [style.faint("(no open calls)")] : [""] + style.table([head] + rows)
        if document.more, let last = document.streams.last { lines.append(more(UInt64(last.id))) }
        return lines
    }

    private func more(_ last: UInt64) -> String { style.faint("more: --after \(last)") }

    private func sentence(_ totals: TotalsDocument) -> String {
        let traffic = totals.traffic
        return "\(totals.connections) open of \(totals.accepted) connections, \(totals.refused) refused; "
            + "\(traffic.calls_started) calls in \(time(totals.age_ms)), \(traffic.calls_failed) failed, "
            + "\(totals.open_streams) open; \(size(traffic.bytes_in)) in, \(size(traffic.bytes_out)) out"
    }

    private func row(_ connection: ConnectionDocument) -> [String] {
        [
            "\(connection.id)", Style.harmless(connection.address),
            connection.node.map { "\(connection.role) \(Style.harmless($0))" } ?? connection.role,
            connection.tls ? "yes" : "no", time(connection.age_ms), time(connection.idle_ms),
            "\(connection.open_streams)", "\(connection.traffic.calls_started)", "\(connection.traffic.calls_failed)",
            size(connection.traffic.bytes_in), size(connection.traffic.bytes_out),
            connection.round_trip.map { "\($0.us) µs" } ?? "-",
        ]
    }

    private func time(_ ms: UInt64) -> String {
        switch ms {
        case ..<1000: "\(ms) ms"
        case ..<60_000: "\(ms / 1000) s"
        case ..<3_600_000: "\(ms / 60_000) min"
        default: "\(ms / 3_600_000) h"
        }
    }

    private func size(_ bytes: UInt64) -> String {
        switch bytes {
        case ..<10_000: "\(bytes) B"
        case ..<10_000_000: "\(bytes / 1000) kB"
        default: "\(bytes / 1_000_000) MB"
        }
    }
}

import CRPCMessages

// Protos/services.proto, "Connections": what is asked, and the pages that come.

struct TotalsRequest: CMessage {
    init() {}

    static func prepare(_ raw: UnsafeMutablePointer<Rookery__Rpc__TotalsRequest>) {
        rookery__rpc__totals_request__init(raw)
    }

    init(copying raw: Rookery__Rpc__TotalsRequest) {}

    func fill(_ raw: inout Rookery__Rpc__TotalsRequest, _ arena: borrowing Arena) {}
}

extension ServerTotals: CMessage {
    static func prepare(_ raw: UnsafeMutablePointer<Rookery__Rpc__TotalsReply>) {
        rookery__rpc__totals_reply__init(raw)
    }

    init(copying raw: Rookery__Rpc__TotalsReply) {
        self.init(
            ageMs: raw.age_ms, connections: raw.connections, accepted: raw.accepted, refused: raw.refused,
            openStreams: raw.open_streams,
            load: LoadReport(
                inFlight: UInt16(clamping: raw.in_flight),
                utilisationPermille: UInt16(clamping: raw.utilisation_permille),
                medianLatencyUs: raw.median_latency_us, draining: raw.draining != 0),
            traffic: Traffic(ifAny: raw.traffic))
    }

    func fill(_ raw: inout Rookery__Rpc__TotalsReply, _ arena: borrowing Arena) {
        raw.age_ms = ageMs
        (raw.connections, raw.accepted, raw.refused) = (connections, accepted, refused)
        raw.open_streams = openStreams
        raw.in_flight = UInt32(load.inFlight)
        raw.utilisation_permille = UInt32(load.utilisationPermille)
        raw.median_latency_us = load.medianLatencyUs
        raw.draining = load.draining ? 1 : 0
        raw.traffic = arena.message(traffic)
    }
}

struct ConnectionsRequest: CMessage {
    var after: UInt64
    /// 0: as many as come in one answer.
    var limit: UInt32

    init(after: UInt64, limit: UInt32) { (self.after, self.limit) = (after, limit) }

    static func prepare(_ raw: UnsafeMutablePointer<Rookery__Rpc__ConnectionsRequest>) {
        rookery__rpc__connections_request__init(raw)
    }

    init(copying raw: Rookery__Rpc__ConnectionsRequest) { self.init(after: raw.after, limit: raw.limit) }

    func fill(_ raw: inout Rookery__Rpc__ConnectionsRequest, _ arena: borrowing Arena) {
        (raw.after, raw.limit) = (after, limit)
    }
}

extension ConnectionPage: CMessage {
    static func prepare(_ raw: UnsafeMutablePointer<Rookery__Rpc__ConnectionsReply>) {
        rookery__rpc__connections_reply__init(raw)
    }

    init(copying raw: Rookery__Rpc__ConnectionsReply) {
        self.init(connections: ConnectionReport.copies(raw.n_connections, raw.connections), more: raw.more != 0)
    }

    func fill(_ raw: inout Rookery__Rpc__ConnectionsReply, _ arena: borrowing Arena) {
        (raw.n_connections, raw.connections) = arena.messages(connections)
        raw.more = more ? 1 : 0
    }
}

struct StreamsRequest: CMessage {
    var connection: UInt64
    var after: UInt32
    /// 0: as many as come in one answer.
    var limit: UInt32

    init(connection: UInt64, after: UInt32, limit: UInt32) {
        (self.connection, self.after, self.limit) = (connection, after, limit)
    }

    static func prepare(_ raw: UnsafeMutablePointer<Rookery__Rpc__StreamsRequest>) {
        rookery__rpc__streams_request__init(raw)
    }

    init(copying raw: Rookery__Rpc__StreamsRequest) {
        self.init(connection: raw.connection, after: raw.after, limit: raw.limit)
    }

    func fill(_ raw: inout Rookery__Rpc__StreamsRequest, _ arena: borrowing Arena) {
        (raw.connection, raw.after, raw.limit) = (connection, after, limit)
    }
}

struct StreamsReply: CMessage {
    var connection: ConnectionReport?
    var streams: [StreamReport]
    var more: Bool

    init(_ page: StreamPage) { (connection, streams, more) = (page.connection, page.streams, page.more) }

    static func prepare(_ raw: UnsafeMutablePointer<Rookery__Rpc__StreamsReply>) {
        rookery__rpc__streams_reply__init(raw)
    }

    init(copying raw: Rookery__Rpc__StreamsReply) {
        connection = raw.connection.map { ConnectionReport(copying: $0.pointee) }
        streams = StreamReport.copies(raw.n_streams, raw.streams)
        more = raw.more != 0
    }

    func fill(_ raw: inout Rookery__Rpc__StreamsReply, _ arena: borrowing Arena) {
        if let connection { raw.connection = arena.message(connection) }
        (raw.n_streams, raw.streams) = arena.messages(streams)
        raw.more = more ? 1 : 0
    }

    func page() throws(RPCError) -> StreamPage {
        guard let connection else { throw RPCError(.dataLoss, "the streams of no connection") }
        return StreamPage(connection: connection, streams: streams, more: more)
    }
}

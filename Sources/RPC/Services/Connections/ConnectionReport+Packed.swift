import CRPCMessages

// Protos/services.proto, "Connections": what one connection says.

extension Traffic: CMessage {
    static func prepare(_ raw: UnsafeMutablePointer<Rookery__Rpc__TrafficReport>) {
        rookery__rpc__traffic_report__init(raw)
    }

    init(copying raw: Rookery__Rpc__TrafficReport) {
        self.init()
        (bytesIn, bytesOut) = (raw.bytes_in, raw.bytes_out)
        (messagesIn, messagesOut) = (raw.messages_in, raw.messages_out)
        (calls, succeeded, failed) = (raw.calls_started, raw.calls_succeeded, raw.calls_failed)
    }

    func fill(_ raw: inout Rookery__Rpc__TrafficReport, _ arena: borrowing Arena) {
        (raw.bytes_in, raw.bytes_out) = (bytesIn, bytesOut)
        (raw.messages_in, raw.messages_out) = (messagesIn, messagesOut)
        (raw.calls_started, raw.calls_succeeded, raw.calls_failed) = (calls, succeeded, failed)
    }
}

extension ConnectionReport: CMessage {
    static func prepare(_ raw: UnsafeMutablePointer<Rookery__Rpc__ConnectionReport>) {
        rookery__rpc__connection_report__init(raw)
    }

    init(copying raw: Rookery__Rpc__ConnectionReport) {
        self.init(
            id: raw.id, address: raw.address.text, role: UInt8(exactly: raw.role.rawValue).flatMap(Role.init),
            nodeId: raw.node_id.text, tls: raw.tls != 0, ageMs: raw.age_ms, idleMs: raw.idle_ms,
            openStreams: raw.open_streams, traffic: Traffic(ifAny: raw.traffic), creditOut: raw.credit_out,
            creditIn: raw.credit_in, roundTrip: raw.round_trip.map { RoundTrip(copying: $0.pointee) })
    }

    func fill(_ raw: inout Rookery__Rpc__ConnectionReport, _ arena: borrowing Arena) {
        raw.id = id
        raw.address = arena.data(address)
        raw.role = Rookery__Rpc__Role(rawValue: UInt32(role?.rawValue ?? 0))
        raw.node_id = arena.data(nodeId)
        raw.tls = tls ? 1 : 0
        (raw.age_ms, raw.idle_ms) = (ageMs, idleMs)
        raw.open_streams = openStreams
        raw.traffic = arena.message(traffic)
        (raw.credit_out, raw.credit_in) = (creditOut, creditIn)
        if let roundTrip { raw.round_trip = arena.message(roundTrip) }
    }
}

extension ConnectionReport.RoundTrip: CMessage {
    static func prepare(_ raw: UnsafeMutablePointer<Rookery__Rpc__RoundTrip>) { rookery__rpc__round_trip__init(raw) }

    init(copying raw: Rookery__Rpc__RoundTrip) { self.init(us: raw.us, ageMs: raw.age_ms) }

    func fill(_ raw: inout Rookery__Rpc__RoundTrip, _ arena: borrowing Arena) { (raw.us, raw.age_ms) = (us, ageMs) }
}

extension StreamReport: CMessage {
    static func prepare(_ raw: UnsafeMutablePointer<Rookery__Rpc__StreamReport>) {
        rookery__rpc__stream_report__init(raw)
    }

    init(copying raw: Rookery__Rpc__StreamReport) {
        self.init(
            id: raw.id, method: raw.method.text, ageMs: raw.age_ms, state: State(rawValue: raw.state.rawValue),
            creditOut: raw.credit_out, creditIn: raw.credit_in, messagesWaiting: raw.messages_waiting)
    }

    func fill(_ raw: inout Rookery__Rpc__StreamReport, _ arena: borrowing Arena) {
        raw.id = id
        raw.method = arena.data(method)
        raw.age_ms = ageMs
        raw.state = Rookery__Rpc__StreamState(rawValue: state?.rawValue ?? 0)
        (raw.credit_out, raw.credit_in) = (creditOut, creditIn)
        raw.messages_waiting = messagesWaiting
    }
}

extension Traffic {
    /// A message that is not there has every field at its zero.
    init(ifAny raw: UnsafeMutablePointer<Rookery__Rpc__TrafficReport>?) {
        self = raw.map { Traffic(copying: $0.pointee) } ?? Traffic()
    }
}

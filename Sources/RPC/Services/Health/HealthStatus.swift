import CRPCMessages

/// Whether a service takes work; names and numbers are gRPC's (grpc/health/v1/health.proto).
public enum HealthStatus: UInt32, Sendable, CaseIterable {
    case serving = 1
    case notServing = 2
    /// Nobody has said anything of such a service yet; only ``Channel/watchHealth(of:options:)`` says so.
    case serviceUnknown = 3

    public var name: String {
        switch self {
        case .serving: "SERVING"
        case .notServing: "NOT_SERVING"
        case .serviceUnknown: "SERVICE_UNKNOWN"
        }
    }
}

struct HealthRequest: CMessage {
    /// Empty: the whole server.
    var service: String

    init(service: String) { self.service = service }

    static func prepare(_ raw: UnsafeMutablePointer<Rookery__Rpc__HealthRequest>) {
        rookery__rpc__health_request__init(raw)
    }

    init(copying raw: Rookery__Rpc__HealthRequest) { service = raw.service.text }

    func fill(_ raw: inout Rookery__Rpc__HealthRequest, _ arena: borrowing Arena) { raw.service = arena.data(service) }
}

struct HealthReply: CMessage {
    /// Nil: a number that this version does not know.
    var status: HealthStatus?

    init(_ status: HealthStatus) { self.status = status }

    static func prepare(_ raw: UnsafeMutablePointer<Rookery__Rpc__HealthReply>) {
        rookery__rpc__health_reply__init(raw)
    }

    init(copying raw: Rookery__Rpc__HealthReply) { status = HealthStatus(rawValue: raw.status.rawValue) }

    func fill(_ raw: inout Rookery__Rpc__HealthReply, _ arena: borrowing Arena) {
        raw.status = Rookery__Rpc__HealthStatus(rawValue: status?.rawValue ?? 0)
    }

    /// What a caller is told.
    func known() throws(RPCError) -> HealthStatus {
        guard let status else { throw RPCError(.dataLoss, "a health status that this version does not know") }
        return status
    }
}

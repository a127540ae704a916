@testable import RPC

extension FuzzTarget {
    /// The messages of the services that come with the RPC layer; the first byte says which.
    static let serviceMessages = FuzzTarget(
        name: "messages-services", check: ServiceMessageCheck.check,
        seeds: { ServiceMessageCheck.messages.indices.map { [UInt8($0)] } })
}

enum ServiceMessageCheck {
    /// `MessageList.services` has the names from the proto, and each must be here.
    static let messages: [any CMessage.Type] = [
        HealthRequest.self, HealthReply.self, ServicesRequest.self, ServicesReply.self, ServiceShape.self,
        MethodShape.self, ShapesRequest.self, MessageFamily.self, MessageShape.self, FieldShape.self, EnumShape.self,
        EnumShape.Value.self, TotalsRequest.self, ServerTotals.self, Traffic.self, ConnectionsRequest.self,
        ConnectionPage.self, ConnectionReport.self, ConnectionReport.RoundTrip.self, StreamsRequest.self,
        StreamsReply.self, StreamReport.self,
    ]

    /// As Protos/services.proto calls them.
    static var names: [String] { messages.map { $0.descriptor.name } }

    static func check(_ input: inout FuzzInput) throws {
        let message = messages[MessageCheck.choice(input.byte(), of: messages.count)]
        let bytes = input.rest()
        try roundTrip(message, Array(bytes))
    }

    private static func roundTrip<M: CMessage>(_ type: M.Type, _ bytes: [UInt8]) throws {
        guard let message = try? M(unpacking: bytes, orElse: .internalError) else { return }
        let packed = message.packed()
        let again = try M(unpacking: packed, orElse: .internalError)
        try hold(again.packed() == packed, "\(M.self) that is packed again is the same")
    }
}

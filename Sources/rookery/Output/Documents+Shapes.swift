import Client
import Cluster

// JSON documents of `rookery cluster health` and `methods`.

struct HealthDocument: Encodable {
    struct Node: Encodable {
        var id: String
        var address: String
        var status: String
        /// Why it could not be asked.
        var error: String?

        init(_ node: NodeInfo, _ result: Result<HealthStatus, RookeryError>) {
            (id, address) = (node.id.rawValue, node.address.description)
            switch result {
            case .success(let health): status = health.name
            case .failure(let failure): (status, error) = (HealthDocument.unreachable, failure.message)
            }
        }
    }

    static let unreachable = "UNREACHABLE"

    /// Empty: the whole node.
    var service: String
    var nodes: [Node]
}

struct ServicesDocument: Encodable {
    struct Service: Encodable {
        var name: String
        var methods: [MethodDocument.Method]
    }

    var services: [Service]

    init(_ shapes: [ServiceShape]) {
        services = shapes.map { Service(name: $0.name, methods: $0.methods.map(MethodDocument.Method.init)) }
    }
}

/// A method with its messages, or a message with those that it holds.
struct MethodDocument: Encodable {
    struct Method: Encodable {
        var name: String
        var kind: String
        var peers_only: Bool
        /// Empty: plain bytes.
        var request: String
        var reply: String

        init(_ shape: MethodShape) {
            kind =
                switch shape.kind {
                case .unary: "unary"
                case .clientStreaming: "client_streaming"
                case .serverStreaming: "server_streaming"
                case .bidirectional: "bidirectional"
                case nil: "unknown"
                }
            (name, peers_only, request, reply) = (shape.name, shape.peersOnly, shape.request, shape.reply)
        }
    }

    struct Message: Encodable {
        struct Field: Encodable {
            var name: String
            var number: UInt32
            var label: String
            var type: String
            /// Of a message or an enumeration.
            var type_name: String?
        }

        var name: String
        var fields: [Field]
    }

    struct Enumeration: Encodable {
        struct Value: Encodable {
            var name: String
            var number: Int32
        }

        var name: String
        var values: [Value]
    }

    var method: Method?
    var messages: [Message] = []
    var enums: [Enumeration] = []

    init(method: MethodShape) { self.method = Method(method) }

    init(family: MessageFamily) { add(family) }

    /// What is there already is not added again.
    mutating func add(_ family: MessageFamily) {
        for shape in family.messages where !messages.contains(where: { $0.name == shape.name }) {
            let fields = shape.fields.map { field in
                Message.Field(
                    name: field.name, number: field.number, label: field.label.map { "\($0)" } ?? "unknown",
                    type: field.type?.name ?? "unknown", type_name: field.typeName.isEmpty ? nil : field.typeName)
            }
            messages.append(Message(name: shape.name, fields: fields))
        }
        for shape in family.enums where !enums.contains(where: { $0.name == shape.name }) {
            let values = shape.values.map { Enumeration.Value(name: $0.name, number: $0.number) }
            enums.append(Enumeration(name: shape.name, values: values))
        }
    }
}

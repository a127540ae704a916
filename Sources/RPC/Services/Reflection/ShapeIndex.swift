/// The services of a method table, and all messages that its methods take and give, directly or not.
struct ShapeIndex: Sendable {
    /// By name, ascending.
    let services: [ServiceShape]
    private let messages: [String: MessageDescriptor]

    init(_ methods: MethodTable) {
        let shapes = methods.shapes
        services = Dictionary(grouping: shapes) { MethodTable.service(of: $0.name) }
            .map { ServiceShape(name: $0.key, methods: $0.value) }
            .sorted { $0.name < $1.name }
        let family = Self.family(of: methods.descriptors)
        messages = Dictionary(family.map { ($0.name, $0) }) { first, _ in first }
    }

    func service(_ name: String) -> ServiceShape? { services.first { $0.name == name } }

    /// Nil: no method of this server has anything to do with such a message.
    func family(of name: String) -> MessageFamily? {
        guard let message = messages[name] else { return nil }
        let family = Self.family(of: [message])
        var enums: [EnumShape] = []
        for shape in family.flatMap(\.enums) where !enums.contains(shape) { enums.append(shape) }
        return MessageFamily(messages: family.map(\.shape), enums: enums)
    }

    /// These and what they hold, each once, nearer ones first. Ends also where a message holds itself.
    private static func family(of roots: [MessageDescriptor]) -> [MessageDescriptor] {
        var (found, seen): ([MessageDescriptor], Set<String>) = ([], [])
        var next = roots
        while !next.isEmpty {
            let fresh = next.filter { seen.insert($0.name).inserted }
            found += fresh
            next = fresh.flatMap(\.inner)
        }
        return found
    }
}

import Client

/// Methods and messages as a .proto file would have them.
struct ShapeText {
    var style: Style

    func lines(_ document: MethodDocument) -> [String] {
        var blocks = document.messages.map(block) + document.enums.map(block)
        if let method = document.method { blocks.insert([line(method)], at: 0) }
        return Array(blocks.joined(separator: [""]))
    }

    private func line(_ method: MethodDocument.Method) -> String {
        func side(_ name: String, isStream: Bool) -> String {
            (isStream ? "stream " : "") + (name.isEmpty ? "bytes" : name)
        }
        let request = side(method.request, isStream: ["client_streaming", "bidirectional"].contains(method.kind))
        let reply = side(method.reply, isStream: ["server_streaming", "bidirectional"].contains(method.kind))
        let note = method.peers_only ? style.faint(" // for the cluster's own nodes") : ""
        return "rpc \(style.name(method.name))(\(request)) returns (\(reply));\(note)"
    }

    private func block(_ message: MethodDocument.Message) -> [String] {
        let fields = message.fields.map { field in
            let label = field.label == "optional" ? "" : field.label + " "
            return "  \(label)\(field.type_name ?? field.type) \(field.name) = \(field.number);"
        }
        return ["message \(style.name(message.name)) {"] + fields + ["}"]
    }

    private func block(_ shape: MethodDocument.Enumeration) -> [String] {
        ["enum \(style.name(shape.name)) {"] + shape.values.map { "  \($0.name) = \($0.number);" } + ["}"]
    }
}

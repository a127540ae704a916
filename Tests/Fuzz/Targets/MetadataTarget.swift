import NIOCore

@testable import RPC

extension FuzzTarget {
    /// A call's metadata with its trace context: read, judged, and written again.
    static let metadata = FuzzTarget(name: "metadata", check: MetadataCheck.check, seeds: MetadataCheck.seeds)
}

private enum MetadataCheck {
    static func check(_ input: inout FuzzInput) throws {
        let bytes = input.rest()
        guard let metadata = try? Metadata(unpacking: ByteBuffer(bytes: bytes)) else { return }
        try agrees(metadata, bytes)
        let isRefused = metadata.refusal != nil
        try hold(isRefused == metadata.entries.contains { !isAllowed($0) }, "what may be sent is what the page says")
        let packed = metadata.packed()
        try hold(packed.isEmpty == metadata.isEmpty, "no metadata takes no bytes")
        let again = try Metadata(unpacking: ByteBuffer(bytes: packed))
        try hold(again == metadata && again.packed() == packed, "metadata that is written again is the same")
    }

    private static func agrees(_ metadata: Metadata, _ bytes: [UInt8]) throws {
        guard let fields = ProtoFields(bytes) else { throw Broken("what is no protobuf is read as metadata") }
        let entries = fields.all(1)
        try hold(entries.count <= 128, "\(entries.count) entries are taken")
        try hold(metadata.entries.count == entries.count, "\(metadata.entries.count) of \(entries.count) entries")
        for (entry, packed) in zip(metadata.entries, entries) {
            guard let parts = ProtoFields(packed) else { throw Broken("what is no protobuf is read as an entry") }
            try hold(entry.key == text(parts.all(1).last), "an entry's key")
            try hold(entry.value == parts.all(2).last ?? [], "an entry's value")
        }
        try hold(metadata.traceParent == text(fields.all(2).last), "the trace context")
    }

    private static func text(_ bytes: [UInt8]?) -> String { String(decoding: bytes ?? [], as: UTF8.self) }

    /// docs/protocol.md, "Metadata".
    private static func isAllowed(_ entry: Metadata.Entry) -> Bool {
        let key = Array(entry.key.utf8)
        guard !key.isEmpty, key.allSatisfy(keyBytes.contains) else { return false }
        return key.suffix(4) == Array("-bin".utf8)[...] || entry.value.allSatisfy { $0 >= 32 && $0 <= 126 }
    }

    private static let keyBytes = Array("abcdefghijklmnopqrstuvwxyz0123456789-_.".utf8)

    static func seeds() -> [[UInt8]] {
        let entry = Metadata.Entry(key: "user-agent", text: "rookery/1")
        let traced = Metadata(
            entries: [entry, .init(key: "token-bin", value: [0, 255])],
            traceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        let most = Metadata(entries: [Metadata.Entry](repeating: .init(key: "k", value: []), count: 128))
        let tooMany = Metadata(entries: [Metadata.Entry](repeating: .init(key: "k", value: []), count: 129))
        let wrong = Metadata(entries: [.init(key: "Upper", text: "x"), .init(key: "", text: ""), entry])
        return [Metadata(entries: [entry]), traced, most, tooMany, wrong].map { $0.packed() }
    }
}

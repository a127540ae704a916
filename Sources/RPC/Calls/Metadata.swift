/// What rides along with a call or an answer, apart from its message. Together at most 64 KiB and 128 entries.
public struct Metadata: Hashable, Sendable {
    public struct Entry: Hashable, Sendable {
        /// Lower-case ASCII letters, digits, `-`, `_` and `.`. The value of a key that ends in `-bin` may be any bytes;
        /// others are text: printable ASCII, as gRPC has it.
        public var key: String
        public var value: [UInt8]

        public init(key: String, value: [UInt8]) {
            self.key = key
            self.value = value
        }

        public init(key: String, text: String) {
            self.init(key: key, value: Array(text.utf8))
        }

        fileprivate var isValid: Bool {
            let keyBytes = key.utf8
            guard !keyBytes.isEmpty, keyBytes.allSatisfy(Self.isKeyByte) else { return false }
            return key.hasSuffix("-bin") || value.allSatisfy { (0x20...0x7E).contains($0) }
        }

        private static func isKeyByte(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."): true
            default: false
            }
        }
    }

    /// More are refused on arrival: entries of two bytes would unpack to many times their size.
    public static let maxEntries = 128
    /// What the length fields of a request and a response can say.
    static let maxPackedBytes = Int(UInt16.max)

    public var entries: [Entry]
    /// W3C trace context (`traceparent`); empty when the call is not traced.
    public var traceParent: String

    public init(entries: [Entry] = [], traceParent: String = "") {
        self.entries = entries
        self.traceParent = traceParent
    }

    public var isEmpty: Bool { entries.isEmpty && traceParent.isEmpty }

    /// The first value under `key`; setting replaces all of them, setting nil removes them.
    public subscript(key: String) -> [UInt8]? {
        get { entries.first { $0.key == key }?.value }
        set {
            entries.removeAll { $0.key == key }
            if let newValue { entries.append(Entry(key: key, value: newValue)) }
        }
    }

    /// The first value under `key` as text.
    public subscript(text key: String) -> String? {
        get { self[key].map { String(decoding: $0, as: UTF8.self) } }
        set { self[key] = newValue.map { Array($0.utf8) } }
    }

    /// Why it may not be sent; nil when it may.
    var refusal: RPCError? {
        guard entries.count <= Self.maxEntries else { return .metadataTooLarge }
        guard let bad = entries.first(where: { !$0.isValid }) else { return nil }
        return RPCError(
            .invalidArgument,
            "the metadata entry \"\(bad.key.prefix(64))\" has a key that is not lower-case ASCII, or a value that is "
                + "not printable ASCII under a key that does not end in -bin", ran: .no)
    }
}

extension RPCError {
    static let metadataTooLarge = RPCError(
        .invalidArgument,
        "metadata is limited to \(Metadata.maxEntries) entries and \(Metadata.maxPackedBytes) bytes", ran: .no)
}

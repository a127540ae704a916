/// What rides along with a call or an answer, apart from its message. Together at most 64 KiB and 128 entries.
public struct Metadata: Hashable, Sendable {
    public struct Entry: Hashable, Sendable {
        /// Lower-case ASCII.
        public var key: String
        public var value: [UInt8]

        public init(key: String, value: [UInt8]) {
            self.key = key
            self.value = value
        }
    }

    /// More are refused on arrival: entries of two bytes would unpack to many times their size.
    public static let maxEntries = 128

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
}

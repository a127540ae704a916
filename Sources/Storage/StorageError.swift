/// Why storage refused or failed. Each case reads as a sentence that says what to do where something can be done.
public enum StorageError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Bytes that are stored are not what was written, or not what their place asks for.
    case corrupt(String)
    /// The disk or RocksDB failed. After a failed write the process ends (rule C9).
    case io(String)
    /// The store was closed before the call.
    case closed
    /// The bytes are not an `Effects` in its binary form.
    case malformedEffects(String)
    /// The store cannot do this at all (a memory store has no files).
    case unsupported(String)
    /// A newer rookeryd made this directory (rule G3).
    case newerFormat(path: String, found: UInt64, supported: UInt64)
    /// The directory belongs to another cluster or another node. `what` is "cluster" or "node".
    case foreign(path: String, what: String, found: String, expected: String)
    /// The directory cannot be made or written.
    case unwritable(path: String, reason: String)
    /// Another process (or another `DataDirectory` of this one) uses the directory.
    case locked(path: String, holder: String)

    public var description: String {
        switch self {
        case .corrupt(let what): "stored data is corrupt: \(what)"
        case .io(let message): "storage failed: \(message)"
        case .closed: "the store is closed"
        case .malformedEffects(let what): "malformed effects: \(what)"
        case .unsupported(let what): "unsupported: \(what)"
        case .newerFormat(let path, let found, let supported):
            "\(path): this data directory has format \(found); "
                + "this rookeryd reads up to \(supported): use a newer rookeryd"
        case .foreign(let path, let what, let found, let expected):
            "\(path): this data directory belongs to \(what) \"\(found)\", "
                + "not to \"\(expected)\": use another directory"
        case .unwritable(let path, let reason):
            "\(path): cannot be used as a data directory: \(reason)"
        case .locked(let path, let holder):
            "\(path): this data directory is in use by \(holder): stop it first"
        }
    }
}

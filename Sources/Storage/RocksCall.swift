import CRocksDB

/// Calls into RocksDB's C interface: its way of reporting errors, and its byte type, kept in one place.
enum RocksCall {
    typealias ErrorSlot = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

    static func checked<Result>(_ body: (ErrorSlot) -> Result) throws -> Result {
        var message: UnsafeMutablePointer<CChar>?
        let result = body(&message)
        if let message { throw error(taking: message) }
        return result
    }

    /// Frees `message`, as the C interface asks.
    static func error(taking message: UnsafeMutablePointer<CChar>) -> StorageError {
        defer { rocksdb_free(message) }
        let text = String(cString: message)
        return text.hasPrefix("Corruption") ? .corrupt(text) : .io(text)
    }
}

extension UnsafeRawBufferPointer {
    /// RocksDB takes bytes as `char`. Bytes have no alignment and every pattern is a `CChar`.
    var chars: UnsafePointer<CChar>? { baseAddress?.assumingMemoryBound(to: CChar.self) }

    init(chars: UnsafePointer<CChar>?, count: Int) {
        self.init(start: UnsafeRawPointer(chars), count: count)
    }
}

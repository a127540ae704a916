extension Effects {
    /// Checks every operation and every bound before anything is kept. Throws `StorageError.malformedEffects`.
    public static func decode(_ bytes: [UInt8]) throws -> Effects {
        guard bytes.count <= maxEncodedBytes else { throw malformed("\(bytes.count) bytes", at: 0) }
        try bytes.withUnsafeBytes { raw in
            var walk = Walk(bytes: raw)
            while try walk.next() != nil {}
        }
        return Effects(checked: bytes)
    }

    /// Walks encoded effects and hands on the values that are put in one family, in order; their pointers are valid
    /// until `body` returns. Throws `StorageError.malformedEffects`, and what `body` throws.
    public static func forEachPut(
        in family: Family, of encoded: [UInt8], _ body: (_ value: UnsafeRawBufferPointer) throws -> Void
    ) throws {
        try encoded.withUnsafeBytes { raw in
            var walk = Walk(bytes: raw)
            while let operation = try walk.next() {
                if operation.kind == .put, operation.family == family { try body(operation.second) }
            }
        }
    }

    /// Whether encoded effects change anything in a family that is asked for. Throws `StorageError.malformedEffects`.
    public static func touch(in encoded: [UInt8], _ isAskedFor: (Family) -> Bool) throws -> Bool {
        try encoded.withUnsafeBytes { raw in
            var walk = Walk(bytes: raw)
            while let operation = try walk.next() {
                if isAskedFor(operation.family) { return true }
            }
            return false
        }
    }

    /// The operations in order, copied out.
    public var operations: [Operation] {
        var result: [Operation] = []
        forEach { result.append(Operation($0)) }
        return result
    }

    /// An operation in place; its pointers are valid inside `forEach` only. `second` is the value, the delta's
    /// eight bytes, or the end key, and empty for a delete.
    struct RawOperation {
        var kind: Kind
        var family: Family
        var first: UnsafeRawBufferPointer
        var second: UnsafeRawBufferPointer
    }

    func forEach(_ body: (RawOperation) throws -> Void) rethrows {
        try bytes.withUnsafeBytes { raw in
            var walk = Walk(bytes: raw)
            while let operation = walk.nextTrusted() { try body(operation) }
        }
    }

    private static func malformed(_ what: String, at offset: Int) -> StorageError {
        .malformedEffects("\(what) at byte \(offset)")
    }

    private struct Walk {
        let bytes: UnsafeRawBufferPointer
        var offset = 0

        init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

        /// Only decoded or built bytes get here, so a failure is a bug of this file.
        mutating func nextTrusted() -> RawOperation? {
            do {
                return try next()
            } catch {
                preconditionFailure("effects that were checked are malformed: \(error)")
            }
        }

        mutating func next() throws -> RawOperation? {
            guard offset < bytes.count else { return nil }
            let start = offset
            guard let kind = Kind(rawValue: try byte()) else { throw malformed("unknown kind", at: start) }
            guard let family = Family(rawValue: try byte()) else { throw malformed("unknown family", at: start) }
            let first = try field(1...maxKeyBytes)
            let second = try second(of: kind)
            if kind == .deleteRange, !KeyOrder.precedes(first, second) { throw malformed("empty range", at: start) }
            return RawOperation(kind: kind, family: family, first: first, second: second)
        }

        private mutating func second(of kind: Kind) throws -> UnsafeRawBufferPointer {
            switch kind {
            case .put: try field(0...maxValueBytes)
            case .delete: UnsafeRawBufferPointer(start: nil, count: 0)
            case .merge: try take(CounterValue.byteCount)
            case .deleteRange: try field(1...maxKeyBytes)
            }
        }

        private mutating func field(_ allowed: ClosedRange<Int>) throws -> UnsafeRawBufferPointer {
            let start = offset
            let length = try varint()
            guard allowed.contains(length) else { throw malformed("a field of \(length) bytes", at: start) }
            return try take(length)
        }

        private mutating func varint() throws -> Int {
            let start = offset
            var value = 0
            for shift in stride(from: 0, through: 21, by: 7) {
                let next = try byte()
                value |= Int(next & 0x7f) << shift
                guard next < 0x80 else { continue }
                if next == 0 && shift > 0 { break }
                return value
            }
            throw malformed("a length that is too long", at: start)
        }

        private mutating func byte() throws -> UInt8 { try take(1)[0] }

        private mutating func take(_ count: Int) throws -> UnsafeRawBufferPointer {
            guard count <= bytes.count - offset else { throw malformed("cut short", at: offset) }
            defer { offset += count }
            return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
        }
    }
}

extension Effects.Operation {
    fileprivate init(_ raw: Effects.RawOperation) {
        let (first, second) = (Array(raw.first), Array(raw.second))
        switch raw.kind {
        case .put: self = .put(raw.family, key: first, value: second)
        case .delete: self = .delete(raw.family, key: first)
        case .merge: self = .merge(raw.family, key: first, delta: raw.delta)
        case .deleteRange: self = .deleteRange(raw.family, from: first, to: second)
        }
    }
}

extension Effects.RawOperation {
    /// Of a merge, whose second field was checked to be eight bytes.
    var delta: Int64 { Int64(littleEndian: second.loadUnaligned(as: Int64.self)) }
}

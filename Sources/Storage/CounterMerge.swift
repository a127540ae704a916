import CRocksDB
import Glibc

/// RocksDB's merge operator for counters: `CounterValue`s that are added.
///
/// The callbacks must always return memory from malloc and its length, and set `success`, also when they fail:
/// RocksDB copies and frees the result before it looks at `success`. A failed merge becomes `Corruption` at the read.
enum CounterMerge {
    private typealias Operands = UnsafePointer<UnsafePointer<CChar>?>
    private typealias Lengths = UnsafePointer<Int>

    /// The caller hands it to exactly one options object, which frees it.
    static func makeOperator() -> OpaquePointer? {
        rocksdb_mergeoperator_create(
            nil,
            { _ in },
            { _, _, _, existing, existingLength, operands, lengths, count, success, newLength in
                let start = existing.map { UnsafeRawBufferPointer(chars: $0, count: existingLength) }
                return CounterMerge.fold(start, operands, lengths, count, success, newLength)
            },
            { _, _, _, operands, lengths, count, success, newLength in
                CounterMerge.fold(nil, operands, lengths, count, success, newLength)
            },
            // RocksDB frees results with free().
            nil,
            { _ in CounterMerge.name })
    }

    /// Stored with the families; it must not change. A `StaticString` is there as long as the process.
    private static var name: UnsafePointer<CChar>? {
        let text: StaticString = "rookery.int64add"
        return UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
    }

    private static func fold(
        _ existing: UnsafeRawBufferPointer?, _ operands: Operands?, _ lengths: Lengths?, _ count: Int32,
        _ success: UnsafeMutablePointer<UInt8>?, _ newLength: UnsafeMutablePointer<Int>?
    ) -> UnsafeMutablePointer<CChar>? {
        let sum = sum(existing, operands, lengths, count)
        success?.pointee = sum == nil ? 0 : 1
        newLength?.pointee = CounterValue.byteCount
        guard let memory = malloc(CounterValue.byteCount) else { fatalError("out of memory") }
        memory.storeBytes(of: (sum ?? 0).littleEndian, as: Int64.self)
        return memory.assumingMemoryBound(to: CChar.self)
    }

    /// Nil when one of the values is not a counter.
    private static func sum(
        _ existing: UnsafeRawBufferPointer?, _ operands: Operands?, _ lengths: Lengths?, _ count: Int32
    ) -> Int64? {
        guard let operands, let lengths else { return nil }
        var sum: Int64 = 0
        if let existing {
            guard let value = try? CounterValue.decode(existing) else { return nil }  // nil is the error here
            sum = value
        }
        for index in 0..<Int(count) {
            let operand = UnsafeRawBufferPointer(chars: operands[index], count: lengths[index])
            guard let value = try? CounterValue.decode(operand) else { return nil }  // as above
            sum &+= value
        }
        return sum
    }
}

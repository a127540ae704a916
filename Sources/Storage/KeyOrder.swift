import Glibc

/// The order of keys: bytewise, a prefix before what it begins; RocksDB's default comparator is the same.
enum KeyOrder {
    static func precedes(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        a.withUnsafeBytes { a in b.withUnsafeBytes { b in precedes(a, b) } }
    }

    static func precedes(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
        compare(a, b) < 0
    }

    /// Below, at or above 0 as `a` is below, equal to or above `b`.
    static func compare(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Int {
        let common = min(a.count, b.count)
        if common > 0, let left = a.baseAddress, let right = b.baseAddress {
            let order = memcmp(left, right, common)
            if order != 0 { return Int(order) }
        }
        return a.count - b.count
    }

    static func compare(_ a: [UInt8], _ b: [UInt8]) -> Int {
        a.withUnsafeBytes { a in b.withUnsafeBytes { b in compare(a, b) } }
    }
}

/// The first key above every key that begins with `prefix`, for use as the exclusive end of a scan.
/// Empty, which a scan takes as "no end", when `prefix` is empty or all `0xff`.
public func prefixEnd(_ prefix: [UInt8]) -> [UInt8] {
    guard let last = prefix.lastIndex(where: { $0 != 0xff }) else { return [] }
    var end = Array(prefix[...last])
    end[last] += 1
    return end
}

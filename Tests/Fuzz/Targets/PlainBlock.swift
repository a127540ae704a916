/// An LZ4 block, read in the plainest way (lz4's doc/lz4_Block_format.md).
enum PlainBlock {
    /// Nil when it is none, or holds more than `most` bytes.
    static func read(_ block: [UInt8], most: Int) -> [UInt8]? {
        var (rest, result) = (block[...], [UInt8]())
        while let token = rest.popFirst() {
            guard let literals = length(token >> 4, &rest), literals <= rest.count else { return nil }
            result += rest.prefix(literals)
            rest = rest.dropFirst(literals)
            if rest.isEmpty { break }
            guard copy(token, &rest, &result, most: most) else { return nil }
        }
        return result.count <= most ? result : nil
    }

    private static func copy(
        _ token: UInt8, _ rest: inout ArraySlice<UInt8>, _ result: inout [UInt8], most: Int
    ) -> Bool {
        guard let low = rest.popFirst(), let high = rest.popFirst() else { return false }
        let distance = Int(low) | Int(high) << 8
        guard let count = length(token & 15, &rest), distance <= result.count, result.count + count + 4 <= most else {
            return false
        }
        // The format has no distance of 0. liblz4 takes it for zeroes: nothing of its memory may show.
        for _ in 0..<count + 4 { result.append(distance == 0 ? 0 : result[result.count - distance]) }
        return true
    }

    private static func length(_ nibble: UInt8, _ rest: inout ArraySlice<UInt8>) -> Int? {
        var count = Int(nibble)
        guard nibble == 15 else { return count }
        while let byte = rest.popFirst() {
            count += Int(byte)
            if byte < 255 { return count }
        }
        return nil
    }
}

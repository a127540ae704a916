/// An upper bound for each key that has no counter, shared by those that fall into one cell. Four bytes a cell; beyond
/// what they hold a cell only says "as much as any".
struct Filter: Sendable {
    private static let full = UInt32.max

    private var cells: [UInt32]

    init(cellCount: Int) { cells = [UInt32](repeating: 0, count: cellCount) }

    var byteCount: Int { cells.capacity * MemoryLayout<UInt32>.stride }

    /// - Parameter most: what no key without a counter exceeds.
    func bound(_ hash: UInt64, atMost most: UInt64) -> UInt64 {
        let cell = cells[index(hash)]
        return cell == Self.full ? most : UInt64(cell)
    }

    /// The keys of this hash's cell may have as much.
    mutating func raise(_ hash: UInt64, to bound: UInt64) {
        let index = index(hash)
        cells[index] = max(cells[index], UInt32(clamping: bound))
    }

    /// The bounds for two streams together, and the largest of them.
    /// - Parameters: what no key without a counter exceeds here and there.
    mutating func add(_ other: Filter, most: UInt64, otherMost: UInt64) -> UInt64 {
        var largest: UInt64 = 0
        for index in cells.indices {
            let here = cells[index] == Self.full ? most : UInt64(cells[index])
            let there = other.cells[index] == Self.full ? otherMost : UInt64(other.cells[index])
            largest = max(largest, here + there)
            cells[index] = UInt32(clamping: here + there)
        }
        return largest
    }

    /// The place table goes by the hash's upper bits; a multiplication brings the lower ones up.
    private func index(_ hash: UInt64) -> Int {
        let mixed = hash &* 0x9e37_79b9_7f4a_7c15
        return Int(mixed.multipliedFullWidth(by: UInt64(cells.count)).high)
    }
}

/// An upper bound for each key that has no counter, shared by those that fall into one cell. Four bytes a cell; beyond
/// what they hold a cell only says "as much as any". Takes memory from when the first key has no counter.
struct Filter: Sendable {
    private static let full = UInt32.max

    let cellCount: Int
    private var cells: [UInt32] = []
    /// The largest bound of all; bounds never fall.
    private(set) var ceiling: UInt64 = 0

    init(cellCount: Int) { self.cellCount = cellCount }

    var byteCount: Int { cells.capacity * MemoryLayout<UInt32>.stride }

    /// No key of this hash's cell weighs more.
    func bound(_ hash: UInt64) -> UInt64 { cells.isEmpty ? 0 : bound(ofCell: index(hash)) }

    private func bound(ofCell index: Int) -> UInt64 { cells[index] == Self.full ? ceiling : UInt64(cells[index]) }

    /// The keys of this hash's cell may have as much.
    mutating func raise(_ hash: UInt64, to bound: UInt64) {
        guard bound > 0 else { return }
        if cells.isEmpty { cells = [UInt32](repeating: 0, count: cellCount) }
        let index = index(hash)
        cells[index] = max(cells[index], UInt32(clamping: bound))
        ceiling = max(ceiling, bound)
    }

    /// Adds the bound of each cell to that cell's sum.
    func add(to sums: inout [UInt64]) {
        for index in cells.indices { sums[index] += bound(ofCell: index) }
    }

    /// The place table goes by the hash's upper bits; a multiplication brings the lower ones up.
    func index(_ hash: UInt64) -> Int {
        let mixed = hash &* 0x9e37_79b9_7f4a_7c15
        return Int(mixed.multipliedFullWidth(by: UInt64(cellCount)).high)
    }
}

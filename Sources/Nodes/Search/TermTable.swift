/// Numbers terms in the order in which they are first seen: 0, 1, 2, …
///
/// Open addressing over row numbers; the terms' bytes lie in one array. Hashing is the standard library's, keyed per
/// process, so that nobody can choose words that collide; no order that it gives is ever visible.
struct TermTable: Sendable {
    private(set) var bytes: [UInt8] = []
    /// Where each term ends; it begins where the one before it ends.
    private var ends: [UInt32] = []
    /// Row number + 1, or 0. A power of two of them, at most three quarters used.
    private var slots = [UInt32](repeating: 0, count: 64)

    var count: Int { ends.count }

    func range(of row: Int) -> Range<Int> {
        (row == 0 ? 0 : Int(ends[row - 1]))..<Int(ends[row])
    }

    func find(_ term: Span<UInt8>) -> Int? {
        let row = slots[slot(of: term)]
        return row == 0 ? nil : Int(row) - 1
    }

    /// The term's row, made when the term is new: then it equals the count before.
    mutating func intern(_ term: Span<UInt8>) -> Int {
        let slot = slot(of: term)
        guard slots[slot] == 0 else { return Int(slots[slot]) - 1 }
        for index in term.indices { bytes.append(term[index]) }
        ends.append(UInt32(bytes.count))
        slots[slot] = UInt32(ends.count)
        if ends.count * 4 > slots.count * 3 { grow() }
        return ends.count - 1
    }

    /// Rows by the bytes of their terms.
    func sortedRows() -> [Int] {
        (0..<count).sorted { left, right in
            bytes[range(of: left)].lexicographicallyPrecedes(bytes[range(of: right)])
        }
    }

    /// The term's slot, or the free one where it belongs.
    private func slot(of term: Span<UInt8>) -> Int {
        var slot = home(of: term)
        while slots[slot] != 0 && !holds(Int(slots[slot]) - 1, term) {
            slot = (slot + 1) & (slots.count - 1)
        }
        return slot
    }

    private func holds(_ row: Int, _ term: Span<UInt8>) -> Bool {
        let range = range(of: row)
        guard range.count == term.count else { return false }
        for index in term.indices where bytes[range.lowerBound + index] != term[index] { return false }
        return true
    }

    private func home(of term: Span<UInt8>) -> Int {
        var hasher = Hasher()
        term.withUnsafeBytes { hasher.combine(bytes: $0) }
        return hasher.finalize() & (slots.count - 1)
    }

    private mutating func grow() {
        slots = [UInt32](repeating: 0, count: slots.count * 2)
        for row in 0..<count {
            var slot = home(of: bytes.span.extracting(range(of: row)))
            while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = UInt32(row + 1)
        }
    }
}

extension TermTable {
    /// Bytes that its arrays hold on the heap, slack included.
    var heapBytes: Int { bytes.capacity + (ends.capacity + slots.capacity) * 4 }
}

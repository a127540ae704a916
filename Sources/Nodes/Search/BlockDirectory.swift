/// What is kept in memory of a stored block, so that only what may answer is read: which terms it may hold, and where
/// its chunks begin.
struct BlockDirectory: Hashable, Sendable {
    /// Ascending; each is the subkey of its chunk.
    let firstTerms: [[UInt8]]
    let filter: TermFilter

    func mayHold(_ term: IndexTerm) -> Bool { filter.mayHold(term.bytes.span) }

    /// The subkey of the only chunk that can hold the term; nil when all chunks begin above it.
    func chunk(containing term: IndexTerm) -> [UInt8]? {
        let next = firstTerms.partitioningIndex { term.bytes.lexicographicallyPrecedes($0) }
        return next == 0 ? nil : firstTerms[next - 1]
    }

    // MARK: The stored form

    /// The row's value; its form stands at `PackedBlock`.
    func packed() -> [UInt8] {
        var writer = PackedWriter(format: PackedBlock.format)
        writer.varint(firstTerms.count)
        for term in firstTerms {
            writer.varint(term.count)
            writer.append(term)
        }
        writer.append(filter.bits)
        return writer.sealed()
    }

    init(firstTerms: [[UInt8]], filter: TermFilter) {
        self.firstTerms = firstTerms
        self.filter = filter
    }

    init(packed row: [UInt8]) throws(PackedBlockError) {
        var reader = try PackedReader(row: row, format: PackedBlock.format)
        var terms: [[UInt8]] = []
        for _ in 0..<(try reader.count(atMost: reader.remaining)) {
            let term = try reader.skip(try reader.count(atMost: IndexTerm.maxBytes))
            guard !term.isEmpty, terms.last?.lexicographicallyPrecedes(row[term]) ?? true else {
                throw .damaged("a directory's chunks do not ascend")
            }
            terms.append(Array(row[term]))
        }
        let bits = try reader.skip(reader.remaining)
        guard !terms.isEmpty, !bits.isEmpty else { throw .damaged("a directory is empty") }
        self.init(firstTerms: terms, filter: TermFilter(bits: Array(row[bits])))
    }
}

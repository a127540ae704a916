/// The open streams of a connection, by id. Ids ascend in steps of two and streams live shortly, so that nearly each one
/// has the slot of half its id to itself: nothing is hashed and nothing moved. A stream that finds another in its slot
/// goes to a dictionary.
struct StreamTable<Value> {
    private var ids: [UInt32]
    private var values: [Value?]
    /// Those whose slot another stream had when they came.
    private var displaced: [UInt32: Value] = [:]
    private(set) var count = 0

    init() {
        ids = [UInt32](repeating: 0, count: 16)
        values = [Value?](repeating: nil, count: 16)
    }

    var isEmpty: Bool { count == 0 }

    /// Ascending, so that no order depends on the process.
    var keys: [UInt32] { (ids.filter { $0 != 0 } + displaced.keys).sorted() }

    /// Stream 0 is the connection's and stands in no table.
    subscript(id: UInt32) -> Value? {
        get {
            let slot = slot(of: id)
            if ids[slot] == id, id != 0 { return values[slot] }
            return displaced.isEmpty ? nil : displaced[id]
        }
        _modify {
            precondition(id != 0, "stream 0 is the connection's")
            let slot = slot(of: id)
            if ids[slot] == id || (ids[slot] == 0 && displaced[id] == nil) {
                defer { settle(slot, id) }
                yield &values[slot]
            } else {
                let others = count - displaced.count
                defer { count = others + displaced.count }
                yield &displaced[id]
            }
        }
    }

    /// Adds a stream that is not in the table. Unlike the subscript it needs no coroutine, whose frame is on the heap.
    mutating func insert(_ value: Value, for id: UInt32) {
        let slot = slot(of: id)
        guard id != 0, ids[slot] == 0, displaced.isEmpty else { return self[id] = value }
        (ids[slot], values[slot]) = (id, value)
        count += 1
        if 2 * count > ids.count { grow() }
    }

    @discardableResult
    mutating func removeValue(forKey id: UInt32) -> Value? {
        let slot = slot(of: id)
        if ids[slot] == id, id != 0 {
            ids[slot] = 0
            count -= 1
            return values[slot].take()
        }
        guard !displaced.isEmpty, let value = displaced.removeValue(forKey: id) else { return nil }
        count -= 1
        return value
    }

    private func slot(of id: UInt32) -> Int { Int(id >> 1) & (ids.count - 1) }

    /// The value in the slot of `id` came, went, or changed.
    private mutating func settle(_ slot: Int, _ id: UInt32) {
        switch (ids[slot] == id, values[slot] != nil) {
        case (true, true), (false, false): return
        case (true, false):
            ids[slot] = 0
            count -= 1
        case (false, true):
            ids[slot] = id
            count += 1
            // At most half of the slots are taken, so that few streams meet.
            if 2 * count > ids.count { grow() }
        }
    }

    private mutating func grow() {
        var larger = StreamTable()
        larger.ids = [UInt32](repeating: 0, count: ids.count * 2)
        larger.values = [Value?](repeating: nil, count: ids.count * 2)
        for slot in ids.indices where ids[slot] != 0 { larger[ids[slot]] = values[slot] }
        for (id, value) in displaced { larger[id] = value }
        self = larger
    }
}

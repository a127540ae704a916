/// The open streams of a connection, by id. Ids ascend in steps of two and streams live shortly, so that neighbours lie
/// in neighbouring slots: open addressing by half the id, with linear probing, hashes nothing and hardly ever collides.
/// Unlike a `Dictionary` its order does not depend on the process (design, "no order that depends on the hash seed").
struct StreamTable<Value> {
    private var ids: [UInt32]
    private var values: [Value?]
    private(set) var count = 0

    init() {
        ids = [UInt32](repeating: 0, count: 16)
        values = [Value?](repeating: nil, count: 16)
    }

    var isEmpty: Bool { count == 0 }

    /// Ascending.
    var keys: [UInt32] { ids.filter { $0 != 0 }.sorted() }

    /// Stream 0 is the connection's and stands in no table.
    subscript(id: UInt32) -> Value? {
        get {
            guard let slot = slot(of: id) else { return nil }
            return values[slot]
        }
        _modify {
            var slot = slot(of: id)
            if slot == nil {
                slot = insert(id)
            }
            guard let slot else { preconditionFailure("a new stream has a slot") }
            defer { if values[slot] == nil { remove(at: slot) } }
            yield &values[slot]
        }
    }

    @discardableResult
    mutating func removeValue(forKey id: UInt32) -> Value? {
        guard let slot = slot(of: id) else { return nil }
        let value = values[slot]
        values[slot] = nil
        remove(at: slot)
        return value
    }

    private var mask: Int { ids.count - 1 }

    private func home(_ id: UInt32) -> Int { Int(id >> 1) & mask }

    private func slot(of id: UInt32) -> Int? {
        var slot = home(id)
        while ids[slot] != id {
            guard ids[slot] != 0 else { return nil }
            slot = (slot + 1) & mask
        }
        return id == 0 ? nil : slot
    }

    /// At most half of the slots are taken, so that probing ends soon.
    private mutating func insert(_ id: UInt32) -> Int {
        precondition(id != 0, "stream 0 is the connection's")
        if 2 * (count + 1) > ids.count { grow() }
        var slot = home(id)
        while ids[slot] != 0 { slot = (slot + 1) & mask }
        ids[slot] = id
        count += 1
        return slot
    }

    private mutating func grow() {
        let (oldIds, oldValues) = (ids, values)
        ids = [UInt32](repeating: 0, count: oldIds.count * 2)
        values = [Value?](repeating: nil, count: oldIds.count * 2)
        count = 0
        for (index, id) in oldIds.enumerated() where id != 0 {
            let slot = insert(id)
            values[slot] = oldValues[index]
        }
    }

    /// Closes the gap, so that no probe ends before what it seeks (Knuth, The Art of Computer Programming, volume 3,
    /// 6.4, algorithm R).
    private mutating func remove(at slot: Int) {
        count -= 1
        var gap = slot
        var next = (gap + 1) & mask
        while ids[next] != 0 {
            if (next - home(ids[next])) & mask >= (next - gap) & mask {
                ids[gap] = ids[next]
                values.swapAt(gap, next)
                gap = next
            }
            next = (next + 1) & mask
        }
        ids[gap] = 0
        values[gap] = nil
    }
}

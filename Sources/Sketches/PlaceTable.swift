/// Where the counter of a key is: open addressing with linear probing, from a key's hash to its place in other arrays,
/// four bytes a slot and no key a second time. At most three quarters of the slots are taken.
struct PlaceTable: Sendable {
    private static let empty: Int32 = -1

    private var slots: [Int32]

    init(capacity: Int) {
        slots = [Int32](repeating: Self.empty, count: Self.slotCount(capacity: capacity))
    }

    static func slotCount(capacity: Int) -> Int { capacity + capacity / 3 + 1 }

    var byteCount: Int { slots.capacity * MemoryLayout<Int32>.stride }

    /// The place at which `isIt` holds, and the slot that names it.
    func find(_ hash: UInt64, where isIt: (Int) -> Bool) -> (slot: Int, place: Int)? {
        var slot = home(hash)
        while slots[slot] != Self.empty {
            let place = Int(slots[slot])
            if isIt(place) { return (slot, place) }
            slot = after(slot)
        }
        return nil
    }

    /// - Returns: the slot, which stays the key's own until something is removed.
    mutating func insert(_ hash: UInt64, place: Int) -> Int {
        var slot = home(hash)
        while slots[slot] != Self.empty { slot = after(slot) }
        slots[slot] = Int32(place)
        return slot
    }

    mutating func set(_ place: Int, atSlot slot: Int) { slots[slot] = Int32(place) }

    /// Moves what follows up into the gap where its way from home leads over it, so that no gap cuts off a key.
    /// (Knuth, The Art of Computer Programming 3, section 6.4, algorithm R.)
    mutating func remove(slot removed: Int, hashOfPlace: (Int) -> UInt64) {
        var gap = removed
        var slot = after(removed)
        while slots[slot] != Self.empty {
            let home = home(hashOfPlace(Int(slots[slot])))
            if distance(from: home, to: slot) >= distance(from: gap, to: slot) {
                slots[gap] = slots[slot]
                gap = slot
            }
            slot = after(slot)
        }
        slots[gap] = Self.empty
    }

    private func home(_ hash: UInt64) -> Int { Int(hash.multipliedFullWidth(by: UInt64(slots.count)).high) }

    private func after(_ slot: Int) -> Int { slot + 1 == slots.count ? 0 : slot + 1 }

    private func distance(from: Int, to: Int) -> Int { to >= from ? to - from : to - from + slots.count }
}

/// Counters by key with the smallest at hand: a heap, smallest first, in flat arrays, and a table of where each key
/// stands. With four children a node the heap is half as deep as with two, and one's counts lie in a cache line or two.
///
/// Room grows with the keys, doubling, up to the capacity: most sketches of a short time hold few.
struct CounterHeap<Key: SketchKey>: Sendable {
    /// Where a key is: its slot in the table, its place in the arrays.
    typealias Found = (slot: Int, place: Int)

    private static var childCount: Int { 4 }
    private static var firstRoom: Int { 16 }

    let capacity: Int
    let seed: UInt64
    // In the order of the heap: no count is less than its parent's.
    private(set) var keys: [Key] = []
    private(set) var counts: [UInt64] = []
    private(set) var errors: [RoundedUp] = []
    private var places: PlaceTable
    private var room = 0

    init(capacity: Int, seed: UInt64) {
        self.capacity = capacity
        self.seed = seed
        places = PlaceTable(capacity: 0)
    }

    var isFull: Bool { keys.count == capacity }

    /// What its arrays take besides their headers, without what keys hold outside of them.
    var byteCount: Int {
        keys.capacity * MemoryLayout<Key>.stride + counts.capacity * MemoryLayout<UInt64>.stride
            + errors.capacity * MemoryLayout<RoundedUp>.stride + places.byteCount
    }

    func hash(_ key: Key) -> UInt64 { key.sketchHash(seed: seed) }

    func find(_ key: Key, _ hash: UInt64) -> Found? { places.find(hash) { keys[$0] == key } }

    func counter(at place: Int) -> SpaceSaving<Key>.Counter {
        .init(key: keys[place], estimate: counts[place], error: min(counts[place], errors[place].value))
    }

    // MARK: Changes

    mutating func append(_ key: Key, _ hash: UInt64, count: UInt64, error: UInt64) {
        makeRoom()
        let slot = places.insert(hash, place: keys.count)
        keys.append(key)
        counts.append(count)
        errors.append(RoundedUp(error))
        rise(keys.count - 1, slot: slot)
    }

    mutating func replaceSmallest(by key: Key, _ hash: UInt64, count: UInt64, error: UInt64) {
        forget(found(at: 0))
        keys[0] = key
        counts[0] = count
        errors[0] = RoundedUp(error)
        sink(0, slot: places.insert(hash, place: 0))
    }

    mutating func raise(_ found: Found, by weight: UInt64) {
        counts[found.place] += weight
        sink(found.place, slot: found.slot)
    }

    /// - Returns: where the key is now.
    mutating func lower(_ found: Found, by weight: UInt64) -> Found {
        precondition(counts[found.place] >= weight, "more is taken back than was added")
        counts[found.place] -= weight
        return (found.slot, rise(found.place, slot: found.slot))
    }

    /// The last counter takes its place, and goes on to where it belongs.
    mutating func remove(_ found: Found) {
        forget(found)
        let last = keys.count - 1
        if found.place < last { move(from: last, to: found.place) }
        keys.removeLast()
        counts.removeLast()
        errors.removeLast()
        guard found.place < last else { return }
        let moved = self.found(at: found.place)
        sink(rise(moved.place, slot: moved.slot), slot: moved.slot)
    }

    private mutating func makeRoom() {
        guard keys.count == room else { return }
        room = min(capacity, max(Self.firstRoom, 2 * room))
        keys.reserveCapacity(room)
        counts.reserveCapacity(room)
        errors.reserveCapacity(room)
        places = PlaceTable(capacity: room)
        for place in keys.indices { _ = places.insert(hash(keys[place]), place: place) }
    }

    /// Takes the key out of the table alone.
    private mutating func forget(_ found: Found) {
        let seed = seed
        places.remove(slot: found.slot) { keys[$0].sketchHash(seed: seed) }
    }

    private func found(at place: Int) -> Found {
        guard let found = places.find(hash(keys[place]), where: { $0 == place }) else {
            preconditionFailure("a counted key is not in the table")
        }
        return found
    }

    // MARK: Order

    /// Moves a counter that has become larger than a child down to where it belongs.
    private mutating func sink(_ start: Int, slot: Int) {
        let (key, count, error) = (keys[start], counts[start], errors[start])
        var place = start
        while let child = smallestChild(of: place), counts[child] < count {
            move(from: child, to: place)
            place = child
        }
        if place != start { put(key, count, error, at: place, slot: slot) }
    }

    /// Moves a counter that is smaller than its parent up to where it belongs.
    @discardableResult
    private mutating func rise(_ start: Int, slot: Int) -> Int {
        let (key, count, error) = (keys[start], counts[start], errors[start])
        var place = start
        while place > 0, count < counts[(place - 1) / Self.childCount] {
            let parent = (place - 1) / Self.childCount
            move(from: parent, to: place)
            place = parent
        }
        if place != start { put(key, count, error, at: place, slot: slot) }
        return place
    }

    private func smallestChild(of place: Int) -> Int? {
        let first = place * Self.childCount + 1
        guard first < counts.count else { return nil }
        var smallest = first
        for child in first..<min(first + Self.childCount, counts.count) where counts[child] < counts[smallest] {
            smallest = child
        }
        return smallest
    }

    private mutating func move(from: Int, to: Int) {
        put(keys[from], counts[from], errors[from], at: to, slot: found(at: from).slot)
    }

    private mutating func put(_ key: Key, _ count: UInt64, _ error: RoundedUp, at place: Int, slot: Int) {
        keys[place] = key
        counts[place] = count
        errors[place] = error
        places.set(place, atSlot: slot)
    }
}

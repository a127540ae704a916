/// The most frequent keys of a stream, whose keys are too many to be counted, in memory that does not grow: `capacity`
/// counters. A key without one takes over the smallest, with what it may have had before as the possible error.
/// (Metwally, Agrawal, El Abbadi: Efficient Computation of Frequent and Top-k Elements in Data Streams, 2005.)
///
/// What it may have had before is told by a filter, which adds up the weight of keys without a counter, cell by cell: a
/// key must have as much as the smallest counter there before it takes that over. So the many rare keys hardly disturb
/// the counters. (Homem, Carvalho: Finding top-k elements in data streams, 2010.)
///
/// Always true, with N the total weight, m the capacity and U the `unseenBound`:
/// - a counted key's true weight is in `lowerBound ... upperBound` of its counter;
/// - any other key's is at most its cell's bound, which is at most U;
/// - the m largest upper bounds that any keys may have, those of counters or U, add up to at most N. For a weight w
///   that is added raises one counter by w, or replaces one that is at most U by at most U + w, or changes none. So
///   U ≤ N/m, each key of more than N/m is counted, and the estimates add up to at most N.
///
/// The counters are a heap, smallest first, in flat arrays: for `UInt64` keys 8 bytes of key, 8 of count, 2 of error,
/// 5⅓ of hash table and 16 of filter. With four children a node the heap is half as deep as with two, and one's counts
/// lie in a cache line or two. An addition takes O(log m).
public struct SpaceSaving<Key: SketchKey>: Sendable {
    public struct Counter: Equatable, Sendable {
        public var key: Key
        /// Never less than the true weight.
        public var estimate: UInt64
        /// By how much the estimate may be too high.
        public var error: UInt64

        public var lowerBound: UInt64 { estimate - error }
        public var upperBound: UInt64 { estimate }
    }

    /// At most as many keys are counted at once.
    public let capacity: Int
    public let seed: UInt64
    /// Of all additions.
    public private(set) var total: UInt64 = 0

    // In the order of the heap: no count is less than its parent's.
    private var keys: [Key] = []
    private var counts: [UInt64] = []
    private var errors: [RoundedUp] = []
    private var places: PlaceTable
    private var filter: Filter
    /// The filter's largest bound after the last merge. Else no cell's is more than the smallest count.
    private var mergedBound: UInt64 = 0

    /// - Parameter seed: only sketches of equal seeds can be merged.
    public init(capacity: Int, seed: UInt64 = 0) {
        precondition(capacity > 0 && capacity < Int32.max / 2, "\(capacity) counters cannot be had")
        self.capacity = capacity
        self.seed = seed
        places = PlaceTable(capacity: capacity)
        filter = Filter(cellCount: Self.cellsPerCounter * capacity)
        keys.reserveCapacity(capacity)
        counts.reserveCapacity(capacity)
        errors.reserveCapacity(capacity)
    }

    /// Keys that have a counter.
    public var count: Int { keys.count }

    /// No key without a counter weighs more than this.
    public var unseenBound: UInt64 { keys.count < capacity ? mergedBound : max(mergedBound, counts[0]) }

    /// Nil when the key has none.
    public func counter(of key: Key) -> Counter? { find(key, hash(key)).map { counter(at: $0.place) } }

    /// Between these is the true weight of any key.
    public func bounds(of key: Key) -> ClosedRange<UInt64> {
        guard let counter = counter(of: key) else { return 0...filter.bound(hash(key), atMost: unseenBound) }
        return counter.lowerBound...counter.upperBound
    }

    /// The largest by estimate, equal ones by ascending key.
    public func top(_ k: Int) -> [Counter] {
        let order = counts.indices.sorted { (counts[$1], keys[$0]) < (counts[$0], keys[$1]) }
        return order.prefix(max(0, k)).map(counter)
    }

    @specialized(where Key == UInt64)
    @specialized(where Key == String)
    public mutating func add(_ key: Key, weight: UInt64 = 1) {
        guard weight > 0 else { return }
        total += weight
        let hash = hash(key)
        if let found = find(key, hash) {
            counts[found.place] += weight
            sink(found.place, slot: found.slot)
            return
        }
        let before = filter.bound(hash, atMost: unseenBound)
        if keys.count < capacity {
            append(key, hash, count: before + weight, error: before)
        } else if before + weight < counts[0] {
            filter.raise(hash, to: before + weight)
        } else {
            replaceSmallest(by: key, hash, count: before + weight, error: before)
        }
    }
}

// MARK: - Merging

extension SpaceSaving {
    /// Counts what the other one counted, too. (Agarwal, Cormode, Huang, Phillips, Wei, Yi: Mergeable Summaries, 2012.)
    ///
    /// A key's bounds are the sums of its bounds here and there, whether it has a counter or a cell; the largest
    /// estimates keep a counter, the others raise their cells. So all bounds stay true. And they stay as good: the m
    /// largest sums are at most the m largest of one side plus the m largest of the other, N₁ + N₂; and who loses its
    /// counter is at most as large as each of the m that keep theirs.
    ///
    /// - Parameter other: of the same capacity and seed.
    public mutating func merge(_ other: SpaceSaving) {
        precondition(other.capacity == capacity && other.seed == seed, "sketches that are made alike can be merged")
        let merged = sums(with: other).sorted { ($1.estimate, $0.key) < ($0.estimate, $1.key) }
        let total = total + other.total
        var filter = filter
        let bound = filter.add(other.filter, most: unseenBound, otherMost: other.unseenBound)
        self = SpaceSaving(capacity: capacity, seed: seed)
        (self.total, self.filter, mergedBound) = (total, filter, bound)
        // Ascending is an order of a heap.
        for counter in merged.prefix(capacity).reversed() {
            append(counter.key, hash(counter.key), count: counter.estimate, error: counter.error)
        }
        for counter in merged.dropFirst(capacity) { self.filter.raise(hash(counter.key), to: counter.estimate) }
    }

    /// Of every key that has a counter here or there.
    private func sums(with other: SpaceSaving) -> [Counter] {
        let onlyThere = other.keys.filter { find($0, hash($0)) == nil }
        return (keys + onlyThere).map { key in
            let (here, there) = (bounds(of: key), other.bounds(of: key))
            let estimate = here.upperBound + there.upperBound
            return Counter(key: key, estimate: estimate, error: estimate - here.lowerBound - there.lowerBound)
        }
    }
}

// MARK: - Memory

extension SpaceSaving {
    /// Between two and six the error hardly changes in equal memory; with more there are too few counters.
    private static var cellsPerCounter: Int { 4 }

    /// Of an array, with what the allocator may round up.
    private static var arrayOverhead: Int { 32 + 16 }
    private static var arrayCount: Int { 5 }

    private static var bytesPerCounter: Int {
        MemoryLayout<Key>.stride + MemoryLayout<UInt64>.stride + MemoryLayout<RoundedUp>.stride
            + cellsPerCounter * MemoryLayout<UInt32>.stride
    }

    /// What its arrays take, with their headers and without what keys hold outside of them.
    public var byteCount: Int {
        keys.capacity * MemoryLayout<Key>.stride + counts.capacity * MemoryLayout<UInt64>.stride
            + errors.capacity * MemoryLayout<RoundedUp>.stride + places.byteCount + filter.byteCount
            + Self.arrayCount * 32
    }

    /// How many counters fit into so many bytes; 1 at least.
    public static func capacity(bytes: Int) -> Int {
        let slot = MemoryLayout<Int32>.stride
        return max(1, (bytes - arrayCount * arrayOverhead - slot) * 3 / (3 * bytesPerCounter + 4 * slot))
    }
}

// MARK: - The heap

extension SpaceSaving {
    private static var childCount: Int { 4 }

    private func hash(_ key: Key) -> UInt64 { key.sketchHash(seed: seed) }

    private func find(_ key: Key, _ hash: UInt64) -> (slot: Int, place: Int)? {
        places.find(hash) { keys[$0] == key }
    }

    private func counter(at place: Int) -> Counter {
        Counter(key: keys[place], estimate: counts[place], error: min(counts[place], errors[place].value))
    }

    private mutating func append(_ key: Key, _ hash: UInt64, count: UInt64, error: UInt64) {
        let slot = places.insert(hash, place: keys.count)
        keys.append(key)
        counts.append(count)
        errors.append(RoundedUp(error))
        rise(keys.count - 1, slot: slot)
    }

    private mutating func replaceSmallest(by key: Key, _ hash: UInt64, count: UInt64, error: UInt64) {
        let smallest = self.hash(keys[0])
        guard let found = places.find(smallest, where: { $0 == 0 }) else {
            preconditionFailure("a counted key is not in the table")
        }
        filter.raise(smallest, to: counts[0])
        let seed = seed
        places.remove(slot: found.slot) { keys[$0].sketchHash(seed: seed) }
        keys[0] = key
        counts[0] = count
        errors[0] = RoundedUp(error)
        sink(0, slot: places.insert(hash, place: 0))
    }

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

    /// Moves a new counter that is smaller than its parent up to where it belongs.
    private mutating func rise(_ start: Int, slot: Int) {
        let (key, count, error) = (keys[start], counts[start], errors[start])
        var place = start
        while place > 0, count < counts[(place - 1) / Self.childCount] {
            let parent = (place - 1) / Self.childCount
            move(from: parent, to: place)
            place = parent
        }
        if place != start { put(key, count, error, at: place, slot: slot) }
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
        guard let found = places.find(hash(keys[from]), where: { $0 == from }) else {
            preconditionFailure("a counted key is not in the table")
        }
        put(keys[from], counts[from], errors[from], at: to, slot: found.slot)
    }

    private mutating func put(_ key: Key, _ count: UInt64, _ error: RoundedUp, at place: Int, slot: Int) {
        keys[place] = key
        counts[place] = count
        errors[place] = error
        places.set(place, atSlot: slot)
    }
}

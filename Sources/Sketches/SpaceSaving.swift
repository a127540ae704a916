/// The most frequent keys of a stream, whose keys are too many to be counted, in memory that does not grow: `capacity`
/// counters. A key without one takes over the smallest, with what it may have had before as the possible error.
/// (Metwally, Agrawal, El Abbadi: Efficient Computation of Frequent and Top-k Elements in Data Streams, 2005.)
///
/// What it may have had before is told by a filter, which adds up the weight of keys without a counter, cell by cell: a
/// key must have as much as the smallest counter there before it takes that over. So the many rare keys hardly disturb
/// the counters. (Homem, Carvalho: Finding top-k elements in data streams, 2010.)
///
/// What was added can be taken back: from the key's counter, and from nothing when it has none, as what bounds it only
/// becomes looser then. (Zhao, Agrawal, El Abbadi, Metwally: SpaceSaving±, 2021, the lazy form.) As counters may fall,
/// the smallest one bounds the uncounted keys no more; the largest bound that a cell ever got does, and never falls.
///
/// Always true, with N the weight of all additions, m the capacity and U the `unseenBound`:
/// - a counted key's true weight is in `lowerBound ... upperBound` of its counter, and is not 0;
/// - any other key's is at most its cell's bound, which is at most U;
/// - the m largest upper bounds that any keys may have, those of counters or U, add up to at most N. For a weight w
///   that is added raises one counter by w, or replaces one that is at most U by at most U + w, or changes none; and
///   what is taken back raises nothing. So U ≤ N/m, and the estimates add up to at most N.
///
/// For `UInt64` keys a counter takes 8 bytes of key, 8 of count, 2 of error, 5⅓ of hash table, and 16 of filter once a
/// key had to go without one. An addition takes O(log m).
public struct SpaceSaving<Key: SketchKey>: Sendable {
    public struct Counter: Equatable, Sendable {
        public var key: Key
        /// Never less than the true weight.
        public var estimate: UInt64
        /// By how much the estimate may be too high.
        public var error: UInt64

        public var lowerBound: UInt64 { estimate - error }
        public var upperBound: UInt64 { estimate }

        public init(key: Key, estimate: UInt64, error: UInt64) {
            self.key = key
            self.estimate = estimate
            self.error = error
        }
    }

    /// Of all additions.
    public private(set) var total: UInt64 = 0
    private(set) var heap: CounterHeap<Key>
    private(set) var filter: Filter

    /// - Parameter seed: only sketches of equal seeds can be merged. Where strangers choose the keys it must be chance.
    public init(capacity: Int, seed: UInt64 = 0) {
        precondition(capacity > 0 && capacity < Int32.max / 2, "\(capacity) counters cannot be had")
        heap = CounterHeap(capacity: capacity, seed: seed)
        filter = Filter(cellCount: Self.cellsPerCounter * capacity)
    }

    /// At most as many keys are counted at once.
    public var capacity: Int { heap.capacity }
    public var seed: UInt64 { heap.seed }

    /// Keys that have a counter.
    public var count: Int { heap.keys.count }

    /// No key without a counter weighs more than this.
    public var unseenBound: UInt64 { filter.ceiling }

    /// In no particular order.
    public var counters: some Sequence<Counter> { heap.keys.indices.lazy.map { [heap] in heap.counter(at: $0) } }

    /// Nil when the key has none.
    public func counter(of key: Key) -> Counter? {
        heap.find(key, heap.hash(key)).map { heap.counter(at: $0.place) }
    }

    /// Between these is the true weight of any key.
    public func bounds(of key: Key) -> ClosedRange<UInt64> {
        guard let counter = counter(of: key) else { return 0...filter.bound(heap.hash(key)) }
        return counter.lowerBound...counter.upperBound
    }

    /// The largest by estimate, equal ones by ascending key.
    public func top(_ k: Int) -> [Counter] {
        let (keys, counts) = (heap.keys, heap.counts)
        let order = counts.indices.sorted { (counts[$1], keys[$0]) < (counts[$0], keys[$1]) }
        return order.prefix(max(0, k)).map(heap.counter)
    }

    @specialized(where Key == UInt64)
    @specialized(where Key == String)
    public mutating func add(_ key: Key, weight: UInt64 = 1) {
        guard weight > 0 else { return }
        total += weight
        let hash = heap.hash(key)
        if let found = heap.find(key, hash) { return heap.raise(found, by: weight) }
        let before = filter.bound(hash)
        if !heap.isFull {
            heap.append(key, hash, count: before + weight, error: before)
        } else if before + weight < heap.counts[0] {
            filter.raise(hash, to: before + weight)
        } else {
            filter.raise(heap.hash(heap.keys[0]), to: heap.counts[0])
            heap.replaceSmallest(by: key, hash, count: before + weight, error: before)
        }
    }

    /// Takes back what was added before.
    ///
    /// A counter that may be nothing but error goes: what its key has lost entirely is counted no more. That raises no
    /// bound, as a counter's error is a bound that its cell once had.
    ///
    /// - Parameter weight: at most what the key has left.
    public mutating func remove(_ key: Key, weight: UInt64 = 1) {
        let hash = heap.hash(key)
        guard weight > 0, let found = heap.find(key, hash) else { return }
        let lowered = heap.lower(found, by: weight)
        let counter = heap.counter(at: lowered.place)
        guard counter.lowerBound == 0, counter.estimate <= filter.ceiling else { return }
        heap.remove(lowered)
        filter.raise(hash, to: counter.estimate)
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
    public var byteCount: Int { heap.byteCount + filter.byteCount + Self.arrayCount * 32 }

    /// How many counters fit into so many bytes; 1 at least.
    public static func capacity(bytes: Int) -> Int {
        let slot = MemoryLayout<Int32>.stride
        return max(1, (bytes - arrayCount * arrayOverhead - slot) * 3 / (3 * bytesPerCounter + 4 * slot))
    }
}

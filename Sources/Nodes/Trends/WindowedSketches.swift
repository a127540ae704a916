import Sketches

/// What is frequent in each window: a sketch for all, and one for each minute and hour that a window may still reach
/// (rule F4). Its memory is bounded: some 245 sketches of `bucketCapacity` counters and one of `totalCapacity`, each of
/// which takes as much as the keys in it need.
struct WindowedSketches<Key: SketchKey>: Sendable {
    typealias Sketch = SpaceSaving<Key>

    /// A key with more than one in 256 of a bucket's events has a counter there; so have most of much less.
    static var bucketCapacity: Int { 256 }

    private let seed: UInt64
    private var all: Sketch
    private var buckets: [TopWindow.Unit: [UInt32: Sketch]] = [.minute: [:], .hour: [:]]
    /// Older buckets are gone and never come back, however the clock is set: so what is taken back from a bucket was
    /// added to it.
    private var floors: [TopWindow.Unit: UInt32] = [.minute: 0, .hour: 0]

    /// - Parameter seed: one for all that are merged, and nobody's to guess: who knows it can choose keys that collide.
    init(totalCapacity: Int, seed: UInt64) {
        self.seed = seed
        all = Sketch(capacity: totalCapacity, seed: seed)
    }

    // MARK: Changes

    mutating func add(_ key: Key, weight: UInt64 = 1, atMs: UInt64) {
        addToTotal(key, weight: weight)
        for unit in TopWindow.Unit.allCases { add(key, weight: weight, to: unit.bucket(ofMs: atMs), unit) }
    }

    mutating func addToTotal(_ key: Key, weight: UInt64) { all.add(key, weight: weight) }

    mutating func add(_ key: Key, weight: UInt64, to bucket: UInt32, _ unit: TopWindow.Unit) {
        guard bucket >= floors[unit, default: 0] else { return }
        buckets[unit, default: [:]][bucket, default: Sketch(capacity: Self.bucketCapacity, seed: seed)]
            .add(key, weight: weight)
    }

    /// - Parameter atMs: as it was added.
    mutating func remove(_ key: Key, weight: UInt64 = 1, atMs: UInt64) {
        all.remove(key, weight: weight)
        for unit in TopWindow.Unit.allCases {
            buckets[unit]?[unit.bucket(ofMs: atMs)]?.remove(key, weight: weight)
        }
    }

    /// Forgets the buckets that no window reaches, nor would reach if the clock were set back by less than `slack`.
    mutating func prune(nowMs: UInt64) {
        for unit in TopWindow.Unit.allCases {
            let (first, slack) = (unit.longestWindow.firstBucket(nowMs: nowMs), unit.slack)
            let floor = first - min(first, slack)
            guard floor > floors[unit, default: 0] else { continue }
            floors[unit] = floor
            buckets[unit] = buckets[unit]?.filter { $0.key >= floor }
        }
    }

    // MARK: Questions

    /// To be merged: together they counted what happened in the window. All of equal capacity and seed.
    func sketches(in window: TopWindow, nowMs: UInt64) -> [Sketch] {
        guard let unit = window.unit else { return [all] }
        let first = window.firstBucket(nowMs: nowMs)
        return buckets[unit, default: [:]].filter { $0.key >= first }.map(\.value)
    }
}

extension TopWindow.Unit {
    fileprivate var longestWindow: TopWindow { self == .minute ? .hour : .week }

    /// In units.
    fileprivate var slack: UInt32 { self == .minute ? 15 : 2 }
}

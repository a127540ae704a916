/// What several sketches counted together, however their keys overlap.
/// (Agarwal, Cormode, Huang, Phillips, Wei, Yi: Mergeable Summaries, 2012.)
///
/// A key's bounds are the sums of its bounds in all of them, whether it has a counter there or a cell; so they are true.
/// And they stay as good: the m largest sums are at most the sum of each sketch's m largest, so what is bounded by N/m
/// in each is bounded by the sum of the Ns, through m, in all, when at least m counters are kept.
///
/// All at once takes O(counters + sketches · cells) and one sort. It is no sketch, and nothing can be added to it.
public struct MergedCounters<Key: SketchKey>: Sendable {
    public typealias Counter = SpaceSaving<Key>.Counter

    /// The largest by estimate, equal ones by ascending key.
    public let counters: [Counter]
    /// No other key weighs more than this.
    public let bound: UInt64

    /// What the sketches that count a key know of it.
    private struct Known {
        var estimates: UInt64 = 0
        var lowerBounds: UInt64 = 0
        /// The bounds of its cell there, which do not count beside a counter.
        var cells: UInt64 = 0

        mutating func add(_ counter: Counter, cell: UInt64) {
            estimates += counter.estimate
            lowerBounds += counter.lowerBound
            cells += cell
        }
    }

    /// - Parameters:
    ///   - sketches: of equal capacity and seed.
    ///   - limit: as many counters are kept, the largest.
    public init(_ sketches: some Collection<SpaceSaving<Key>>, keeping limit: Int) {
        guard let first = sketches.first else {
            (counters, bound) = ([], 0)
            return
        }
        var cells = [UInt64](repeating: 0, count: first.filter.cellCount)
        var known: [Key: Known] = [:]
        for sketch in sketches {
            precondition(
                sketch.capacity == first.capacity && sketch.seed == first.seed,
                "sketches that are made alike can be merged")
            sketch.filter.add(to: &cells)
            Self.add(sketch, to: &known)
        }
        let all = known.map { key, known in
            let elsewhere = cells[first.filter.index(key.sketchHash(seed: first.seed))] - known.cells
            let estimate = known.estimates + elsewhere
            return Counter(key: key, estimate: estimate, error: estimate - known.lowerBounds)
        }.sorted { ($1.estimate, $0.key) < ($0.estimate, $1.key) }
        counters = Array(all.prefix(max(0, limit)))
        bound = max(cells.max() ?? 0, all.count > counters.count ? all[counters.count].estimate : 0)
    }

    private static func add(_ sketch: SpaceSaving<Key>, to known: inout [Key: Known]) {
        for counter in sketch.counters {
            let cell = sketch.filter.bound(counter.key.sketchHash(seed: sketch.seed))
            known[counter.key, default: Known()].add(counter, cell: cell)
        }
    }
}

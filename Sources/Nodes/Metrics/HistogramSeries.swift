import CoreMetrics
import Synchronization

/// How often a value fell into each of a fixed set of buckets, and the sum of all values.
///
/// The buckets are fixed so that the histograms of all nodes can be added up: a quantile over a cluster comes from
/// buckets, never from the nodes' own quantiles.
final class HistogramSeries: MetricSeries, RecorderHandler, TimerHandler {
    /// Upper bounds in seconds, inclusive: 100 µs to 10 s, three a decade.
    static let secondsBounds: InlineArray<16, Double> = [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]
    /// Upper bounds for sizes and counts, inclusive: powers of four, 1 to about 10⁹.
    static let sizeBounds: InlineArray<16, Double> = [
        1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864,
        268_435_456, 1_073_741_824,
    ]

    let key: SeriesKey
    private let bounds: InlineArray<16, Double>
    private let sum = AtomicDouble()
    /// One a bound, and the last for what is above all bounds.
    private let counts: InlineArray<17, Atomic<UInt64>>

    init(key: SeriesKey, bounds: InlineArray<16, Double>) {
        self.key = key
        self.bounds = bounds
        self.counts = InlineArray { _ in Atomic<UInt64>(0) }
    }

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        guard !value.isNaN else { return }  // belongs to no bucket, and would spoil the sum for good
        var bucket = 0
        while bucket < bounds.count, value > bounds[bucket] { bucket += 1 }
        counts[bucket].wrappingAdd(1, ordering: .relaxed)
        sum.add(value)
    }

    /// A timer's value; kept in seconds, Prometheus' base unit.
    func recordNanoseconds(_ duration: Int64) {
        record(Double(duration) / 1e9)
    }

    /// `_count` is the last cumulative bucket, so that the lines agree with each other even while values arrive.
    func render(into text: inout String) {
        var cumulative: UInt64 = 0
        for bucket in counts.indices {
            cumulative += counts[bucket].load(ordering: .relaxed)
            let bound = bucket < bounds.count ? MetricText.number(bounds[bucket]) : "+Inf"
            text += "\(key.family)_bucket\(key.labels.text(adding: "le", bound)) \(cumulative)\n"
        }
        text += "\(key.family)_sum\(key.labels.text) \(MetricText.number(sum.load()))\n"
        text += "\(key.family)_count\(key.labels.text) \(cumulative)\n"
    }
}

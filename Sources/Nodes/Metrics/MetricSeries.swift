import CoreMetrics
import Synchronization

/// One time series: a metric with one set of labels, and the number or numbers behind it.
///
/// Writers only touch atomics, so a handler may be used from an event loop without waiting for a scrape.
protocol MetricSeries: AnyObject, Sendable {
    var key: SeriesKey { get }

    /// Appends this series' lines of the text format.
    func render(into text: inout String)
}

/// What tells one series from another.
struct SeriesKey: Hashable, Sendable {
    let family: String
    let labels: MetricLabels
}

/// A whole number that only grows.
final class CounterSeries: MetricSeries, CounterHandler {
    let key: SeriesKey
    private let total = Atomic<Int64>(0)

    init(key: SeriesKey) {
        self.key = key
    }

    func increment(by amount: Int64) {
        total.wrappingAdd(amount, ordering: .relaxed)
    }

    func reset() {
        total.store(0, ordering: .relaxed)
    }

    func render(into text: inout String) {
        text += "\(key.family)\(key.labels.text) \(total.load(ordering: .relaxed))\n"
    }
}

/// A number with a fraction that only grows.
final class FloatingCounterSeries: MetricSeries, FloatingPointCounterHandler {
    let key: SeriesKey
    private let total = AtomicDouble()

    init(key: SeriesKey) {
        self.key = key
    }

    func increment(by amount: Double) {
        total.add(amount)
    }

    func reset() {
        total.store(0)
    }

    func render(into text: inout String) {
        text += "\(key.family)\(key.labels.text) \(MetricText.number(total.load()))\n"
    }
}

/// A number that goes up and down; serves meters, and recorders that keep only the last value.
final class GaugeSeries: MetricSeries, MeterHandler, RecorderHandler {
    let key: SeriesKey
    private let value = AtomicDouble()

    init(key: SeriesKey) {
        self.key = key
    }

    func set(_ value: Int64) { self.value.store(Double(value)) }
    func set(_ value: Double) { self.value.store(value) }
    func increment(by amount: Double) { value.add(amount) }
    func decrement(by amount: Double) { value.add(-amount) }
    func record(_ value: Int64) { set(value) }
    func record(_ value: Double) { set(value) }

    func render(into text: inout String) {
        text += "\(key.family)\(key.labels.text) \(MetricText.number(value.load()))\n"
    }
}

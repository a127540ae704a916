import CoreMetrics
import Synchronization

/// A swift-metrics backend that Prometheus can read: keeps every metric in memory and writes them as text on demand.
///
/// Counters end in `_total`, timers are histograms in seconds and end in `_seconds`, recorders that aggregate are
/// histograms over sizes, everything else is a gauge. A label and its dimensions name one series however often it is
/// made; the order of dimensions does not matter.
///
/// Names come from the program, dimensions may come from what it serves: the number of series is bounded, and what
/// would go beyond is dropped and counted in `metrics_dropped_series_total`.
public final class PrometheusRegistry: MetricsFactory {
    /// The media type that a scraper expects with `render()`.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private let help: [String: String]
    private let families: Mutex<MetricFamilies>

    /// - Parameters:
    ///   - help: a sentence for a label, shown beside it; without one the label itself is shown.
    ///   - maximumSeries: how many series are kept at most, at least 1.
    public init(help: [String: String] = [:], maximumSeries: Int = 10_000) {
        precondition(maximumSeries > 0, "a registry keeps at least one series")
        self.help = help
        self.families = Mutex(MetricFamilies(maximumSeries: maximumSeries))
    }

    /// Everything the registry holds, in the text exposition format 0.0.4; families and series in order of their names.
    public func render() -> String {
        // The lock is held only to copy: rendering is long, and making a metric must not wait for it.
        let copy = families.withLock { $0 }
        return copy.render()
    }

    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        let series = series(.counter, label, dimensions, suffix: "_total") { CounterSeries(key: $0) }
        return series ?? NOOPMetricsHandler.instance
    }

    public func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        let series = series(.floatingCounter, label, dimensions, suffix: "_total") { FloatingCounterSeries(key: $0) }
        return series ?? NOOPMetricsHandler.instance
    }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        gauge(label, dimensions) ?? NOOPMetricsHandler.instance
    }

    public func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        guard aggregate else { return gauge(label, dimensions) ?? NOOPMetricsHandler.instance }
        let series = series(.sizes, label, dimensions, suffix: "") {
            HistogramSeries(key: $0, bounds: HistogramSeries.sizeBounds)
        }
        return series ?? NOOPMetricsHandler.instance
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        let series = series(.seconds, label, dimensions, suffix: "_seconds") {
            HistogramSeries(key: $0, bounds: HistogramSeries.secondsBounds)
        }
        return series ?? NOOPMetricsHandler.instance
    }

    public func destroyCounter(_ handler: any CounterHandler) { remove(handler) }
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { remove(handler) }
    public func destroyMeter(_ handler: any MeterHandler) { remove(handler) }
    public func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }
    public func destroyTimer(_ handler: any TimerHandler) { remove(handler) }

    private func gauge(_ label: String, _ dimensions: [(String, String)]) -> GaugeSeries? {
        series(.gauge, label, dimensions, suffix: "") { GaugeSeries(key: $0) }
    }

    private func series<Series: MetricSeries>(
        _ kind: MetricFamilies.Kind, _ label: String, _ dimensions: [(String, String)], suffix: String,
        make: (SeriesKey) -> Series
    ) -> Series? {
        let clean = MetricText.metricName(label)
        let name = clean.hasSuffix(suffix) ? clean : clean + suffix
        let labels = MetricLabels(dimensions)
        return families.withLock {
            $0.series(kind, name: name, labels: labels, help: help[label] ?? label, make: make)
        }
    }

    private func remove(_ handler: AnyObject) {
        guard let series = handler as? any MetricSeries else { return }  // a handler for which there was no room
        families.withLock { $0.remove(series) }
    }
}

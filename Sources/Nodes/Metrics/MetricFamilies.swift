/// All series by family, as a value: what the registry keeps behind its lock.
struct MetricFamilies {
    /// What stands behind the series of one family.
    enum Kind: String {
        case counter, floatingCounter, gauge, sizes, seconds

        /// The type that the text format knows.
        var type: String {
            switch self {
            case .counter, .floatingCounter: "counter"
            case .gauge: "gauge"
            case .sizes, .seconds: "histogram"
            }
        }
    }

    private struct Family {
        let kind: Kind
        let help: String
        var series: [MetricLabels: any MetricSeries] = [:]
    }

    private let maximumSeries: Int
    private var families: [String: Family] = [:]
    private var seriesCount = 0
    private var dropped = 0

    init(maximumSeries: Int) {
        self.maximumSeries = maximumSeries
    }

    /// The series of that name and labels, made if it is new; `nil` when there is no room for another.
    mutating func series<Series: MetricSeries>(
        _ kind: Kind, name wanted: String, labels: MetricLabels, help: String, make: (SeriesKey) -> Series
    ) -> Series? {
        // A name has one type in the format; a second use as another kind gets a name of its own.
        var name = wanted
        while let family = families[name], family.kind != kind { name += "_\(kind.rawValue)" }
        if let known = families[name]?.series[labels] { return known as? Series }
        guard seriesCount < maximumSeries else {
            dropped += 1
            return nil
        }
        let made = make(SeriesKey(family: name, labels: labels))
        families[name, default: Family(kind: kind, help: help)].series[labels] = made
        seriesCount += 1
        return made
    }

    mutating func remove(_ series: any MetricSeries) {
        let key = series.key
        guard families[key.family]?.series[key.labels] === series else { return }
        families[key.family]?.series[key.labels] = nil
        seriesCount -= 1
        if families[key.family]?.series.isEmpty == true { families[key.family] = nil }
    }

    /// Families and their series in order of their names, so that two scrapes can be compared line by line.
    func render() -> String {
        var text = ""
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            text += "# HELP \(name) \(MetricText.escapedHelp(family.help))\n# TYPE \(name) \(family.kind.type)\n"
            for (_, series) in family.series.sorted(by: { $0.key.text < $1.key.text }) { series.render(into: &text) }
        }
        guard dropped > 0 else { return text }
        return text + """
            # HELP metrics_dropped_series_total Series refused because \(maximumSeries) are kept at most
            # TYPE metrics_dropped_series_total counter
            metrics_dropped_series_total \(dropped)

            """
    }
}

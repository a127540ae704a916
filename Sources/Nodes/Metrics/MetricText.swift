/// The small rules of Prometheus' text exposition format 0.0.4: names, escapes and numbers.
///
/// Source: https://prometheus.io/docs/instrumenting/exposition_formats/ and the data model beside it.
enum MetricText {
    /// A metric name made of `[a-zA-Z0-9_:]` that does not begin with a digit.
    static func metricName(_ label: String) -> String {
        name(label) { $0 == ":" }
    }

    /// A label name made of `[a-zA-Z0-9_]`. A leading `__` is Prometheus' own and is taken off; `le` is the histogram's.
    static func labelName(_ label: String) -> String {
        let clean = name(label) { _ in false }
        let open = clean.hasPrefix("__") ? "_" + clean.drop { $0 == "_" } : clean
        return open == "le" ? "exported_le" : open
    }

    static func escapedHelp(_ text: String) -> String {
        escaped(text, quotes: false)
    }

    static func escapedLabelValue(_ text: String) -> String {
        escaped(text, quotes: true)
    }

    /// Whole numbers without a fraction, everything else in the shortest form that reads back as the same number.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value), whole.magnitude < 1 << 53 { return String(whole) }
        return String(value)
    }

    private static func name(_ label: String, also allowed: (Unicode.Scalar) -> Bool) -> String {
        var result = ""
        for scalar in label.unicodeScalars {
            let kept = scalar.isASCII && (scalar.properties.isAlphabetic || isDigit(scalar)) || scalar == "_"
            result.unicodeScalars.append(kept || allowed(scalar) ? scalar : "_")
        }
        guard let first = result.unicodeScalars.first, !isDigit(first) else { return "_" + result }
        return result
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool {
        ("0"..."9").contains(scalar)
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

/// A series' labels: clean names, each once, in the order of their names.
struct MetricLabels: Hashable, Sendable {
    private let pairs: [String]

    /// Two dimensions whose clean names are equal cannot both be told to Prometheus: the later one stays.
    init(_ dimensions: [(String, String)]) {
        var values: [String: String] = [:]
        for (name, value) in dimensions { values[MetricText.labelName(name)] = value }
        pairs = values.sorted { $0.key < $1.key }.map { MetricLabels.pair($0.key, $0.value) }
    }

    /// `{a="1",b="2"}`, or nothing when there are no labels.
    var text: String {
        pairs.isEmpty ? "" : "{\(pairs.joined(separator: ","))}"
    }

    func text(adding name: String, _ value: String) -> String {
        "{\((pairs + [MetricLabels.pair(name, value)]).joined(separator: ","))}"
    }

    private static func pair(_ name: String, _ value: String) -> String {
        "\(name)=\"\(MetricText.escapedLabelValue(value))\""
    }
}

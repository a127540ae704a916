import Glibc

/// Ranks 1...count with probabilities proportional to 1 / rank^exponent, without a table.
///
/// Rejection-inversion: W. Hörmann, G. Derflinger, "Rejection-inversion to generate variates from monotone discrete
/// distributions", ACM TOMACS 6.3 (1996). `area` is the integral of x^-exponent; a point under the curve is drawn by
/// inverting it, and taken when it lies under the bar of its rank. More than nine in ten are.
struct Zipf: Sendable {
    let count: Int
    let exponent: Double
    private let areaFrom: Double
    private let areaTo: Double
    /// Points at most this far left of their rank are certainly under its bar: no logarithm is needed.
    private let certain: Double

    /// - Precondition: at least one rank, and an exponent above 0.
    init(count: Int, exponent: Double) {
        precondition(count > 0 && exponent > 0, "Zipf needs a rank and an exponent above 0")
        self.count = count
        self.exponent = exponent
        areaFrom = Self.area(1.5, exponent) - 1
        areaTo = Self.area(Double(count) + 0.5, exponent)
        certain = 2 - Self.inverse(Self.area(2.5, exponent) - Self.height(2, exponent), exponent)
    }

    /// A rank, 1...count.
    func sample(using random: inout SplitMix64) -> Int {
        while true {
            let point = areaTo + random.unit() * (areaFrom - areaTo)
            let x = Self.inverse(point, exponent)
            let rank = min(max(x.rounded(), 1), Double(count))
            if rank - x <= certain { return Int(rank) }
            if point >= Self.area(rank + 0.5, exponent) - Self.height(rank, exponent) { return Int(rank) }
        }
    }

    private static func height(_ x: Double, _ exponent: Double) -> Double { exp(-exponent * log(x)) }

    /// (x^(1-exponent) - 1) / (1-exponent), whose limit for the exponent 1 is log x.
    private static func area(_ x: Double, _ exponent: Double) -> Double {
        let logarithm = log(x)
        let power = (1 - exponent) * logarithm
        // Close to 0 the quotient loses its digits; two terms of its series have them all.
        return logarithm * (abs(power) > 1e-8 ? expm1(power) / power : 1 + power / 2)
    }

    private static func inverse(_ area: Double, _ exponent: Double) -> Double {
        // Not below -1, where rounding may put the last point of a steep curve.
        let power = max(area * (1 - exponent), -1)
        return exp(area * (abs(power) > 1e-8 ? log1p(power) / power : 1 - power / 2))
    }
}

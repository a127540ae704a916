/// The natural logarithm from the four basic operations alone.
///
/// IEEE 754 fixes the last bit of `+ − × ÷`, but not of a library's `log`: with that one, two machines could order two
/// scores differently and place a partition differently.
enum Logarithm {
    private static let ln2 = 0.693147180559945309417232121458
    private static let sqrt2 = 1.41421356237309504880168872421

    /// - Parameter x: above 0 and finite. The error is below 1e-15 relative to 1.
    static func ln(_ x: Double) -> Double {
        precondition(x > 0 && x.isFinite, "no logarithm of \(x)")
        var significand = x.significand
        var exponent = Double(x.exponent)
        if significand > sqrt2 {
            significand /= 2
            exponent += 1
        }
        // ln(s) = 2 artanh((s − 1) / (s + 1)); |z| ≤ 0.172 here, so the terms left out are below 1e-17.
        let z = (significand - 1) / (significand + 1)
        let square = z * z
        var sum = 0.0
        var divisor = 21.0
        while divisor >= 1 {
            sum = sum * square + 1 / divisor
            divisor -= 2
        }
        return exponent * ln2 + 2 * z * sum
    }
}

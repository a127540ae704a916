/// A count in two bytes, rounded up by less than a thousandth: 10 bits of mantissa and 6 of exponent, exact below 2048.
///
/// What bounds a counter's error need not be exact, only never too low; so a sketch has room for more counters.
struct RoundedUp: Sendable {
    private static let mantissaBits = 10
    private static let one = 1 << mantissaBits

    private let bits: UInt16

    init(_ value: UInt64) {
        let excess = UInt64.bitWidth - value.leadingZeroBitCount - Self.mantissaBits - 1
        guard excess > 0 else {
            bits = UInt16(value)
            return
        }
        let isExact = value & (1 << UInt64(excess) - 1) == 0
        let mantissa = Int(value >> UInt64(excess)) + (isExact ? 0 : 1)
        // A carry out of the mantissa leaves it at 0 and raises the exponent, as it should.
        bits = UInt16(excess << Self.mantissaBits + mantissa)
    }

    /// Not less than what it was made from.
    var value: UInt64 {
        // Below 2048 the implied leading bit is the exponent's own.
        guard bits >= 2 * Self.one else { return UInt64(bits) }
        let excess = UInt64(bits >> Self.mantissaBits) - 1
        let mantissa = UInt64(bits) & UInt64(Self.one - 1) | UInt64(Self.one)
        return excess + 11 > UInt64.bitWidth ? .max : mantissa << excess
    }
}

/// Where nonces and jitter come from: a parameter, so that a simulation can be replayed from its seed.
public struct Chance: Sendable {
    /// That many bytes which an attacker cannot foretell.
    public var bytes: @Sendable (_ count: Int) -> [UInt8]
    /// A number in 0..<1, for jitter.
    public var unit: @Sendable () -> Double

    public init(bytes: @escaping @Sendable (_ count: Int) -> [UInt8], unit: @escaping @Sendable () -> Double) {
        self.bytes = bytes
        self.unit = unit
    }

    /// The operating system's generator; what executables use.
    public static let system = Chance(
        bytes: { count in
            var generator = SystemRandomNumberGenerator()
            return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        },
        unit: {
            var generator = SystemRandomNumberGenerator()
            return Double.random(in: 0..<1, using: &generator)
        })
}

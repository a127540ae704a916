/// How the text of a tweet is weighed: the configurations of twitter-text (config/v1.json to v3.json).
public struct WeighingRules: Hashable, Sendable {
    public struct WeightedRange: Hashable, Sendable {
        /// Code points.
        public let range: ClosedRange<UInt32>
        /// In parts of a character, see `scale`.
        public let weight: Int

        public init(range: ClosedRange<UInt32>, weight: Int) {
            self.range = range
            self.weight = weight
        }
    }

    /// The most characters a valid tweet has.
    public var maxWeightedLength: Int
    /// Weights are counted in such parts of a character.
    public var scale: Int
    /// The weight of a code point in no range, and of a whole emoji.
    public var defaultWeight: Int
    /// The characters a web address counts as, however long it is.
    public var transformedURLLength: Int
    /// Does an emoji that is written as several code points weigh as one?
    public var parsesEmoji: Bool
    /// The first that holds a code point gives its weight.
    public var ranges: [WeightedRange]

    public init(
        maxWeightedLength: Int, scale: Int, defaultWeight: Int, transformedURLLength: Int, parsesEmoji: Bool,
        ranges: [WeightedRange]
    ) {
        precondition(maxWeightedLength > 0 && scale > 0, "weights are counted in parts of a character")
        self.maxWeightedLength = maxWeightedLength
        self.scale = scale
        self.defaultWeight = defaultWeight
        self.transformedURLLength = transformedURLLength
        self.parsesEmoji = parsesEmoji
        self.ranges = ranges
    }

    /// 140 code points.
    public static let v1 = WeighingRules(
        maxWeightedLength: 140, scale: 1, defaultWeight: 1, transformedURLLength: 23, parsesEmoji: false, ranges: [])

    /// 280 characters; those of alphabets up to Georgian, and spaces, hyphens and quotes, count half as much as others.
    public static let v2 = WeighingRules(
        maxWeightedLength: 280, scale: 100, defaultWeight: 200, transformedURLLength: 23, parsesEmoji: false,
        ranges: [
            WeightedRange(range: 0...0x10FF, weight: 100),
            WeightedRange(range: 0x2000...0x200D, weight: 100),
            WeightedRange(range: 0x2010...0x201F, weight: 100),
            WeightedRange(range: 0x2032...0x2037, weight: 100),
        ])

    /// As v2, and every emoji counts as two characters.
    public static let v3: WeighingRules = {
        var rules = v2
        rules.parsesEmoji = true
        return rules
    }()

    func weight(of scalar: Unicode.Scalar) -> Int {
        for weighted in ranges where weighted.range.contains(scalar.value) { return weighted.weight }
        return defaultWeight
    }
}

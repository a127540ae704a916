/// Texts to post: 140 bytes of made-up words, the frequent ones as frequent as words are (Zipf).
struct SampleTexts: Sendable {
    static let bytes = 140
    private static let vocabulary = 2000
    private static let count = 512

    let words: [String]
    private let texts: [String]

    init(seed: UInt64 = 1) {
        var random = SplitMix64(seed: seed)
        let words = (0..<Self.vocabulary).map { _ in Self.word(&random) }
        let frequency = Zipf(count: words.count, exponent: 1)
        texts = (0..<Self.count).map { _ in
            var text = ""
            while text.utf8.count < Self.bytes { text += words[frequency.sample(using: &random) - 1] + " " }
            // A blank at the end would not count as text.
            return String(text.prefix(Self.bytes - 1)) + "a"
        }
        self.words = words
    }

    /// The same for the same number.
    subscript(number: Int) -> String { texts[number % texts.count] }

    func choose(using random: inout SplitMix64) -> String { texts[random.below(texts.count)] }

    /// Two words that stand in one text, as frequent as they are there.
    func twoWords(using random: inout SplitMix64) -> String {
        let words = choose(using: &random).split(separator: " ").dropLast()
        let first = random.below(words.count - 1)
        return "\(words[first]) \(words[first + 1 + random.below(words.count - first - 1)])"
    }

    /// Two to four syllables.
    private static func word(_ random: inout SplitMix64) -> String {
        let (consonants, vowels) = (Array("bdfghklmnprstvz"), Array("aeiou"))
        return (0..<2 + random.below(3)).reduce(into: "") { word, _ in
            word.append(consonants[random.below(consonants.count)])
            word.append(vowels[random.below(vowels.count)])
        }
    }
}

import Testing
import TweetText

/// validate.yml of twitter-text.
@Suite(.enabled(if: Vectors.isThere, Vectors.needed)) struct ValidateVectorTests {
    static let sections: Set<String> = [
        "tweets", "usernames", "lists", "hashtags", "urls", "urls_without_protocol", "WeightedTweetsCounterTest",
        "WeightedTweetsWithDiscountedEmojiCounterTest", "UnicodeDirectionalMarkerCounterTest",
    ]

    /// The section is older than weights.
    @Test(arguments: try Vectors.section("tweets", of: .validate))
    func tweets(_ vector: Vector) {
        vector.check { #expect(.flag(Validator.isValidTweet(vector.text, rules: .v1)) == vector.expected) }
    }

    @Test(arguments: try Vectors.section("usernames", of: .validate))
    func usernames(_ vector: Vector) {
        vector.check { #expect(.flag(Validator.isValidUsername(vector.text)) == vector.expected) }
    }

    @Test(arguments: try Vectors.section("lists", of: .validate))
    func lists(_ vector: Vector) {
        vector.check { #expect(.flag(Validator.isValidList(vector.text)) == vector.expected) }
    }

    @Test(arguments: try Vectors.section("hashtags", of: .validate))
    func hashtags(_ vector: Vector) {
        vector.check { #expect(.flag(Validator.isValidHashtag(vector.text)) == vector.expected) }
    }

    @Test(arguments: try Vectors.section("urls", of: .validate))
    func urls(_ vector: Vector) {
        vector.check { #expect(.flag(Validator.isValidURL(vector.text)) == vector.expected) }
    }

    @Test(arguments: try Vectors.section("urls_without_protocol", of: .validate))
    func urlsWithoutProtocol(_ vector: Vector) {
        vector.check {
            #expect(.flag(Validator.isValidURL(vector.text, requiresProtocol: false)) == vector.expected)
        }
    }

    @Test(arguments: try Vectors.section("WeightedTweetsCounterTest", of: .validate))
    func weights(_ vector: Vector) {
        vector.check { #expect(WeighedText(vector.text, rules: .v2).fields == vector.expected) }
    }

    @Test(arguments: try Vectors.section("WeightedTweetsWithDiscountedEmojiCounterTest", of: .validate))
    func weightsWithEmojiAsOne(_ vector: Vector) {
        vector.check { #expect(WeighedText(vector.text, rules: .v3).fields == vector.expected) }
    }

    @Test(arguments: try Vectors.section("UnicodeDirectionalMarkerCounterTest", of: .validate))
    func weightsWithDirectionalMarks(_ vector: Vector) {
        vector.check { #expect(WeighedText(vector.text, rules: .v3).fields == vector.expected) }
    }
}

extension WeighedText {
    /// As the vectors write one: their ranges include their ends.
    fileprivate var fields: Vector.Expected {
        .fields([
            "weightedLength": .number(weightedLength),
            "valid": .flag(isValid),
            "permillage": .number(permillage),
            "displayRangeStart": .number(displayRange.lowerBound),
            "displayRangeEnd": .number(max(displayRange.upperBound - 1, 0)),
            "validRangeStart": .number(validRange.lowerBound),
            "validRangeEnd": .number(max(validRange.upperBound - 1, 0)),
        ])
    }
}

import Testing
import TweetText

/// extract.yml of twitter-text.
@Suite(.enabled(if: Vectors.isThere, Vectors.needed)) struct ExtractVectorTests {
    static let sections: Set<String> = [
        "mentions", "mentions_with_indices", "mentions_or_lists_with_indices", "replies", "urls", "urls_with_indices",
        "urls_with_directional_markers", "tco_urls_with_params", "hashtags", "hashtags_from_astral",
        "hashtags_with_indices", "cashtags", "cashtags_with_indices",
    ]

    @Test(arguments: try Vectors.section("mentions", of: .extract))
    func mentions(_ vector: Vector) {
        vector.check { #expect(.texts(Extractor.mentions(in: vector.text).map(\.text)) == vector.expected) }
    }

    @Test(arguments: try Vectors.section("mentions_with_indices", of: .extract))
    func mentionsWithIndices(_ vector: Vector) {
        let found = Extractor.mentions(in: vector.text).map { $0.fields("screen_name") }
        vector.check { #expect(.list(found) == vector.expected) }
    }

    @Test(arguments: try Vectors.section("mentions_or_lists_with_indices", of: .extract))
    func mentionsOrListsWithIndices(_ vector: Vector) {
        let found = Extractor.mentionsAndLists(in: vector.text).map { entity in
            entity.fields("screen_name", adding: ["list_slug": .text(entity.listSlug)])
        }
        vector.check { #expect(.list(found) == vector.expected) }
    }

    @Test(arguments: try Vectors.section("replies", of: .extract))
    func replies(_ vector: Vector) {
        let found = Extractor.replyScreenName(in: vector.text).map(Vector.Expected.text) ?? .nothing
        vector.check { #expect(found == vector.expected) }
    }

    @Test(arguments: try Vectors.section("tco_urls_with_params", of: .extract))
    func shortenedURLsWithParameters(_ vector: Vector) { checkURLs(vector) }

    @Test(arguments: try Vectors.section("urls", of: .extract))
    func urls(_ vector: Vector) { checkURLs(vector) }

    private func checkURLs(_ vector: Vector) {
        vector.check { #expect(.texts(Extractor.urls(in: vector.text).map(\.text)) == vector.expected) }
    }

    @Test(arguments: try Vectors.section("urls_with_indices", of: .extract))
    func urlsWithIndices(_ vector: Vector) { checkURLsWithIndices(vector) }

    @Test(arguments: try Vectors.section("urls_with_directional_markers", of: .extract))
    func urlsWithDirectionalMarkers(_ vector: Vector) { checkURLsWithIndices(vector) }

    private func checkURLsWithIndices(_ vector: Vector) {
        vector.check {
            #expect(.list(Extractor.urls(in: vector.text).map { $0.fields("url") }) == vector.expected)
        }
    }

    @Test(arguments: try Vectors.section("hashtags", of: .extract))
    func hashtags(_ vector: Vector) { checkHashtags(vector) }

    @Test(arguments: try Vectors.section("hashtags_from_astral", of: .extract))
    func hashtagsFromAstralPlanes(_ vector: Vector) { checkHashtags(vector) }

    private func checkHashtags(_ vector: Vector) {
        vector.check { #expect(.texts(Extractor.hashtags(in: vector.text).map(\.text)) == vector.expected) }
    }

    @Test(arguments: try Vectors.section("hashtags_with_indices", of: .extract))
    func hashtagsWithIndices(_ vector: Vector) {
        vector.check {
            #expect(.list(Extractor.hashtags(in: vector.text).map { $0.fields("hashtag") }) == vector.expected)
        }
    }

    @Test(arguments: try Vectors.section("cashtags", of: .extract))
    func cashtags(_ vector: Vector) {
        vector.check { #expect(.texts(Extractor.cashtags(in: vector.text).map(\.text)) == vector.expected) }
    }

    @Test(arguments: try Vectors.section("cashtags_with_indices", of: .extract))
    func cashtagsWithIndices(_ vector: Vector) {
        vector.check {
            #expect(.list(Extractor.cashtags(in: vector.text).map { $0.fields("cashtag") }) == vector.expected)
        }
    }
}

extension Entity {
    /// As the vectors write one, its text under `name`.
    fileprivate func fields(_ name: String, adding others: [String: Vector.Expected] = [:]) -> Vector.Expected {
        .fields([name: .text(text), "indices": .indices(range)].merging(others) { $1 })
    }
}

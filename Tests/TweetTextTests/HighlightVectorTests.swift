import Testing
import TweetText

/// hit_highlighting.yml of twitter-text.
@Suite(.enabled(if: Vectors.isThere, Vectors.needed)) struct HighlightVectorTests {
    static let sections: Set<String> = ["plain_text", "with_links"]

    @Test(arguments: try Vectors.section("plain_text", of: .highlighting))
    func plainText(_ vector: Vector) { check(vector) }

    @Test(arguments: try Vectors.section("with_links", of: .highlighting))
    func textWithLinks(_ vector: Vector) { check(vector) }

    private func check(_ vector: Vector) {
        let highlighted = HitHighlighter().highlight(vector.text, hits: vector.hits)
        vector.check { #expect(.text(highlighted) == vector.expected) }
    }
}

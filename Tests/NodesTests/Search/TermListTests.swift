import Testing

@testable import Nodes

@Suite struct TermListTests {
    private static func words(of text: String) -> [(word: String, position: Int)] {
        let list = TermList(IndexedTweet(id: 1, text: text, author: "ada", hashtags: ["Rook"]))
        return list.entries.map { (String(decoding: list.bytes[$0.bytes], as: UTF8.self), $0.position) }
    }

    /// An address weighs 23 however long it is, and each letter of its path may be a word of its own.
    @Test func anAddressOfThousandsOfWordsIsIndexedByItsFirst() {
        let path = (0..<2000).map { "/w\($0)" }.joined()
        let words = Self.words(of: "rooks http://a.com\(path)/w1 rooks #Rook")
        #expect(Set(words.map(\.word)).count == TermList.maxWords + 2, "beside them, who wrote it and its hashtag")
        #expect(words.contains { $0.word == "w507" } && !words.contains { $0.word == "w508" })
        // rooks, http, a, com, then the path; what is indexed is found wherever it comes again.
        #expect(words.filter { $0.word == "w1" }.map(\.position) == [5, 2004])
        #expect(words.filter { $0.word == "rooks" }.map(\.position) == [0, 2005])
        #expect(words.suffix(2).map(\.word) == ["from:ada", "#rook"])
    }

    @Test func manyRepeatedWordsAreNotMany() {
        let words = Self.words(of: Array(repeating: "w", count: 600).joined(separator: " "))
        #expect(words.filter { $0.word == "w" }.map(\.position) == Array(0..<600))
    }
}

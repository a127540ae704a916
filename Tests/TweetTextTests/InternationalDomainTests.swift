import Testing

@testable import TweetText

@Suite struct InternationalDomainTests {
    /// RFC 3492 section 7.1, and names of today.
    @Test(arguments: [
        ("ليهمابتكلموشعربي؟", "egbpdaj6bu4bxfgehfvwxn"), ("他们为什么不说中文", "ihqwcrb4cv8a8dqg056pqjye"),
        ("3年B組金八先生", "3B-ww4c5e180e575a65lsy2b"), ("MajiでKoiする5秒前", "MajiKoi5-783gue6qz075azm5e"),
        ("bücher", "bcher-kva"), ("ü", "tda"), ("☃", "n3h"), ("😀a😀", "a-iv3sba"), ("abc", "abc-"),
    ])
    func lengthsAreThoseOfTheEncoding(_ label: String, _ encoded: String) {
        #expect(Punycode.length(of: label.unicodeScalars.map(\.value)) == encoded.count)
    }

    @Test func labelsHaveAtMost63Characters() {
        let label = String(repeating: "a", count: 63)
        #expect(growth("\(label).com") == 0)
        #expect(growth("\(label)a.com") == nil)
        // 52 of these are 59 characters, 53 of them 60, and the prefix has four.
        let kana = String(repeating: "あいうえおかきくけこ", count: 6)
        #expect(growth("\(kana.prefix(52)).com") != nil)
        #expect(growth("\(kana.prefix(53)).com") == nil)
    }

    @Test func aNameGrowsByItsPrefixAndCode() {
        #expect(growth("bücher.example") == "xn--bcher-kva".count - "bücher".count)
        #expect(growth("日本。example.com") != nil)
    }

    @Test func whatSaysItIsEncodedHasToBe() {
        #expect(growth("xn--bcher-kva.com") == 0)
        #expect(growth("XN--bücher.com") == nil)
        #expect(growth("a..com") == nil)
    }

    private func growth(_ domain: String) -> Int? {
        let points = CodePoints(domain)
        return InternationalDomain.growth(of: 0..<points.count, in: points)
    }
}

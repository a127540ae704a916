import Testing
import TweetText

@Suite struct ValidatorTests {
    @Test func usernamesAreWholeTexts() {
        #expect(Validator.isValidUsername("@abcdefghij1234567890"))
        #expect(Validator.isValidUsername("＠bob"))
        for text in ["", "@", "bob", "@abcdefghij1234567890x", "@bob ", " @bob", "@bob/list", "@böb", "@@bob"] {
            #expect(!Validator.isValidUsername(text), "\(text)")
        }
    }

    @Test func listsAreWholeTexts() {
        #expect(Validator.isValidList("@bob/a-b_1"))
        let slug = String(repeating: "s", count: 25)
        #expect(Validator.isValidList("@bob/\(slug)"))
        for text in ["@bob/\(slug)s", "@bob/1", "@bob/", "@bob/-", "bob/list", ".@bob/list"] {
            #expect(!Validator.isValidList(text), "\(text)")
        }
    }

    @Test func hashtagsAreWholeTexts() {
        for text in ["#a", "＃a", "#_a", "#日本", "#a·b", "#1\u{301}"] {
            #expect(Validator.isValidHashtag(text), "\(text)")
        }
        for text in ["", "#", "a", "#1", "#_", "#a b", " #a", "#a#", "##a", "#a.", "#\u{20E3}"] {
            #expect(!Validator.isValidHashtag(text), "\(text)")
        }
    }

    @Test(arguments: [
        "http://192.168.10.255", "http://1.2.3.4.com", "https://[::1]:8080", "http://a:b@c.de", "http://@c.de",
        "http://c.de:65535",
        "http://c.de?", "http://c.de#", "http://c.de/%2f", "http://a_b.c.de", "http://日本.語", "hTTp://c.de//",
        "http://c.de/a|b",
    ])
    func urls(_ text: String) { #expect(Validator.isValidURL(text)) }

    @Test(arguments: [
        "", "http://", "http://de", "c.de", "ftp://c.de", "http://1.2.3.256", "http://1.2.3", "http://01.2.3.4",
        "http://[]", "http://[g]",
        "http://[::1", "http://c.de:", "http://c.de:123456", "http://a@b@c.de", "http://c.de/%2", "http://c.de/%zz",
        "http://c.d_e",
        "http://-c.de", "http://c-.de", "http://c..de", "http://c.de.", "http://c.1e", "http://c.de/a b",
        "http://c.de/\n", "http:/c.de",
        "http://c.de?\"", "http://c.de/<",
    ])
    func noURLs(_ text: String) { #expect(!Validator.isValidURL(text)) }

    @Test func unicodeDomainsAndProtocolsCanBeAskedFor() {
        #expect(!Validator.isValidURL("http://日本.de", allowsUnicodeDomains: false))
        #expect(Validator.isValidURL("http://c.de", allowsUnicodeDomains: false))
        #expect(Validator.isValidURL("c.de/x", requiresProtocol: false))
        #expect(!Validator.isValidURL("de/x", requiresProtocol: false))
    }
}

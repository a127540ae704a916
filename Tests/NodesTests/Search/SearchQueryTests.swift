import Testing

@testable import Nodes

/// What one may type, and what is made of it.
@Suite struct SearchQueryTests {
    private static let understood: [(String, String)] = [
        ("swift", "swift"),
        ("  Swift   NIO ", "swift nio"),
        ("it's foo-bar", "\"it s\" \"foo bar\""),
        ("STRASSE straße", "strasse strasse"),
        ("#Swift ＃Tag $AAPL @Alice ＠bob", "#swift #tag $aapl @alice @bob"),
        ("#1 $5", "1 5"),
        ("#foo!", "#foo"),
        ("$BRK.A $brk_b", "$brka $brk_b"),
        ("#col·lecció ＃col·lecció!", "#collecció #collecció"),
        ("#セーラー・ムーン", "#セーラームーン"),
        ("-#a〜b $GOOGLEX", "-#ab $googlex"),
        ("#1·2", "\"1 2\""),
        ("from:Alice TO:@bob", "from:alice to:bob"),
        ("\"Hello, World\"", "\"hello world\""),
        ("“Curly quotes”", "\"curly quotes\""),
        ("\"one\"", "one"),
        ("a\"b c\"d", "a \"b c\" d"),
        ("a -b", "a -b"),
        ("-from:alice", "-from:alice"),
        ("a -\"b c\" -(d e) -(f OR g)", "a -\"b c\" -(d e) -(f OR g)"),
        ("--a", "a"),
        ("-(-a)", "a"),
        ("-(a)", "-a"),
        ("-OR", "-or"),
        ("a OR b", "a OR b"),
        ("a or b", "a or b"),
        ("a ORB OR \"OR\"", "a orb OR or"),
        ("a b OR c d", "a b OR c d"),
        ("a (b OR c) d", "a (b OR c) d"),
        ("(a b) c", "a b c"),
        ("(a OR b) OR c", "a OR b OR c"),
        ("((a))", "a"),
        ("(a)(b)", "a b"),
        ("a OR -(b c)", "a OR -(b c)"),
        ("since:2026-01-05 until:2026-02-01", "since:2026-01-05 until:2026-02-01"),
        ("since:1999-12-31", "since:1999-12-31"),
        ("until:2028-02-29", "until:2028-02-29"),
        ("Filter:Media filter:links -filter:replies", "filter:media filter:links -filter:replies"),
        ("min_likes:10 -MIN_LIKES:007", "min_likes:10 -min_likes:7"),
        ("lang:EN lang:pt-BR", "lang:en lang:pt-br"),
        ("foo:bar 12:30", "\"foo bar\" \"12 30\""),
        ("https://t.co/x", "\"https t co x\""),
        ("AND NOT", "and not"),
        ("नमस्ते दुनिया", "नमस्ते दुनिया"),
        ("rock & roll", "rock roll"),
        ("a + b / c — d 、 e … !", "a b c d e"),
        ("__ a __", "__ a __"),
        ("& a OR = b", "a OR b"),
    ]

    @Test(arguments: understood)
    func aQueryHasOneCanonicalText(_ text: String, _ canonical: String) throws {
        let query = try SearchQuery(parsing: text)
        #expect(query.description == canonical)
        #expect(try SearchQuery(parsing: canonical) == query)
    }

    private static let refused: [(String, Int, String)] = [
        ("", 1, "the query is empty"),
        ("   ", 1, "the query is empty"),
        ("a (b", 3, "this parenthesis is never closed"),
        ("a b)", 4, "this parenthesis closes nothing"),
        ("a \"b c", 3, "this quotation mark is never closed"),
        ("a \"?!\"", 3, "there is no word between the quotation marks"),
        ("a \"\"", 3, "there is no word between the quotation marks"),
        ("a ()", 3, "there is nothing between the parentheses"),
        ("OR a", 1, "OR has nothing on its left"),
        ("a OR", 3, "OR has nothing on its right"),
        ("a OR OR b", 6, "OR has nothing on its left"),
        ("(a OR) b", 4, "OR has nothing on its right"),
        ("(OR a)", 2, "OR has nothing on its left"),
        ("a - b", 3, "- must stand right before what it excludes"),
        ("a -", 3, "- must stand right before what it excludes"),
        ("(-)", 2, "- must stand right before what it excludes"),
        ("-!?", 2, "\"!?\" holds no letter or digit to search for"),
        ("!?", 1, "\"!?\" holds no letter or digit to search for"),
        ("a (& /)", 6, "\"/\" holds no letter or digit to search for"),
        ("a OR &", 6, "\"&\" holds no letter or digit to search for"),
        ("& a OR", 5, "OR has nothing on its right"),
        ("cats !(dogs)", 6, "\"!\" holds no letter or digit to search for"),
        ("cats | dogs", 6, "\"|\" holds no letter or digit to search for"),
        ("cats || dogs", 6, "\"||\" holds no letter or digit to search for"),
        ("é 🎉", 3, "\"🎉\" holds no letter or digit to search for"),
        ("#", 1, "a word is missing after #"),
        ("a $", 3, "a word is missing after $"),
        ("a @", 3, "a username is missing after @"),
        ("$BRK.ABC", 1, "a tag is one word of letters, digits and _; quote it to search for its words"),
        ("#col·lecció-x", 1, "a tag is one word of letters, digits and _; quote it to search for its words"),
        ("#\u{3164}", 1, "a word is missing after #"),
        ("#foo-bar", 1, "a tag is one word of letters, digits and _; quote it to search for its words"),
        ("@alice!", 2, "a username has 1 to 15 letters a-z, digits and _"),
        ("@abcdefghijklmnop", 2, "a username has 1 to 15 letters a-z, digits and _"),
        ("a from:", 3, "a value is missing after from:"),
        ("from:\"alice\"", 1, "a value is missing after from:"),
        ("from:@", 1, "a username is missing after from:"),
        ("to:bøb", 4, "a username has 1 to 15 letters a-z, digits and _"),
        (
            "a filter:video", 10,
            "there is no filter \"video\"; there are filter:links, filter:media, filter:replies"
        ),
        ("since:2026-02-30", 7, "\"2026-02-30\" is no date; dates are written YYYY-MM-DD"),
        ("until:2027-02-29", 7, "\"2027-02-29\" is no date; dates are written YYYY-MM-DD"),
        ("since:2026-13-01", 7, "\"2026-13-01\" is no date; dates are written YYYY-MM-DD"),
        ("since:26-01-01", 7, "\"26-01-01\" is no date; dates are written YYYY-MM-DD"),
        ("since:2026-1-01", 7, "\"2026-1-01\" is no date; dates are written YYYY-MM-DD"),
        ("until:yesterday", 7, "\"yesterday\" is no date; dates are written YYYY-MM-DD"),
        ("min_likes:-1", 11, "\"-1\" is no number; numbers are written in digits"),
        ("min_likes:many", 11, "\"many\" is no number; numbers are written in digits"),
        (
            "min_likes:9223372036854775808", 11,
            "\"9223372036854775808\" is no number; numbers are written in digits"
        ),
        ("lang:e", 6, "a language is written like en or pt-br"),
        ("lang:en_GB", 6, "a language is written like en or pt-br"),
        (String(repeating: "a", count: 513), 513, "the query is longer than 512 characters"),
        (
            Array(repeating: "a", count: 33).joined(separator: " "), 65,
            "the query has more than 32 terms"
        ),
        (
            "x \"" + Array(repeating: "a", count: 32).joined(separator: " ") + "\"", 3,
            "the query has more than 32 terms"
        ),
        (
            String(repeating: "(", count: 17) + "a", 17,
            "more than 16 groups and exclusions inside one another"
        ),
        (
            String(repeating: "-", count: 400) + "a", 17,
            "more than 16 groups and exclusions inside one another"
        ),
    ]

    @Test(arguments: refused)
    func aRefusalSaysWhereAndWhy(_ text: String, _ column: Int, _ reason: String) {
        #expect(throws: SearchQueryError(column: column, reason: reason)) { try SearchQuery(parsing: text) }
    }

    @Test func theLimitsThemselvesAreAllowed() throws {
        _ = try SearchQuery(parsing: String(repeating: "a", count: 512))
        _ = try SearchQuery(parsing: Array(repeating: "a", count: 32).joined(separator: " "))
        let nested = String(repeating: "(", count: 16) + "a" + String(repeating: ")", count: 16)
        #expect(try SearchQuery(parsing: nested) == .word("a"))
    }

    @Test func operatorsBindAsWritten() throws {
        #expect(
            try SearchQuery(parsing: "a b OR -(c d) e")
                == .any([.all([.word("a"), .word("b")]), .all([.not(.all([.word("c"), .word("d")])), .word("e")])]))
    }

    @Test func generatedQueriesComeBackFromTheirText() throws {
        let seed = Seed.fresh()
        var random = SearchChance(seed: seed)
        var read = 0
        for _ in 0..<3000 {
            let query = random.query(depth: 4)
            do throws(SearchQueryError) {
                #expect(try SearchQuery(parsing: query.description) == query, "ROOKERY_SEED=\(seed)")
                read += 1
            } catch {
                // Some have more terms than one may type.
                #expect(error.reason.contains("more than"), "\(query), ROOKERY_SEED=\(seed)")
            }
        }
        #expect(read > 2500)
    }

    /// Whatever is typed is understood or refused with a place inside it.
    @Test func anyTextIsReadOrRefused() throws {
        let seed = Seed.fresh()
        var random = SearchChance(seed: seed)
        let pieces = ["a", "OR", " ", "(", ")", "\"", "-", "from:", "#", "@b", "filter:", ":", "é", "🎉", "since:2026"]
        for _ in 0..<5000 {
            let text = (0..<random.below(14)).map { _ in random.pick(pieces) }.joined()
            do throws(SearchQueryError) {
                let query = try SearchQuery(parsing: text)
                #expect(try SearchQuery(parsing: query.description) == query, "\(text), ROOKERY_SEED=\(seed)")
            } catch {
                #expect((1...text.count + 1).contains(error.column), "\(text), ROOKERY_SEED=\(seed)")
            }
        }
    }

    @Test func daysAreCountedAsTheCalendarDoes() throws {
        let day = { (text: String) in try #require(CalendarDay(text)) }
        #expect(try day("1970-01-01").startMs == 0)
        #expect(try day("1969-12-31").startMs == -86_400_000)
        #expect(try day("2000-02-29").startMs == 951_782_400_000)
        #expect(try day("2026-01-01").startMs == 1_767_225_600_000)
        #expect(try SearchPlan.firstId(of: day("2026-01-01")) == 0)
        #expect(try SearchPlan.firstId(of: day("2026-01-02")) == 86_400_000 << 22)
        #expect(try SearchPlan.firstId(of: day("0001-01-01")) == 0)
        #expect(try SearchPlan.firstId(of: day("9999-12-31")) == 1 << 63)
        #expect(CalendarDay("1900-02-29") == nil)
    }
}

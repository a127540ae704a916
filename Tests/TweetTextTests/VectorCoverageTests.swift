import Foundation
import Testing
import Yams

@testable import TweetText

/// Holds the vector tests against the files, so that no section and no case goes unseen.
@Suite struct VectorCoverageTests {
    private static let known: [Vectors.File: Set<String>] = [
        .extract: ExtractVectorTests.sections,
        .highlighting: HighlightVectorTests.sections,
        .validate: ValidateVectorTests.sections,
    ]

    @Test(.enabled(if: Vectors.isThere || Vectors.isRequired, Vectors.needed))
    func theDataIsThere() { #expect(Vectors.isThere, Vectors.needed) }

    @Test(.enabled(if: Vectors.isThere, Vectors.needed), arguments: Vectors.File.allCases)
    func everySectionHasATest(_ file: Vectors.File) throws {
        let sections = try Vectors.sections(of: file)
        #expect(Set(sections.keys).subtracting(Self.known[file] ?? []) == [])
    }

    /// Counted by the lines that begin a case, as the parser could lose some.
    @Test(.enabled(if: Vectors.isThere, Vectors.needed), arguments: Vectors.File.allCases)
    func everyCaseIsRun(_ file: Vectors.File) throws {
        let lines = try Vectors.text(of: "\(file.rawValue).yml").split(separator: "\n")
        let written = lines.count { $0.drop { $0 == " " }.hasPrefix("- description:") }
        let sections = try Vectors.sections(of: file)
        let run = (Self.known[file] ?? []).reduce(0) { $0 + (sections[$1]?.count ?? 0) }
        print("\(file.rawValue).yml: \(run) cases")
        #expect(run == written)
        #expect(run > 0)
    }

    @Test(.enabled(if: Vectors.isThere, Vectors.needed))
    func exceptionsNameCasesThatExist() throws {
        let ids = try Vectors.File.allCases.flatMap { try Vectors.sections(of: $0).values.joined().map(\.id) }
        #expect(Set(Vectors.exceptions.keys).subtracting(ids) == [])
    }

    @Test(.enabled(if: Vectors.isThere, Vectors.needed))
    func rulesOfVersion3AreAsPublished() throws {
        let published = try JSONDecoder().decode(
            PublishedRules.self, from: Data(Vectors.text(of: "config-v3.json").utf8))
        #expect(published.rules == .v3)
    }

    @Test(.enabled(if: Vectors.isThere, Vectors.needed), arguments: ["country", "generic"])
    func publishedTopLevelDomainsAreKnown(_ kind: String) throws {
        let list = try #require(try Yams.compose(yaml: Vectors.text(of: "tld_lib.yml"))?[kind])
        let names = list.array().compactMap(\.string)
        let own = kind == "country" ? TopLevelDomains.country : TopLevelDomains.generic
        let known = Set(own.split(whereSeparator: \.isWhitespace).map(String.init))
        #expect(names.count > 200)
        #expect(Set(names).subtracting(known) == [])
    }
}

private struct PublishedRules: Decodable {
    struct Range: Decodable {
        let start: UInt32
        let end: UInt32
        let weight: Int
    }

    let maxWeightedTweetLength: Int
    let scale: Int
    let defaultWeight: Int
    let emojiParsingEnabled: Bool
    let transformedURLLength: Int
    let ranges: [Range]

    var rules: WeighingRules {
        WeighingRules(
            maxWeightedLength: maxWeightedTweetLength, scale: scale, defaultWeight: defaultWeight,
            transformedURLLength: transformedURLLength, parsesEmoji: emojiParsingEnabled,
            ranges: ranges.map { .init(range: $0.start...$0.end, weight: $0.weight) })
    }
}

import Foundation
import Testing
import Yams

/// The conformance vectors of twitter-text, in the folder `twitter-text` of what ROOKERY_DATA names.
enum Vectors {
    enum File: String, CaseIterable {
        case extract
        case highlighting = "hit_highlighting"
        case validate
    }

    /// Vectors that are not met, as `file/section/description`, with the reason.
    static let exceptions: [String: String] = [:]

    private static let variables = ProcessInfo.processInfo.environment

    static let folder = variables["ROOKERY_DATA"].map { "\($0)/twitter-text" }

    static let isThere = folder.map { FileManager.default.fileExists(atPath: "\($0)/extract.yml") } ?? false

    /// Set where missing data must not go unnoticed.
    static let isRequired = variables["ROOKERY_REQUIRE_DATA"] == "1"

    static let needed: Comment = "set ROOKERY_DATA to the folder with twitter-text/"

    static func text(of name: String) throws -> String {
        try String(contentsOfFile: "\(folder ?? "ROOKERY_DATA")/\(name)", encoding: .utf8)
    }

    /// The sections of a file, each with its vectors; none where there is no data.
    static func sections(of file: File) throws -> [String: [Vector]] {
        guard isThere else { return [:] }
        let root = try Yams.compose(yaml: text(of: "\(file.rawValue).yml"))
        let tests = try #require(root?["tests"]?.mapping, "\(file.rawValue).yml has no tests")
        var sections: [String: [Vector]] = [:]
        for (name, cases) in tests {
            let section = try #require(name.string)
            sections[section] = try cases.array().map { try Vector($0, in: "\(file.rawValue)/\(section)") }
        }
        return sections
    }

    static func section(_ name: String, of file: File) throws -> [Vector] {
        try sections(of: file)[name] ?? []
    }
}

/// One case of a section.
struct Vector: Sendable, CustomTestStringConvertible {
    /// As `file/section/description`.
    let id: String
    let text: String
    let hits: [Range<Int>]
    let expected: Expected

    var testDescription: String { String(id.split(separator: "/", maxSplits: 2).last ?? "") }

    /// What a section expects, by the shape it is written in.
    indirect enum Expected: Sendable, Equatable {
        case nothing
        case text(String)
        case list([Expected])
        case fields([String: Expected])
    }

    init(_ node: Node, in section: String) throws {
        let description = try #require(node["description"]?.string, "\(section) has a case without description")
        id = "\(section)/\(description)"
        text = try #require(node["text"]?.string, "\(id) has no text")
        hits = try (node["hits"]?.array() ?? []).map { pair in
            let bounds = pair.array().compactMap(\.int)
            try #require(bounds.count == 2)
            return bounds[0]..<bounds[1]
        }
        expected = try Expected(#require(node["expected"], "\(id) expects nothing"))
    }

    /// Runs the check, or expects it to fail where there is an exception.
    func check(_ body: () throws -> Void) rethrows {
        guard let reason = Vectors.exceptions[id] else { return try body() }
        withKnownIssue("\(reason)", body)
    }
}

extension Vector.Expected {
    init(_ node: Node) {
        switch node {
        case .sequence(let items):
            self = .list(items.map(Self.init))
        case .mapping(let fields):
            let pairs = fields.compactMap { key, value in key.string.map { ($0, Self(value)) } }
            self = .fields(Dictionary(uniqueKeysWithValues: pairs))
        default:
            // An unquoted `~`, or nothing behind the colon.
            self = node.null == nil ? .text(node.string ?? "") : .nothing
        }
    }

    static func flag(_ value: Bool) -> Self { .text(value ? "true" : "false") }

    static func number(_ value: Int) -> Self { .text(String(value)) }

    static func texts(_ values: [String]) -> Self { .list(values.map(Self.text)) }

    /// As `[start, end]`, the end exclusive.
    static func indices(_ range: Range<Int>) -> Self {
        .list([.number(range.lowerBound), .number(range.upperBound)])
    }
}

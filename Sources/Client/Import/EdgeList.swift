/// One file of an import, as it was read.
public struct ImportFile: Sendable {
    /// How messages name it.
    public var path: String
    public var bytes: [UInt8]

    public init(path: String, bytes: [UInt8]) {
        self.path = path
        self.bytes = bytes
    }

    /// The lines without their breaks; what follows the last break is a line only when it is not empty.
    var lines: [ArraySlice<UInt8>] {
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }
}

/// An edge list: two whole numbers a line, separated by white space or a comma; `#` and `%` begin comments.
struct EdgeList: Hashable, Sendable {
    struct Edge: Hashable, Sendable {
        var first: UInt64
        var second: UInt64
        /// From 1.
        var line: Int
    }

    private(set) var edges: [Edge] = []
    /// Every node that is named, ascending; also one that only loops to itself.
    private(set) var nodes: [UInt64] = []
    private(set) var selfLoops = 0
    private(set) var duplicates = 0

    /// - Parameter directed: `1 2` and `2 1` are two edges.
    init(_ file: ImportFile, directed: Bool) throws {
        var seen: Set<[UInt64]> = []
        var named: Set<UInt64> = []
        for (index, line) in file.lines.enumerated() {
            let numbers = try Self.numbers(line, file.path, index + 1)
            guard !numbers.isEmpty else { continue }
            let (first, second) = (numbers[0], numbers[1])
            named.formUnion(numbers)
            if first == second {
                selfLoops += 1
            } else if seen.insert(directed || first < second ? [first, second] : [second, first]).inserted {
                edges.append(Edge(first: first, second: second, line: index + 1))
            } else {
                duplicates += 1
            }
        }
        nodes = named.sorted()
        guard !nodes.isEmpty else { throw ImportFailure.file(file.path, problem: "it holds no edges") }
    }

    /// The two numbers of a line, none for a line without content.
    private static func numbers(_ line: ArraySlice<UInt8>, _ path: String, _ number: Int) throws -> [UInt64] {
        let content = line.prefix { $0 != UInt8(ascii: "#") && $0 != UInt8(ascii: "%") }
        let words = content.split { $0 == 0x20 || (0x09...0x0D).contains($0) || $0 == UInt8(ascii: ",") }
        guard !words.isEmpty else { return [] }
        guard words.count == 2 else {
            throw ImportFailure.line(
                file: path, line: number, problem: "an edge is two whole numbers, found \(words.count) words")
        }
        return try words.map { word in
            let text = String(decoding: word, as: UTF8.self)
            // The user's name is u and the number, and a name has at most 15 characters.
            guard word.allSatisfy({ (48...57).contains($0) }), let value = UInt64(text), String(value).utf8.count <= 14
            else {
                throw ImportFailure.line(
                    file: path, line: number,
                    problem: "a node is a whole number of at most 14 digits, found \"\(text.prefix(40))\"")
            }
            return value
        }
    }
}

/// What follows the domain of a web address: a port, a path, a query, each if it is there.
struct URLTail {
    /// Where the path ends, with or without anything behind its first slash; nil if there is none.
    let pathEnd: Int?
    let end: Int

    init(_ text: CodePoints, behind domain: Int) {
        let port = Self.portEnd(text, at: domain) ?? domain
        pathEnd = Self.pathEnd(text, at: port)
        let path = pathEnd ?? port
        end = Self.queryEnd(text, at: path, limit: text.count) ?? path
    }

    private static func portEnd(_ text: CodePoints, at colon: Int) -> Int? {
        guard text.at(colon) == ":" else { return nil }
        let end = text.end(of: colon + 1) { $0.isASCIIDigit }
        return end > colon + 1 ? end : nil
    }

    /// `valid_url_path*` behind a slash: path characters and balanced parentheses as far as they go, then back to the
    /// last that may end a path, so that the full stop of a sentence stays outside.
    private static func pathEnd(_ text: CodePoints, at slash: Int) -> Int? {
        guard text.at(slash) == "/" else { return nil }
        var end = slash + 1
        var position = slash + 1
        while let scalar = text.at(position) {
            if scalar == "(" {
                guard let closed = parenthesesEnd(text, at: position) else { break }
                position = closed
                end = closed
            } else {
                guard scalar.isPathCharacter else { break }
                position += 1
                if scalar.mayEndPath { end = position }
            }
        }
        return end
    }

    /// `valid_url_balanced_parens`: not empty, and with at most one more pair inside.
    private static func parenthesesEnd(_ text: CodePoints, at open: Int) -> Int? {
        var position = text.end(of: open + 1) { $0.isPathCharacter }
        if text.at(position) == "(" {
            let inner = text.end(of: position + 1) { $0.isPathCharacter }
            guard inner > position + 1, text.at(inner) == ")" else { return nil }
            position = text.end(of: inner + 1) { $0.isPathCharacter }
        } else if position == open + 1 {
            return nil
        }
        return text.at(position) == ")" ? position + 1 : nil
    }

    /// `\?` with `valid_url_query_chars*` and one of `valid_url_query_ending_chars`.
    static func queryEnd(_ text: CodePoints, at mark: Int, limit: Int) -> Int? {
        guard mark < limit, text[mark] == "?" else { return nil }
        var end: Int?
        var position = mark + 1
        while position < limit, text[position].isQueryCharacter {
            position += 1
            if text[position - 1].mayEndQuery { end = position }
        }
        return end
    }
}

extension Unicode.Scalar {
    /// `valid_general_url_path_chars`
    fileprivate var isPathCharacter: Bool {
        switch self {
        case "!", "*", "'", ";", ":", "=", "+", ",", ".", "$", "/", "%", "#", "[", "]", "_", "~", "&", "|", "@": true
        default: isASCIIAlphanumeric || isDash || isLatinAccent || isCyrillic
        }
    }

    /// `valid_url_path_ending_chars` without the parentheses.
    fileprivate var mayEndPath: Bool {
        switch self {
        case "=", "_", "#", "/", "+", "-": true
        default: isASCIIAlphanumeric || isLatinAccent || isCyrillic
        }
    }

    fileprivate var isQueryCharacter: Bool {
        switch self {
        case "!", "?", "*", "'", "(", ")", ";", ":", "&", "=", "+", "$", "/", "%", "#", "[", "]": true
        case "-", "_", ".", ",", "~", "|", "@": true
        default: isASCIIAlphanumeric
        }
    }

    fileprivate var mayEndQuery: Bool {
        switch self {
        case "_", "&", "=", "#", "/", "-": true
        default: isASCIIAlphanumeric
        }
    }
}

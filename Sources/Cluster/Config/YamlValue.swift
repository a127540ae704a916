import Yams

/// A value of a YAML document that knows where it stands, so that every complaint can say so.
struct YamlValue {
    let node: Node
    let path: String
    let file: String

    /// The document's root.
    static func root(of text: String, file: String) throws(ConfigError) -> YamlValue {
        do {
            guard let node = try Yams.compose(yaml: text) else {
                throw ConfigError(file: file, line: 1, path: "", problem: "the file is empty")
            }
            return YamlValue(node: node, path: "", file: file)
        } catch let error as ConfigError {
            throw error
        } catch let error as YamlError {
            throw ConfigError(error, text: text, file: file)
        } catch {
            throw ConfigError(file: file, line: nil, path: "", problem: "cannot be read as YAML: \(error)")
        }
    }

    func error(_ problem: String) -> ConfigError {
        ConfigError(file: file, line: node.mark?.line, path: path, problem: problem)
    }

    /// The values of a mapping by key. No key may be unknown, no required one missing.
    func mapping(required: [String], optional: [String] = []) throws(ConfigError) -> [String: YamlValue] {
        guard let mapping = node.mapping else { throw mismatch("a mapping") }
        var values: [String: YamlValue] = [:]
        for (key, value) in mapping {
            let name = key.scalar?.string ?? shown(key)
            guard required.contains(name) || optional.contains(name) else {
                let known = (required + optional).joined(separator: ", ")
                throw YamlValue(node: key, path: path, file: file).error("unknown key \"\(name)\"; known are \(known)")
            }
            values[name] = YamlValue(node: value, path: path.isEmpty ? name : "\(path).\(name)", file: file)
        }
        for key in required where values[key] == nil { throw error("the key \"\(key)\" is missing") }
        return values
    }

    /// The values of a list that is not empty.
    func list() throws(ConfigError) -> [YamlValue] {
        guard let sequence = node.sequence else { throw mismatch("a list") }
        guard !sequence.isEmpty else { throw error("must not be empty") }
        return sequence.enumerated().map { YamlValue(node: $1, path: "\(path)[\($0)]", file: file) }
    }

    /// A name: 1–64 of letters, digits, `.`, `_` and `-`.
    func name() throws(ConfigError) -> String {
        let name = try text()
        let isName = (1...64).contains(name.utf8.count) && name.unicodeScalars.allSatisfy(YamlValue.isNameScalar)
        guard isName else {
            throw error("must be 1 to 64 letters, digits, \".\", \"_\" or \"-\", found \(shown(node))")
        }
        return name
    }

    func text() throws(ConfigError) -> String {
        guard let scalar = node.scalar, node.tag == Tag(.str) else { throw mismatch("text") }
        return scalar.string
    }

    func wholeNumber(in range: ClosedRange<Int>) throws(ConfigError) -> Int {
        guard node.tag == Tag(.int), let number = node.int, range.contains(number) else {
            throw mismatch("a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func flag() throws(ConfigError) -> Bool {
        guard node.tag == Tag(.bool), let flag = node.bool else { throw mismatch("true or false") }
        return flag
    }

    private func mismatch(_ wanted: String) -> ConfigError {
        error("must be \(wanted), found \(shown(node))")
    }

    private func shown(_ node: Node) -> String {
        if node.mapping != nil { return "a mapping" }
        if node.sequence != nil { return "a list" }
        guard let scalar = node.scalar else { return "an alias" }
        if node.tag == Tag(.null) { return "nothing" }
        return node.tag == Tag(.str) ? "\"\(scalar.string)\"" : scalar.string
    }

    private static func isNameScalar(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII
            && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || "._-".unicodeScalars.contains(scalar))
    }
}

extension ConfigError {
    /// What the parser says, in one line.
    fileprivate init(_ error: YamlError, text: String, file: String) {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            let line = lines.indices.contains(mark.line - 1) ? lines[mark.line - 1] : ""
            let isTab = line.prefix { $0 == " " || $0 == "\t" }.contains("\t")
            let hint = isTab ? "; a tab cannot indent, use spaces" : ""
            self.init(file: file, line: mark.line, path: "", problem: "not valid YAML: \(problem)\(hint)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            let names = duplicates.map { "\"\($0)\"" }.joined(separator: ", ")
            self.init(file: file, line: context.mark.line, path: "", problem: "the key \(names) is there twice")
        case .reader(let problem, let offset, _, _):
            let line = offset.map { text.prefix($0).count(where: \.isNewline) + 1 }
            self.init(file: file, line: line, path: "", problem: "not valid YAML: \(problem)")
        default:
            self.init(file: file, line: nil, path: "", problem: "not valid YAML: \(error)")
        }
    }
}

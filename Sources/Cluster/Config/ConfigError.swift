/// What is wrong with a configuration file, and where.
public struct ConfigError: Error, Hashable, Sendable, CustomStringConvertible {
    public var file: String
    /// From 1; nil when it is not about a line (the file cannot be read).
    public var line: Int?
    /// Where in the document: `nodes[1].weight`; empty when it is about the whole.
    public var path: String
    public var problem: String

    public init(file: String, line: Int?, path: String, problem: String) {
        self.file = file
        self.line = line
        self.path = path
        self.problem = problem
    }

    /// `cluster.yaml:12: nodes[1].weight: must be a whole number from 1 to 1000, found "heavy"`
    public var description: String {
        let place = line.map { "\(file):\($0)" } ?? file
        return path.isEmpty ? "\(place): \(problem)" : "\(place): \(path): \(problem)"
    }
}

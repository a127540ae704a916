/// The name of a node, unique in its cluster. Placement hashes it, so a renamed node is another node.
public struct NodeId: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible,
    ExpressibleByStringLiteral
{
    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    public init(_ rawValue: String) {
        self.rawValue = rawValue
    }

    public init(stringLiteral value: String) {
        rawValue = value
    }

    public var description: String { rawValue }

    public static func < (left: NodeId, right: NodeId) -> Bool {
        left.rawValue < right.rawValue
    }
}

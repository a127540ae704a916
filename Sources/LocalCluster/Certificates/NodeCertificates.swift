import Client
import Cluster

/// What `rookery cluster certificates` has made: where it lies, and until when it is good.
public struct NodeCertificates: Encodable, Hashable, Sendable {
    public struct Node: Encodable, Hashable, Sendable {
        public var id: String
        public var certificate: String
        public var key: String
        public var validUntil: Timestamp

        enum CodingKeys: String, CodingKey {
            case id, certificate, key
            case validUntil = "valid_until"
        }
    }

    public var authority: String
    /// False when it was there already, and was kept.
    public var isNewAuthority: Bool
    public var nodes: [Node]
    /// The directory as `cluster.yaml` names it: from its own directory on where that goes.
    var directoryInConfig: String

    enum CodingKeys: String, CodingKey {
        case nodes
        case authority = "ca"
        case isNewAuthority = "new_ca"
    }

    /// What belongs into `cluster.yaml`.
    public var configuration: [String] {
        [
            "tls:",
            "  ca: \"\(directoryInConfig)/ca.pem\"",
            "  certificate: \"\(directoryInConfig)/nodes/{id}.pem\"",
            "  key: \"\(directoryInConfig)/nodes/{id}.key\"",
        ]
    }
}

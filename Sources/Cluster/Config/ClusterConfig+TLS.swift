extension ClusterConfig {
    /// Files in PEM form for TLS; without it, connections are not encrypted.
    public struct TLS: Hashable, Sendable {
        /// Of whom a node wants a certificate.
        public enum ClientCertificates: String, Hashable, Sendable, CaseIterable {
            /// Of the other nodes, besides the cluster's secret (rule G2).
            case peers
            /// Of nobody: other nodes are known by the cluster's secret alone.
            case none
        }

        /// What stands for a node's id in `certificate` and `key`.
        static let placeholder = "{id}"

        /// The certificates of the cluster's authority: all that a client needs.
        public var authority: String
        private var certificate: String
        private var key: String
        public var clientCertificates: ClientCertificates

        /// - Parameters:
        ///   - authority: the path as one opens it, like the others.
        ///   - certificate: `{id}` stands for the node's id, in `key`, too.
        public init(
            authority: String, certificate: String, key: String, clientCertificates: ClientCertificates = .peers
        ) {
            self.authority = authority
            self.certificate = certificate
            self.key = key
            self.clientCertificates = clientCertificates
        }

        public func certificate(of node: NodeId) -> String { certificate.replacing(Self.placeholder, with: "\(node)") }

        public func key(of node: NodeId) -> String { key.replacing(Self.placeholder, with: "\(node)") }
    }
}

extension ClusterConfig.TLS {
    /// Reads the mapping `tls` of a file that describes so many nodes.
    init(_ value: YamlValue, nodes: Int) throws(ConfigError) {
        let given = try value.mapping(required: ["ca", "certificate", "key"], optional: ["client_certificates"])
        func path(_ key: String, ofEachNode: Bool) throws(ConfigError) -> String {
            let value = given[key] ?? value
            let path = try value.filePath()
            guard !ofEachNode || nodes == 1 || path.contains(Self.placeholder) else {
                throw value.error(
                    "must hold \(Self.placeholder), in whose place each of the \(nodes) nodes puts its id")
            }
            return path
        }
        self.init(
            authority: try path("ca", ofEachNode: false), certificate: try path("certificate", ofEachNode: true),
            key: try path("key", ofEachNode: true),
            clientCertificates: try given["client_certificates"]?.clientCertificates() ?? .peers)
    }
}

extension YamlValue {
    /// A path, seen from the directory of the file that names it.
    fileprivate func filePath() throws(ConfigError) -> String {
        let text = try text()
        guard !text.isEmpty else { throw error("must not be empty") }
        guard !text.hasPrefix("/"), let slash = file.lastIndex(of: "/") else { return text }
        return file[...slash] + text
    }

    fileprivate func clientCertificates() throws(ConfigError) -> ClusterConfig.TLS.ClientCertificates {
        let text = try text()
        if let found = ClusterConfig.TLS.ClientCertificates(rawValue: text) { return found }
        let known = ClusterConfig.TLS.ClientCertificates.allCases.map { "\"\($0.rawValue)\"" }
        throw error("must be \(known.joined(separator: " or ")), found \"\(text)\"")
    }
}

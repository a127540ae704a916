import Cluster
import Crypto
import FoundationEssentials
import Glibc
import X509

/// A certificate authority for a cluster on machines of one's own: P-256 keys, ECDSA with SHA-256. Its key lies beside
/// its certificates, so it is no protection from those who can read the launcher's directory.
struct DevelopmentAuthority {
    let certificate: Certificate
    private let key: P256.Signing.PrivateKey

    /// A certificate and its key, both as PEM text.
    struct Issued {
        var certificate: String
        var key: String
    }

    /// Clocks of several machines differ; a certificate is valid from so long before it was made.
    private static let backdating: TimeInterval = 3600

    private static func name(of clusterId: String) throws -> DistinguishedName {
        try DistinguishedName { CommonName("\(clusterId) development CA") }
    }

    /// A new one.
    init(clusterId: String, from: Date, until: Date) throws {
        key = P256.Signing.PrivateKey()
        let name = try Self.name(of: clusterId)
        let publicKey = Certificate.PublicKey(key.publicKey)
        certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: publicKey,
            notValidBefore: from - Self.backdating, notValidAfter: until, issuer: name, subject: name,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true))
                SubjectKeyIdentifier(hash: publicKey)
            }, issuerPrivateKey: Certificate.PrivateKey(key))
    }

    /// One that was stored. Throws when the text is not that of a certificate and its key.
    init(stored: Issued) throws {
        certificate = try Certificate(pemEncoded: stored.certificate)
        key = try P256.Signing.PrivateKey(pemRepresentation: stored.key)
    }

    func stored() throws -> Issued {
        Issued(certificate: try certificate.serializeAsPEM().pemString, key: key.pemRepresentation)
    }

    /// Whether certificate and key belong together, and to this cluster.
    func isAuthority(of clusterId: String) throws -> Bool {
        try certificate.subject == Self.name(of: clusterId)
            && certificate.publicKey == Certificate.PublicKey(key.publicKey)
    }

    /// A certificate for a node, for both ends of a connection. The node's id is its first dNSName, which is the one
    /// that counts among ourselves (docs/decisions/0012); the address is for other people's tools.
    func issue(_ node: NodeInfo, from: Date, until: Date) throws -> Issued {
        let own = P256.Signing.PrivateKey()
        let publicKey = Certificate.PublicKey(own.publicKey)
        let leaf = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: publicKey,
            notValidBefore: from - Self.backdating, notValidAfter: min(until, certificate.notValidAfter),
            issuer: certificate.subject, subject: DistinguishedName { CommonName(node.id.rawValue) },
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth, .clientAuth])
                SubjectAlternativeNames([.dnsName(node.id.rawValue), Self.name(ofHost: node.address.host)])
                SubjectKeyIdentifier(hash: publicKey)
            }, issuerPrivateKey: Certificate.PrivateKey(key))
        return Issued(certificate: try leaf.serializeAsPEM().pemString, key: own.pemRepresentation)
    }

    private static func name(ofHost host: String) -> GeneralName {
        for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
            var bytes = [UInt8](repeating: 0, count: count)
            if inet_pton(family, host, &bytes) == 1 { return .ipAddress(.init(contentBytes: bytes[...])) }
        }
        return .dnsName(host)
    }
}

import Crypto
import Foundation
import X509

@testable import RPC

/// A certificate authority in memory, and the certificates it signs.
struct TestAuthority {
    /// The one of the tests' cluster, made once a process.
    static let nest = TestAuthority(name: "nest")
    /// Another cluster's.
    static let roost = TestAuthority(name: "roost")

    private let name: String
    private let key = P256.Signing.PrivateKey()

    init(name: String) {
        self.name = name
    }

    /// A certificate and its key, as PEM.
    struct Issued {
        var certificate: PEMFile
        var key: PEMFile
    }

    /// - Parameters:
    ///   - names: the dNSNames, in this order.
    ///   - days: from when until when it is valid, counted from now.
    func issue(_ names: [String], days: Range<Double> = -1..<1) throws -> Issued {
        let own = P256.Signing.PrivateKey()
        let certificate = try sign("node", own.publicKey, days: days) {
            Critical(BasicConstraints.notCertificateAuthority)
            Critical(KeyUsage(digitalSignature: true))
            try ExtendedKeyUsage([.serverAuth, .clientAuth])
            if !names.isEmpty { SubjectAlternativeNames(names.map { .dnsName($0) }) }
        }
        let key = PEMFile(name: "key", bytes: Array(own.pemRepresentation.utf8))
        return Issued(certificate: certificate, key: key)
    }

    /// Whom to trust.
    func root() throws -> PEMFile {
        try sign(name, key.publicKey, days: -1..<1) {
            Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
            Critical(KeyUsage(keyCertSign: true))
        }
    }

    /// What a client that trusts this authority holds; with `names`, a node's certificate as well.
    func credentials(
        _ names: String..., days: Range<Double> = -1..<1, trusting other: TestAuthority? = nil,
        clientCertificates: TLSCredentials.ClientCertificates = .peers
    ) -> TLSCredentials {
        do {
            let issued = names.isEmpty ? nil : try issue(names, days: days)
            return try TLSCredentials(
                authority: (other ?? self).root(), own: issued.map { ($0.certificate, $0.key) },
                clientCertificates: clientCertificates)
        } catch {
            preconditionFailure("a test's certificate cannot be made: \(error)")
        }
    }

    private func sign(
        _ subject: String, _ publicKey: P256.Signing.PublicKey, days: Range<Double>,
        @ExtensionsBuilder extensions: () throws -> Result<Certificate.Extensions, any Error>
    ) throws -> PEMFile {
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: .init(publicKey),
            notValidBefore: Date(timeIntervalSinceNow: days.lowerBound * 86_400),
            notValidAfter: Date(timeIntervalSinceNow: days.upperBound * 86_400),
            issuer: DistinguishedName { CommonName(name) },
            subject: DistinguishedName { CommonName(subject) }, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: extensions().get(), issuerPrivateKey: .init(key))
        return PEMFile(name: "certificate", bytes: Array(try certificate.serializeAsPEM().pemString.utf8))
    }
}

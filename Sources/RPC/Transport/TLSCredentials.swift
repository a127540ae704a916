import Glibc
import NIOCore
import NIOSSL

/// What a side of TLS 1.3 holds: the authority whose certificates it takes, and on a node a certificate of its own.
///
/// A certificate names its node by its first dNSName; further ones are hosts (docs/decisions/0012).
public struct TLSCredentials: Sendable {
    /// Of whom a server wants a certificate.
    public enum ClientCertificates: Sendable {
        /// Of nobody: peers prove their role by the cluster's secret alone.
        case none
        /// Of peers, besides the secret; other clients need none (rule G2).
        case peers
    }

    /// The node that the own certificate names; nil without a certificate.
    public let name: String?
    let clientCertificates: ClientCertificates
    let client: NIOSSLContext
    /// nil without a certificate: this side can only connect.
    let server: NIOSSLContext?

    /// What a client needs, and no more: whom to trust.
    /// - Parameter authorityFile: PEM certificates of the cluster's authority.
    /// - Throws: ``TLSCredentialsError``.
    public init(authorityFile: String) throws {
        try self.init(authority: PEMFile.read(authorityFile), own: nil, clientCertificates: .none)
    }

    /// What a node needs, from PEM files.
    /// - Throws: ``TLSCredentialsError``.
    public init(
        authorityFile: String, certificateFile: String, keyFile: String, clientCertificates: ClientCertificates
    ) throws {
        try self.init(
            authority: PEMFile.read(authorityFile),
            own: (PEMFile.read(certificateFile), PEMFile.read(keyFile)), clientCertificates: clientCertificates)
    }

    /// The same from memory: PEM text, and how errors call it.
    init(authority: PEMFile, own: (certificate: PEMFile, key: PEMFile)?, clientCertificates: ClientCertificates) throws
    {
        let roots = try authority.certificates()
        let chain = try own?.certificate.certificates() ?? []
        let key = try own?.key.key()
        self.clientCertificates = clientCertificates
        name = chain.first?.nodeName
        if let own, name == nil {
            throw TLSCredentialsError("\(own.certificate.name) names no node: its first dNSName must be the node's id")
        }
        do {
            client = try NIOSSLContext(configuration: Self.client(roots, chain, key))
            server = try key.map {
                try NIOSSLContext(configuration: Self.server(roots, chain, $0, clientCertificates))
            }
        } catch {
            let names = own.map { "\($0.certificate.name) and \($0.key.name)" } ?? authority.name
            throw TLSCredentialsError("\(names) cannot be used together: \(TLSFailure.sentence(error))")
        }
    }

    private static func client(
        _ roots: [NIOSSLCertificate], _ chain: [NIOSSLCertificate], _ key: NIOSSLPrivateKey?
    ) -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateChain = chain.map { .certificate($0) }
        configuration.privateKey = key.map { .privateKey($0) }
        // Which node the certificate names is the handshake's to judge: it knows whom it means to reach.
        configuration.certificateVerification = .noHostnameVerification
        return common(configuration, roots)
    }

    private static func server(
        _ roots: [NIOSSLCertificate], _ chain: [NIOSSLCertificate], _ key: NIOSSLPrivateKey,
        _ clientCertificates: ClientCertificates
    ) -> TLSConfiguration {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        // Who says in HELLO that it is a peer must have shown one; TLS cannot know that yet.
        configuration.certificateVerification = clientCertificates == .peers ? .optionalVerification : .none
        return common(configuration, roots)
    }

    private static func common(_ base: TLSConfiguration, _ roots: [NIOSSLCertificate]) -> TLSConfiguration {
        var configuration = base
        configuration.minimumTLSVersion = .tlsv13
        configuration.trustRoots = .certificates(roots)
        configuration.applicationProtocols = [TLSGuard.applicationProtocol]
        configuration.shutdownTimeout = .seconds(1)
        return configuration
    }
}

/// Why certificates or keys cannot be used, as one sentence that names the file.
public struct TLSCredentialsError: Error, Hashable, Sendable, CustomStringConvertible {
    public var description: String

    init(_ description: String) { self.description = description }
}

/// PEM text, and how errors call it.
struct PEMFile {
    /// A chain and its comments are a few KiB; what is larger is something else.
    static let maxBytes = 1 << 20

    var name: String
    var bytes: [UInt8]

    static func read(_ path: String) throws -> PEMFile {
        guard let file = fopen(path, "r") else { throw unreadable(path) }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: maxBytes + 1)
        let count = fread(&bytes, 1, bytes.count, file)
        guard ferror(file) == 0 else { throw unreadable(path) }
        guard count <= maxBytes else { throw TLSCredentialsError("\(path) is too large to be a PEM file") }
        return PEMFile(name: path, bytes: Array(bytes[..<count]))
    }

    private static func unreadable(_ path: String) -> TLSCredentialsError {
        TLSCredentialsError("\(path) cannot be read: \(String(cString: strerror(errno)))")
    }

    func certificates() throws -> [NIOSSLCertificate] {
        do {
            let found = try NIOSSLCertificate.fromPEMBytes(bytes)
            guard !found.isEmpty else { throw NIOSSLError.failedToLoadCertificate }
            return found
        } catch {
            throw TLSCredentialsError("\(name) holds no certificate in PEM form")
        }
    }

    func key() throws -> NIOSSLPrivateKey {
        do {
            return try NIOSSLPrivateKey(bytes: bytes, format: .pem)
        } catch {
            throw TLSCredentialsError("\(name) holds no private key in PEM form")
        }
    }
}

extension NIOSSLCertificate {
    /// The first dNSName, nil when there is none or when it is not plain ASCII.
    var nodeName: String? {
        guard let name = _subjectAlternativeNames().first(where: { $0.nameType == .dnsName }) else { return nil }
        let bytes = Array(name.contents)
        guard !bytes.isEmpty, bytes.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}

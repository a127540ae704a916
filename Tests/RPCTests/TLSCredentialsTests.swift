import Foundation
import Testing

@testable import RPC

/// What is wrong with certificates and keys is said with the name of the file.
@Suite struct TLSCredentialsTests {
    private let nest = TestAuthority.nest

    private func message(_ body: () throws -> TLSCredentials) -> String? {
        do {
            _ = try body()
            return nil
        } catch {
            return "\(error)"
        }
    }

    private func credentials(
        root: PEMFile? = nil, certificate: PEMFile? = nil, key: PEMFile? = nil, names: [String] = ["n1"]
    ) throws -> TLSCredentials {
        let issued = try nest.issue(names)
        return try TLSCredentials(
            authority: root ?? nest.root(), own: (certificate ?? issued.certificate, key ?? issued.key),
            clientCertificates: .peers)
    }

    @Test func theFirstNameIsTheNodes() throws {
        #expect(try credentials(names: ["n1", "localhost"]).name == "n1")
        #expect(nest.credentials().name == nil)
    }

    @Test func whatIsNotPEMIsNamed() {
        let junk = PEMFile(name: "n1.pem", bytes: Array("not a certificate".utf8))
        #expect(message { try credentials(root: junk) } == "n1.pem holds no certificate in PEM form")
        #expect(message { try credentials(certificate: junk) } == "n1.pem holds no certificate in PEM form")
        #expect(message { try credentials(key: junk) } == "n1.pem holds no private key in PEM form")
    }

    @Test func aKeyOfAnotherCertificateIsRefused() throws {
        let other = try nest.issue(["n1"]).key
        #expect(
            message { try credentials(key: other) }
                == "certificate and key cannot be used together: the key is not the certificate's")
    }

    @Test func aCertificateWithoutANameIsRefused() {
        #expect(
            message { try credentials(names: []) }
                == "certificate names no node: its first dNSName must be the node's id")
        #expect(
            message { try credentials(names: ["n 1"]) }
                == "certificate names no node: its first dNSName must be the node's id")
    }

    @Test func aMissingFileIsNamed() {
        #expect(
            message { try TLSCredentials(authorityFile: "nowhere/ca.pem") }
                == "nowhere/ca.pem cannot be read: No such file or directory")
    }

    @Test func whoHasNoCertificateCannotListen() async throws {
        let server = Stage.makeServer(Stage.configuration(), .make(), World.tls(nest.credentials()))
        await #expect(throws: TransportError("cannot listen on 127.0.0.1:0 with TLS: there is no certificate")) {
            _ = try await server.start(host: "127.0.0.1", port: 0)
        }
    }
}

import Crypto
import Foundation
import Messages
import Synchronization

/// Signs and checks session tokens: the encoded `SessionToken` with an HMAC-SHA256 behind it (rule G1).
///
/// Signing keys are derived from the cluster secret (HKDF, RFC 5869) and change every 30 days; a token names its key,
/// and outlives it no longer than itself.
struct TokenSigner: Sendable {
    static let keyPeriodMs: UInt64 = 30 * 24 * 3600 * 1000
    static let macBytes = 32
    static let maxTokenBytes = 256

    enum Failure: Error, Equatable {
        case forged
        case expired
    }

    private let keys: SigningKeys

    init(secret: [UInt8]) {
        keys = SigningKeys(secret: secret)
    }

    func sign(_ token: SessionToken) -> [UInt8] {
        var token = token
        token.key = UInt32(truncatingIfNeeded: token.issuedMs / Self.keyPeriodMs)
        let body = token.encode()
        return body + HMAC<SHA256>.authenticationCode(for: body, using: keys.key(token.key))
    }

    func verify(_ bytes: [UInt8], nowMs: UInt64) throws(Failure) -> SessionToken {
        guard bytes.count > Self.macBytes, bytes.count <= Self.maxTokenBytes else { throw .forged }
        let body = Array(bytes.dropLast(Self.macBytes))
        guard let token = try? SessionToken.decode(body) else { throw .forged }  // the caller hears why: it is no token
        let issued = token.issuedMs / Self.keyPeriodMs
        guard UInt64(token.key) == issued,
            HMAC<SHA256>.isValidAuthenticationCode(
                bytes.suffix(Self.macBytes), authenticating: body, using: keys.key(token.key))
        else { throw .forged }
        guard nowMs < token.expiresMs else { throw .expired }
        return token
    }
}

/// Derives the signing keys, and keeps some: a call verifies its token, and deriving costs more than verifying.
private final class SigningKeys: Sendable {
    /// Sessions live for less than two periods. Tokens that are forged may name any key, so the number is bounded.
    private static let kept = 4

    private let secret: SymmetricKey
    private let derived = Mutex<[UInt32: SymmetricKey]>([:])

    init(secret: [UInt8]) {
        self.secret = SymmetricKey(data: secret)
    }

    func key(_ number: UInt32) -> SymmetricKey {
        if let key = derived.withLock({ $0[number] }) { return key }
        let key = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: secret, info: Data("rookery session \(number)".utf8), outputByteCount: 32)
        derived.withLock { derived in
            if derived.count >= Self.kept { derived = [:] }
            derived[number] = key
        }
        return key
    }
}

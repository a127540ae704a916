import Crypto
import CryptoExtras
import Foundation
import Messages
import NIOPosix
import RPC
import Synchronization

/// Turns what a user proves itself with into what is stored: scrypt with N = 2¹⁷, r = 8, p = 1 for passwords that
/// people choose (rule G1; RFC 7914), one keyed SHA-256 for the 32 random bytes that a program makes, which nobody
/// can guess anyway.
///
/// One scrypt takes 128 MB and a good part of a second, so few run at once, off the event loop, and few may wait.
final class SecretHasher: Sendable {
    static let rounds = 1 << 17
    static let saltBytes = 16
    static let minPasswordBytes = 8
    static let maxPasswordBytes = 256
    static let randomBytes = 32

    private let pool: NIOThreadPool
    private let waiting = Mutex(0)
    private let maxWaiting: Int
    private let rounds: Int

    /// - Parameter rounds: scrypt's N, a power of two; smaller than the default only in tests.
    init(threads: Int = 1, maxWaiting: Int = 64, rounds: Int = SecretHasher.rounds) {
        self.maxWaiting = maxWaiting
        self.rounds = rounds
        pool = NIOThreadPool(numberOfThreads: threads)
        pool.start()
    }

    func shutdown() async throws { try await pool.shutdownGracefully() }

    static func validate(_ secret: [UInt8], kind: SecretKind) throws {
        switch kind {
        case .secretPassword:
            guard secret.count >= minPasswordBytes else {
                throw Refusal(.invalidArgument, "a password needs at least \(minPasswordBytes) characters")
            }
            guard secret.count <= maxPasswordBytes else {
                throw Refusal(.invalidArgument, "a password has at most \(maxPasswordBytes) bytes")
            }
        case .secretRandom:
            guard secret.count == randomBytes else {
                throw Refusal(.invalidArgument, "a random secret has exactly \(randomBytes) bytes")
            }
        }
    }

    func hash(_ secret: [UInt8], kind: SecretKind, salt: [UInt8]) async throws -> [UInt8] {
        switch kind {
        case .secretRandom:
            let code = HMAC<SHA256>.authenticationCode(for: secret, using: SymmetricKey(data: salt))
            return Array(code)
        case .secretPassword:
            return try await scrypt(secret, salt: salt)
        }
    }

    func matches(_ secret: [UInt8], _ user: UserRow) async throws -> Bool {
        let hashed = try await hash(secret, kind: user.secretKind, salt: user.secretSalt)
        // In constant time: every byte is looked at.
        guard hashed.count == user.secretHash.count else { return false }
        return zip(hashed, user.secretHash).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    private func scrypt(_ secret: [UInt8], salt: [UInt8]) async throws -> [UInt8] {
        try waiting.withLock { waiting in
            guard waiting < maxWaiting else {
                throw Refusal(.resourceExhausted, "too many people are logging in: try again", retryAfterMs: 1000)
            }
            waiting += 1
        }
        defer { waiting.withLock { $0 -= 1 } }
        let rounds = rounds
        return try await pool.runIfActive {
            let key = try KDF.Scrypt.deriveKey(
                from: secret, salt: salt, outputByteCount: 32, rounds: rounds, blockSize: 8, parallelism: 1)
            return key.withUnsafeBytes { Array($0) }
        }
    }
}

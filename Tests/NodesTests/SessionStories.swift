import Client
import Cluster
import Messages
import RPC
import Testing

/// Passwords and sessions: rule G1.
@Suite struct SessionStories {
    private static let old = Secret.password("correct horse")

    @Test func aNewPasswordEndsEveryOtherSession() async throws {
        try await TestCluster.run { cluster in
            let client = cluster.client
            let first = try await client.register(name: "alice", secret: Self.old)
            let second = try await client.login(name: "alice", secret: Self.old, label: "phone")
            #expect(try await client.sessions(first).map(\.label) == ["", "phone"])
            let wrong = await #expect(throws: RookeryError.self) {
                try await client.changePassword(old: .password("a guess"), new: "battery staple", session: first)
            }
            #expect(wrong?.status == .unauthenticated && wrong?.message == "the old password is wrong")
            let key = cluster.requestId()
            for _ in 0..<2 {
                // The second time is a retry: its old password is no longer right, and need not be.
                let kept = try await client.changePassword(
                    old: Self.old, new: "battery staple", session: first, key: key)
                #expect(try await client.whoAmI(kept).name == "alice")
            }
            let ended = await #expect(throws: RookeryError.self) { try await client.whoAmI(second) }
            #expect(ended?.message == "your session was revoked: log in again")
            let refused = await #expect(throws: RookeryError.self) {
                try await client.login(name: "alice", secret: Self.old)
            }
            #expect(refused?.message == "wrong name or password")
            _ = try await client.login(name: "alice", secret: .password("battery staple"))
        }
    }

    /// Whoever logs in with the old password while it is changed is out, too.
    @Test func noLoginSlipsPastAPasswordChange() async throws {
        let seed = Seed.fresh()
        try await TestCluster.run(TestCluster.Setup(seed: seed)) { cluster in
            let client = cluster.client
            let session = try await client.register(name: "alice", secret: .password("password 0"))
            for number in 0..<30 {
                let old = Secret.password("password \(number)")
                let logins = (0..<3).map { _ in Task { try await client.login(name: "alice", secret: old) } }
                for _ in 0..<cluster.dice.roll(0..<10) { await Task.yield() }
                _ = try await client.changePassword(old: old, new: "password \(number + 1)", session: session)
                for login in logins {
                    guard case .success(let slipped) = await login.result else { continue }
                    await #expect(throws: RookeryError.self) { try await client.whoAmI(slipped) }
                }
                cluster.clock.advance(hours: 2)
            }
        }
    }

    @Test func guessesAreSlowedDown() async throws {
        try await TestCluster.run { cluster in
            let client = cluster.client
            _ = try await client.register(name: "alice", secret: Self.old)
            for _ in 0..<cluster.config.limits.loginAttemptsPerMinute {
                let error = await #expect(throws: RookeryError.self) {
                    try await client.login(name: "alice", secret: .password("a guess"))
                }
                #expect(error?.message == "wrong name or password")
            }
            // Now the right one has to wait as well.
            let error = await #expect(throws: RookeryError.self) {
                try await client.login(name: "alice", secret: Self.old)
            }
            #expect(error?.status == .resourceExhausted)
            #expect(error?.message == "too many failed attempts: wait 1 s")
            #expect(error?.retryAfterMs ?? 0 > 0)
            cluster.clock.advance(hours: 1)
            _ = try await client.login(name: "alice", secret: Self.old)
        }
    }

    @Test func sessionsAreListedRenewedAndRevoked() async throws {
        try await TestCluster.run { cluster in
            let client = cluster.client
            let first = try await client.register(name: "alice", secret: Self.old, label: "desk")
            let phone = try await client.login(name: "alice", secret: Self.old, label: "phone")
            let lost = try await client.login(name: "alice", secret: Self.old, label: "lost")
            let listing = try #require(try await client.sessions(first).first { $0.label == "lost" })
            try await client.revoke(listing.id, session: first)
            await #expect(throws: RookeryError.self) { try await client.whoAmI(lost) }
            #expect(try await client.sessions(first).map(\.current) == [true, false])
            let again = await #expect(throws: RookeryError.self) {
                try await client.revoke(listing.id, session: first)
            }
            #expect(again?.message == "you have no session \(listing.id)")

            cluster.clock.advance(hours: 24 * 20)
            let renewed = try await client.renew(phone)
            cluster.clock.advance(hours: 24 * 20)
            #expect(try await client.whoAmI(renewed).name == "alice")
            let expired = await #expect(throws: RookeryError.self) { try await client.whoAmI(first) }
            #expect(expired?.message == "your session has expired: log in again")
            #expect(try await client.sessions(renewed).map(\.label) == ["phone"])
        }
    }

    /// Rule G1: a session of one account changes nothing of another's, and one cluster's are not another's.
    @Test func aTokenOfAnotherClusterIsNoSession() async throws {
        try await TestCluster.run { cluster in
            let alice = try await cluster.register("alice")
            let token = SessionToken.with {
                $0.userId = alice.id.rawValue
                $0.sessionId = 1
                $0.issuedMs = cluster.clock.nowMs()
                $0.expiresMs = .max
            }
            let home = try #require(cluster.map.owner(of: alice.id.partition)?.id)
            for forged in [
                token.encode(), token.encode() + [UInt8](repeating: 0, count: 32), [UInt8](repeating: 9, count: 4000),
            ] {
                let options = CallOptions(session: forged)
                let error = await #expect(throws: RPCError.self) {
                    try await cluster.call(home, "rookery.Accounts/WhoAmI", [], options)
                }
                #expect(error?.message == "this is no session of this cluster: log in again")
            }
        }
    }
}

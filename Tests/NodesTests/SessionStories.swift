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

    /// Nodes remember who was behind a session; not beyond the answer that it was ended.
    @Test func noCallSlipsPastTheEndOfItsSession() async throws {
        let seed = Seed.fresh()
        try await TestCluster.run(TestCluster.Setup(seed: seed)) { cluster in
            let client = cluster.client
            let first = try await client.register(name: "alice", secret: Self.old)
            for _ in 0..<30 {
                let second = try await client.login(name: "alice", secret: Self.old)
                #expect(try await client.whoAmI(second).name == "alice")
                let calls = (0..<3).map { _ in Task { _ = try? await client.whoAmI(second) } }
                for _ in 0..<cluster.dice.roll(0..<10) { await Task.yield() }
                let listing = try #require(try await client.sessions(second).first { $0.current })
                try await client.revoke(listing.id, session: first)
                await #expect(throws: RookeryError.self) { try await client.whoAmI(second) }
                // Every node asks the account's own.
                await #expect(throws: RookeryError.self) { try await client.search("word", session: second) }
                for call in calls { await call.value }
                await #expect(throws: RookeryError.self) { try await client.whoAmI(second) }
                #expect(try await client.whoAmI(first).name == "alice")
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

    /// A burst is not looked at beyond what one after the other would be.
    @Test func guessesAtOnceAreSlowedDownToo() async throws {
        try await TestCluster.run { cluster in
            let client = cluster.client
            _ = try await client.register(name: "alice", secret: Self.old)
            let messages = await withTaskGroup(of: String.self) { group in
                for number in 0..<60 {
                    group.addTask {
                        do {
                            _ = try await client.login(name: "alice", secret: .password("guess \(number)"))
                            return "logged in"
                        } catch {
                            return (error as? RookeryError)?.message ?? "\(error)"
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            let lookedAt = messages.count { $0 == "wrong name or password" }
            #expect(1...cluster.config.limits.loginAttemptsPerMinute ~= lookedAt, "\(messages)")
            #expect(!messages.contains("logged in"))
            cluster.clock.advance(hours: 1)
            _ = try await client.login(name: "alice", secret: Self.old)
        }
    }

    /// The hasher's queue is short; whoever finds it full has not tried, and nothing of that stays.
    @Test func whoeverFindsTheHasherBusyHasNotTried() async throws {
        // One node, and hashes that take long enough for a queue.
        try await TestCluster.run(TestCluster.Setup(nodes: 1, passwordRounds: 1 << 10)) { cluster in
            let client = cluster.client
            let names = (0..<12).map { "user\($0)" }
            for name in names { _ = try await client.register(name: name, secret: Self.old) }
            let crowd = names.flatMap { name in
                (0..<cluster.config.limits.loginAttemptsPerMinute).map { _ in
                    Task { try await client.login(name: name, secret: Self.old) }
                }
            }
            // Some callers go away while they wait.
            for (place, login) in crowd.enumerated() where place % 7 == 0 { login.cancel() }
            var refusals: Set<String> = []
            for login in crowd {
                if case .failure(let error) = await login.result { refusals.insert("\(error)") }
            }
            #expect(refusals.contains { $0.contains("too many people are logging in") }, "\(refusals)")
            for name in names {
                try await withThrowingTaskGroup { group in
                    for _ in 0..<cluster.config.limits.loginAttemptsPerMinute {
                        group.addTask { _ = try await client.login(name: name, secret: Self.old) }
                    }
                    try await group.waitForAll()
                }
            }
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

import Client
import Cluster
import Messages
@testable import Nodes
import RPC
import Testing

/// What no honest client sends: a node answers with a status of the caller's fault, and goes on.
@Suite struct HostileInputStories {
    /// Fails when the node takes the blame for it, or dies of it.
    private func refusal(
        _ cluster: TestCluster, _ node: NodeId, _ method: String, _ message: [UInt8], _ options: CallOptions
    ) async -> RPCError? {
        do {
            _ = try await cluster.call(node, method, message, options)
            return nil
        } catch let error as RPCError {
            let blame: [StatusCode] = [.internalError, .unknown, .dataLoss, .deadlineExceeded]
            #expect(!blame.contains(error.code), "\(method) \(message.prefix(40)): \(error)")
            return error
        } catch {
            Issue.record("\(method): \(error)")
            return nil
        }
    }

    private func options(_ cluster: TestCluster, _ person: Person?) -> CallOptions {
        let id = cluster.requestId()
        var options = CallOptions(session: person?.session.token ?? [])
        options.key = IdempotencyKey(high: id.timeMs, low: id.random)
        return options
    }

    @Test func numbersThatAreNoIds() async throws {
        try await TestCluster.run { cluster in
            let alice = try await cluster.register("alice")
            let before = try cluster.products()
            for number: UInt64 in [0, 1, .max, .max - 1, 1 << 63, 1 << 22, 0x3f_ffff, 7 << 8] {
                for (method, message) in Requests.withIds(number) {
                    for node in cluster.nodes {
                        for person in [alice, nil] {
                            _ = await refusal(cluster, node, method, message, options(cluster, person))
                        }
                    }
                }
            }
            for node in cluster.nodes { _ = try await cluster.status(of: node) }
            try await cluster.atRest()
            // Undoing what was never done is an answered request, and remembered as one; nothing else is written.
            #expect(withoutRequests(try cluster.products()) == withoutRequests(before))
        }
    }

    private func withoutRequests(_ dump: String) -> String {
        dump.split(separator: "\n").filter { !$0.hasPrefix("requests ") }.joined(separator: "\n")
    }

    @Test func bytesThatAreNoMessages() async throws {
        let seed = Seed.fresh()
        try await TestCluster.run(TestCluster.Setup(seed: seed)) { cluster in
            let alice = try await cluster.register("alice")
            for method in Requests.all {
                for length in [1, 2, 3, 5, 9, 33, 200] {
                    let noise = (0..<length).map { _ in UInt8(truncatingIfNeeded: cluster.dice.next()) }
                    for node in cluster.nodes where method != "rookery.Accounts/Logout" {
                        _ = await refusal(cluster, node, method, noise, options(cluster, alice))
                    }
                }
            }
            #expect(try await cluster.client.whoAmI(alice.session).name == "alice")
        }
    }

    @Test func metadataThatIsNoSeenList() async throws {
        try await TestCluster.run { cluster in
            let alice = try await cluster.register("alice")
            let home = try #require(cluster.map.owner(of: alice.id.partition)?.id)
            var call = options(cluster, alice)
            call.metadata["rookery-seen-bin"] = [0xff, 0xff, 0xff]
            let garbage = await refusal(cluster, home, "rookery.Timelines/Home", TimelineRequest().encode(), call)
            #expect(garbage?.code == .invalidArgument)
            // A write that is never going to arrive is waited for, but not for ever.
            let never = SeenList.with {
                $0.seen = [
                    .with {
                        $0.source = 0
                        $0.destination = UInt32(alice.id.partition.rawValue)
                        $0.incarnation = 1
                        $0.index = .max
                    }
                ]
            }
            call.metadata["rookery-seen-bin"] = never.encode()
            call.timeout = .milliseconds(300)
            await #expect(throws: RPCError.self) {
                _ = try await cluster.call(home, "rookery.Timelines/Home", TimelineRequest().encode(), call)
            }
            #expect(try await cluster.client.home(session: alice.session).tweets.isEmpty)
        }
    }

    /// A list of a session's writes that names what no cluster has, or what never comes: the read waits for neither
    /// longer than a moment, though its caller would.
    @Test func seenListsThatNameNothing() async throws {
        try await TestCluster.run { cluster in
            let alice = try await cluster.register("alice")
            let home = try #require(cluster.map.owner(of: alice.id.partition)?.id)
            func read(source: UInt32) async -> RPCError? {
                let list = SeenList.with {
                    $0.seen = [
                        .with {
                            $0.source = source
                            $0.destination = UInt32(alice.id.partition.rawValue)
                            $0.incarnation = 1
                            $0.index = .max
                        }
                    ]
                }
                var call = options(cluster, alice)
                call.metadata["rookery-seen-bin"] = list.encode()
                return await refusal(cluster, home, "rookery.Timelines/Home", TimelineRequest().encode(), call)
            }
            #expect(await read(source: 9999) == nil)
            let never = await read(source: 0)
            #expect(never?.code == .unavailable && never?.retryable == true, "\(never as Any)")
        }
    }

    /// What this project's client checks before it asks, from one that does not.
    @Test func wordsThatNoClientSends() async throws {
        try await TestCluster.run { cluster in
            let alice = try await cluster.register("alice")
            let tweet = try await cluster.client.post(Draft(text: "x"), session: alice.session).id
            let before = try cluster.products()
            func expect(_ sentence: String, _ method: String, _ message: [UInt8]) async {
                let call = options(cluster, alice)
                let id = RequestId(timeMs: call.key.high, random: call.key.low)
                let region = cluster.config.regions[0]
                let register = cluster.map.partitioning.homePartition(request: id, region: region)
                let partition = method.hasSuffix("/Register") ? register : alice.id.partition
                guard let node = cluster.map.owner(of: partition)?.id else { return }
                let error = await refusal(cluster, node, method, message, call)
                #expect(error?.code == .invalidArgument && error?.message == sentence, "\(error as Any)")
            }
            func register(_ change: (inout RegisterRequest) -> Void) -> [UInt8] {
                var request = RegisterRequest.with {
                    $0.name = "bob"
                    $0.secretKind = .secretRandom
                    $0.secret = [UInt8](repeating: 1, count: 32)
                }
                change(&request)
                return request.encode()
            }
            let method = "rookery.Accounts/Register"
            await expect("a username must have at least one character", method, register { $0.name = "" })
            await expect(
                "a username has at most 15 characters, not 16", method,
                register { $0.name = String(repeating: "b", count: 16) })
            await expect(
                "a username has letters A–Z, digits and _ only, not \".\"", method, register { $0.name = "../b" })
            await expect(
                "there is no region \"moon\": this cluster has local", method, register { $0.region = "moon" })
            let reaction = ReactRequest.with { $0.id = tweet.rawValue }
            await expect("say whether to like or to dislike", "rookery.Tweets/React", reaction.encode())
            let password = ChangePasswordRequest.with {
                $0.oldSecret = [UInt8](repeating: 1, count: 32)
                $0.newSecret = Array("short".utf8)
            }
            await expect(
                "a password needs at least 8 characters", "rookery.Accounts/ChangePassword", password.encode())
            #expect(try cluster.products() == before)
        }
    }

    @Test func requestIdsThatCannotBe() async throws {
        try await TestCluster.run { cluster in
            let alice = try await cluster.register("alice")
            let home = try #require(cluster.map.owner(of: alice.id.partition)?.id)
            let post = PostRequest.with { $0.text = "x" }.encode()
            let before = try cluster.products()
            let (now, hour) = (cluster.clock.nowMs(), UInt64(3_600_000))
            let future = "the request id's time lies in the future: check this machine's clock"
            let expected: [(UInt64, StatusCode, String)] = [
                (now - 25 * hour, .failedPrecondition, "the request id is older than 24 hours"),
                (1, .failedPrecondition, "the request id is older than 24 hours"),
                (now + hour, .invalidArgument, future), (.max - 1, .invalidArgument, future),
            ]
            for (time, code, sentence) in expected {
                var call = options(cluster, alice)
                call.key = IdempotencyKey(high: time, low: 1)
                let error = await refusal(cluster, home, "rookery.Tweets/Post", post, call)
                #expect(error?.code == code && error?.message == sentence, "\(time): \(error as Any)")
            }
            for (method, message) in Requests.withIds(alice.id.rawValue) where Self.isWrite(method) {
                let error = await refusal(
                    cluster, home, method, message, CallOptions(session: alice.session.token))
                let isRefused = error?.code == .notFound || error?.message == "a write needs a request id"
                #expect(isRefused || error?.code == .invalidArgument, "\(method): \(error as Any)")
            }
            #expect(try cluster.products() == before)
        }
    }

    private static func isWrite(_ method: String) -> Bool {
        ["Follow", "AnswerRequest", "Post", "Delete", "Retweet", "React", "Revoke"].contains {
            method.hasSuffix("/" + $0)
        }
    }

    @Test func pageTokensFromElsewhere() async throws {
        try await TestCluster.run { cluster in
            let (alice, bob) = (try await cluster.register("alice"), try await cluster.register("bob"))
            let client = cluster.client
            let tweet = try await client.post(Draft(text: "root"), session: alice.session).id
            func refused(_ call: () async throws -> Void) async {
                let error = await #expect(throws: RookeryError.self) { try await call() }
                #expect(error?.status == .invalidArgument)
                #expect(error?.message == "the page token does not belong to this list")
            }
            let others = PageToken(list: .user, subject: bob.id.rawValue, last: 5).encode()
            for token in ["x", "????", String(repeating: "A", count: 18), String(repeating: "A", count: 5000), others] {
                await refused { _ = try await client.home(PageRequest(next: token), session: alice.session) }
                await refused { _ = try await client.timeline(of: alice.id, PageRequest(next: token)) }
                await refused { _ = try await client.followers(of: alice.id, next: token) }
                await refused { _ = try await client.following(of: alice.id, next: token) }
                await refused { _ = try await client.followRequests(next: token, session: alice.session) }
                await refused { _ = try await client.thread(tweet, next: token) }
            }
            // Whoever knows how tokens are made can name any place in a list, also one that no list has.
            func token(_ list: PageToken.List, _ subject: Id, _ last: UInt64) -> String {
                PageToken(list: list, subject: subject.rawValue, last: last).encode()
            }
            func lists(_ last: UInt64) -> [() async throws -> Void] {
                [
                    { _ = try await client.followers(of: alice.id, next: token(.followers, alice.id, last)) },
                    { _ = try await client.following(of: alice.id, next: token(.following, alice.id, last)) },
                    {
                        let next = token(.requests, alice.id, last)
                        _ = try await client.followRequests(next: next, session: alice.session)
                    },
                    { _ = try await client.thread(tweet, next: token(.thread, tweet, last)) },
                    {
                        let page = PageRequest(next: token(.home, alice.id, last))
                        _ = try await client.home(page, session: alice.session)
                    },
                    {
                        let page = PageRequest(next: token(.user, alice.id, last))
                        _ = try await client.timeline(of: alice.id, page)
                    },
                ]
            }
            for list in lists(.max) + lists(1 << 63) { await refused(list) }
            for list in lists(0) + lists(UInt64.max >> 1) { try await list() }
        }
    }

    @Test func peersMustProveThatTheyAre() async throws {
        try await TestCluster.run { cluster in
            let alice = try await cluster.register("alice")
            for method in Requests.peers {
                for node in cluster.nodes {
                    let error = await refusal(cluster, node, method, [], options(cluster, alice))
                    #expect(error?.code == .permissionDenied, "\(method): \(error as Any)")
                }
            }
            // A viewer is believed of peers only (rule G1).
            let bob = try await cluster.register("bob")
            _ = try await cluster.client.updateProfile(ProfileChange(protected: true), session: bob.session)
            let secret = try await cluster.client.post(Draft(text: "secret"), session: bob.session).id
            let home = try #require(cluster.map.owner(of: secret.partition)?.id)
            var call = CallOptions()
            call.metadata["rookery-viewer-bin"] = withUnsafeBytes(of: bob.id.rawValue.littleEndian) { Array($0) }
            let show = TweetRequest.with { $0.id = secret.rawValue }.encode()
            let error = await refusal(cluster, home, "rookery.Tweets/Show", show, call)
            #expect(error?.code == .permissionDenied)
        }
    }

    @Test func profilesLabelsAndNamesThatAreTooLong() async throws {
        try await TestCluster.run { cluster in
            let alice = try await cluster.register("alice")
            let client = cluster.client
            let before = try cluster.products()
            func refused(_ sentence: String, _ call: () async throws -> Void) async {
                let error = await #expect(throws: RookeryError.self) { try await call() }
                #expect(error?.status == .invalidArgument)
                #expect(error?.message == sentence)
            }
            let long = String(repeating: "x", count: 5000)
            await refused("a bio has at most 160 characters") {
                _ = try await client.updateProfile(ProfileChange(bio: long), session: alice.session)
            }
            await refused("a display name has at most 50 characters") {
                _ = try await client.updateProfile(ProfileChange(displayName: long), session: alice.session)
            }
            // A bound in characters is one in bytes, too: a character may be piled up without end.
            let piled = "x" + String(repeating: "\u{301}", count: 2048)
            await refused("a bio has at most 160 characters") {
                let bio = String(repeating: "x", count: 161)
                _ = try await client.updateProfile(ProfileChange(bio: bio), session: alice.session)
            }
            await refused("a bio has at most 160 characters") {
                _ = try await client.updateProfile(ProfileChange(bio: piled), session: alice.session)
            }
            await refused("a display name has at most 50 characters") {
                let name = String(repeating: "x", count: 51)
                _ = try await client.updateProfile(ProfileChange(displayName: name), session: alice.session)
            }
            await refused("a display name has at most 50 characters") {
                _ = try await client.updateProfile(ProfileChange(displayName: piled), session: alice.session)
            }
            await refused("a session's label has at most 100 bytes") {
                let secret = Secret.random([UInt8](repeating: 1, count: 32))
                _ = try await client.login(name: "alice", secret: secret, label: long)
            }
            await refused("a session's label has at most 100 bytes") {
                _ = try await client.register(name: "bob", secret: .password("long enough"), label: long)
            }
            await refused("a password needs at least 8 characters") {
                _ = try await client.register(name: "bob", secret: .password("short"))
            }
            await refused("a password has at most 256 bytes") {
                _ = try await client.register(name: "bob", secret: .password(long))
            }
            await refused("a random secret has exactly 32 bytes") {
                _ = try await client.register(name: "bob", secret: .random([1]))
            }
            #expect(try cluster.products() == before)
        }
    }
}

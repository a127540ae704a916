import Client
import Cluster
import Messages

/// Somebody with an account.
struct Person: Sendable, Hashable {
    let name: String
    let session: Session

    var id: Id { session.userId }
    var region: String { session.region }

    static func == (a: Person, b: Person) -> Bool { a.id == b.id }
    func hash(into hasher: inout Hasher) { hasher.combine(id) }
}

extension TestCluster {
    func requestId() -> RequestId { RequestId(timeMs: clock.nowMs(), random: dice.next()) }

    /// An account with a secret that costs nothing to check.
    func register(_ name: String, region: String? = nil, secret: Secret = .random([UInt8](repeating: 1, count: 32)))
        async throws -> Person
    {
        Person(
            name: name,
            session: try await persist { key in
                try await client.register(name: name, secret: secret, region: region, key: key)
            })
    }

    /// As many accounts as asked for, spread over the regions.
    func people(_ count: Int) async throws -> [Person] {
        let regions = config.regions.map(\.name)
        var people: [Person] = []
        for index in 0..<count {
            people.append(try await register("user\(index)", region: regions[index % regions.count]))
        }
        return people
    }

    /// A new account whose rows lie beside somebody's, or elsewhere.
    func somebody(besides other: Person, inTheSamePartition wanted: Bool) async throws -> Person {
        while true {
            let person = try await register("p\(dice.next() % 1_000_000)")
            if (person.id.partition == other.id.partition) == wanted { return person }
        }
    }

    /// Makes one request until it is answered, as a client does that cannot know whether it has been carried out.
    func persist<Value>(_ request: (RequestId) async throws -> Value) async throws -> Value {
        let key = requestId()
        return try await patiently { try await request(key) }
    }

    /// Tries until the nodes concerned are there.
    func patiently<Value>(_ call: () async throws -> Value) async throws -> Value {
        let end = ContinuousClock.now + .seconds(40)
        while true {
            do {
                return try await call()
            } catch let error as RookeryError
                where ContinuousClock.now < end && (error.retryable || error.status == .deadlineExceeded)
            {
                try await pause(ms: 5)
            }
        }
    }

    /// Asks until every node has answered: the client leaves out those that failed a moment ago.
    func completely<Value>(_ isComplete: (Value) -> Bool, _ call: () async throws -> Value) async throws -> Value {
        let end = ContinuousClock.now + .seconds(40)
        while true {
            let value = try await patiently(call)
            if isComplete(value) || ContinuousClock.now > end { return value }
            try await pause(ms: 5)
        }
    }

    func everyFollower(of user: Id) async throws -> [String] {
        try await client.followers(of: user, maxResults: 1000).accounts.map(\.name).sorted()
    }

    func everyFollowing(of user: Id) async throws -> [String] {
        try await client.following(of: user, maxResults: 1000).accounts.map(\.name).sorted()
    }
}

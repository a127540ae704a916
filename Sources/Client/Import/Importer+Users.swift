import Cluster

extension Importer {
    static let label = "rookery import"

    /// The users' sessions, in the order of the plan: made, or of users that an earlier run has made.
    func makeUsers() async throws -> [Session] {
        var secrets = try ImportSecrets(directory: store.directory)
        let known = try secrets.complete(plan.users, environment)
        let counter = Counter(stage: .users, total: plan.users.count, report: report)
        let all = secrets.secrets
        return try await withThrowingTaskGroup(of: (Int, Session).self) { group in
            var sessions = [Session?](repeating: nil, count: plan.users.count)
            func take() async throws {
                guard let (index, session) = try await group.next() else { return }
                sessions[index] = session
                counter.add(1)
            }
            for (index, name) in plan.users.enumerated() {
                if index >= concurrency { try await take() }
                guard let secret = all[name] else { continue }
                group.addTask { (index, try await user(index, name, .random(secret), isKnown: known.contains(name))) }
            }
            while !group.isEmpty { try await take() }
            return sessions.compactMap { $0 }
        }
    }

    private func user(_ index: Int, _ name: String, _ secret: Secret, isKnown: Bool) async throws -> Session {
        // Repeated also where a session is stored: only the secret proves that an import has made this user.
        let registered = try await register(index, name, secret)
        if !isKnown, let registered { return registered }
        // The answer to a repeated registration is the first one: its session may have ended since.
        if let registered, let session = try await renewed(registered) { return session }
        return try await login(name, secret)
    }

    /// Nil when the session has ended.
    private func renewed(_ session: Session) async throws -> Session? {
        do {
            return try await patience("renew the session of @\(session.name)") { try await client.renew(session) }
        } catch let error as RookeryError where error.status == .unauthenticated || error.status == .notFound {
            return nil
        }
    }

    /// Nil when somebody has the name already.
    private func register(_ index: Int, _ name: String, _ secret: Secret) async throws -> Session? {
        let regions = client.map.partitioning.regions
        let home = region ?? regions[index % regions.count].name
        let key = ImportPlan.registerKey(name: name, secret: secret.bytes)
        do {
            return try await patience("register @\(name)") {
                try await client.register(name: name, secret: secret, region: home, label: Self.label, key: key)
            }
        } catch let error as RookeryError where error.status == .alreadyExists {
            return nil
        }
    }

    private func login(_ name: String, _ secret: Secret) async throws -> Session {
        do {
            return try await patience("log in @\(name)") {
                try await client.login(name: name, secret: secret, label: Self.label)
            }
        } catch let error as RookeryError where error.status == .unauthenticated {
            throw ImportFailure.foreignUser(name: name)
        }
    }
}

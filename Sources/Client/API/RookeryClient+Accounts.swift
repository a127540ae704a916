import Cluster
import Messages

/// What proves that an account is one's own.
public enum Secret: Hashable, Sendable {
    /// Chosen by a person; the server stretches it (scrypt).
    case password(String)
    /// 32 random bytes made by a program; the server hashes them once.
    case random([UInt8])

    var bytes: [UInt8] {
        switch self {
        case .password(let text): Array(text.utf8)
        case .random(let bytes): bytes
        }
    }

    var kind: SecretKind {
        switch self {
        case .password: .secretPassword
        case .random: .secretRandom
        }
    }
}

extension RookeryClient {
    /// Makes a user and its first session.
    /// - Parameters:
    ///   - region: the home region, for ever; nil takes the client's own, or the cluster's first.
    ///   - label: what this client calls itself in the list of sessions.
    ///   - key: the request id, when a caller wants to repeat the call itself; it also picks the user's partition.
    /// - Throws: `alreadyExists` when somebody has the name, `invalidArgument` when it is no name.
    public func register(
        name: String, secret: Secret, region: String? = nil, label: String = "", key: RequestId? = nil
    ) async throws -> Session {
        try validate(name)
        let key = key ?? options.environment.requestId()
        let partitioning = table.partitioning
        let wanted = region ?? options.region
        guard let home = wanted.map(partitioning.region(named:)) ?? partitioning.regions.first else {
            let known = partitioning.regions.map(\.name).joined(separator: ", ")
            throw RookeryError(.invalidArgument, "there is no region \(wanted ?? ""): the cluster has \(known)")
        }
        let request = RegisterRequest.with {
            $0.name = name
            $0.region = home.name
            $0.secretKind = secret.kind
            $0.secret = secret.bytes
            $0.label = label
        }
        let target = Target.primary(partitioning.homePartition(request: key, region: home))
        return Session(
            try await ask(
                "rookery.Accounts/Register", request, as: SessionReply.self, at: target, session: nil, key: key, .keyed)
        )
    }

    /// A new session of an existing user.
    /// - Throws: `notFound`, `unauthenticated` when the secret is wrong, `resourceExhausted` after too many attempts.
    public func login(name: String, secret: Secret, label: String = "") async throws -> Session {
        let account = try await resolve(name)
        let request = LoginRequest.with {
            $0.userId = account.id.rawValue
            $0.secret = secret.bytes
            $0.label = label
        }
        // Not repeated: each try that ran counts against the account.
        return Session(
            try await ask(
                "rookery.Accounts/Login", request, as: SessionReply.self, at: .primary(account.id.partition),
                session: nil, key: nil, .never))
    }

    /// Whose name it is, whatever its case.
    /// - Throws: `notFound`, `invalidArgument` when it cannot be a name.
    public func resolve(_ name: String) async throws -> AccountName { try await resolve(name, by: deadline()) }

    func resolve(_ name: String, by deadline: Deadline) async throws -> AccountName {
        try validate(name)
        let reply = try await read(
            "rookery.Accounts/Resolve", ResolveRequest.with { $0.name = name }, as: ResolveReply.self,
            at: .member(table.partitioning.partition(ofName: Username.folded(name))), timeout: deadline.left)
        return AccountName(id: Id(rawValue: reply.userId), name: reply.name)
    }

    /// The same session with a later end.
    public func renew(_ session: Session) async throws -> Session {
        Session(
            try await ask(
                "rookery.Accounts/Renew", Empty(), as: SessionReply.self, at: .primary(session.partition),
                session: session, key: nil, .read))
    }

    public func logout(_ session: Session, key: RequestId? = nil) async throws {
        _ = try await write("rookery.Accounts/Logout", Empty(), as: Empty.self, session: session, key: key)
    }

    public func whoAmI(_ session: Session) async throws -> User {
        User(
            try await read(
                "rookery.Accounts/WhoAmI", Empty(), as: Profile.self, at: .member(session.partition), session: session))
    }

    public func profile(of user: Id, session: Session? = nil) async throws -> User {
        try await profile(of: user, session: session, by: deadline())
    }

    func profile(of user: Id, session: Session?, by deadline: Deadline) async throws -> User {
        User(
            try await read(
                "rookery.Accounts/Profile", ProfileRequest.with { $0.userId = user.rawValue }, as: Profile.self,
                at: try target(for: user, session, what: "user"), session: session, timeout: deadline.left))
    }

    public func updateProfile(
        _ change: ProfileChange, session: Session, key: RequestId? = nil
    ) async throws -> User {
        let request = UpdateProfileRequest.with {
            $0.setDisplayName = change.displayName != nil
            $0.displayName = change.displayName ?? ""
            $0.setBio = change.bio != nil
            $0.bio = change.bio ?? ""
            $0.setProtected = change.protected != nil
            $0.protected = change.protected ?? false
        }
        return User(
            try await write(
                "rookery.Accounts/UpdateProfile", request, as: Profile.self, session: session, key: key))
    }

    /// Changes the password and ends all other sessions; the answer is the session to go on with.
    public func changePassword(
        old: Secret, new: String, session: Session, key: RequestId? = nil
    ) async throws -> Session {
        let request = ChangePasswordRequest.with {
            $0.oldSecret = old.bytes
            $0.newSecret = Array(new.utf8)
        }
        return Session(
            try await write(
                "rookery.Accounts/ChangePassword", request, as: SessionReply.self, session: session, key: key))
    }

    /// The caller's sessions.
    public func sessions(_ session: Session) async throws -> [SessionListing] {
        let reply = try await read(
            "rookery.Accounts/Sessions", Empty(), as: SessionsReply.self, at: .member(session.partition),
            session: session)
        return reply.sessions.map(SessionListing.init)
    }

    /// Ends one of the caller's sessions; nil ends every one but the caller's own.
    public func revoke(_ id: Id?, session: Session, key: RequestId? = nil) async throws {
        let request = RevokeRequest.with { $0.sessionId = id?.rawValue ?? 0 }
        _ = try await write("rookery.Accounts/Revoke", request, as: Empty.self, session: session, key: key)
    }

    private func validate(_ name: String) throws {
        do {
            try Username.validate(name)
        } catch {
            throw RookeryError(.invalidArgument, String(describing: error))
        }
    }
}

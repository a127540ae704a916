import ArgumentParser
import Client
import Cluster

struct RegisterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "register", abstract: "Make an account and log in to it.")
    @OptionGroup var common: CommonOptions
    @OptionGroup var password: PasswordOptions
    @Argument(help: "1 to 15 of A–Z a–z 0–9 and _") var name: String
    @Option(help: "The home region, for ever. Default: the cluster's first.") var region: String?

    func run() async throws {
        try Username.validate(name)
        let secret = try password.password(confirmed: true)
        try await common.withContext { context in
            try context.store.checkWritable()
            let session = try await context.client.register(
                name: name, secret: .password(secret), region: region, label: sessionLabel())
            try context.adopt(session)
            try context.show(
                SessionDocument(session), ["@\(session.name) is registered in \(session.region) · \(session.userId)"])
        }
    }
}

struct LoginCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "login", abstract: "Log in and keep the session for later commands.")
    @OptionGroup var common: CommonOptions
    @OptionGroup var password: PasswordOptions
    @Argument var name: String

    func run() async throws {
        try Username.validate(name)
        let secret = try password.password()
        try await common.withContext { context in
            try context.store.checkWritable()
            let session = try await context.client.login(
                name: name, secret: .password(secret), label: sessionLabel())
            try context.adopt(session)
            try context.show(
                SessionDocument(session), ["logged in as @\(session.name) until \(session.expires)"])
        }
    }
}

struct LogoutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "logout", abstract: "End the session.")
    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await common.withContext { context in
            let session = try context.requiredSession()
            do {
                try await context.client.logout(session)
            } catch let error as RookeryError where error.status == .unauthenticated {
                // It had ended already: then only the stored copy is left to remove.
            }
            try context.forgetSession(session.name)
            try context.show(
                NameDocument(id: session.userId, name: session.name, state: "logged_out"),
                ["@\(session.name) is logged out"])
        }
    }
}

struct WhoAmICommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "whoami", abstract: "Whose session is used.")
    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await common.withContext { context in
            let user = try await context.client.whoAmI(try context.requiredSession())
            try context.show(user, ["@\(user.name) · \(user.region) · \(user.id)"])
        }
    }
}

struct ProfileCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profile", abstract: "A user's profile; with options, change one's own.")
    @OptionGroup var common: CommonOptions
    @Argument(help: "Default: oneself.") var name: String?
    @Option(help: "Change one's display name.") var displayName: String?
    @Option(help: "Change what one says of oneself.") var bio: String?
    @Flag(inversion: .prefixedNo, help: "Whether follows need one's consent.") var protected: Bool?

    private var change: ProfileChange? {
        displayName == nil && bio == nil && protected == nil
            ? nil : ProfileChange(displayName: displayName, bio: bio, protected: protected)
    }

    func run() async throws {
        try await common.withContext { context in
            let user = try await user(context)
            try context.show(user, lines(user, context.style))
        }
    }

    private func user(_ context: Context) async throws -> User {
        if let change {
            let session = try context.requiredSession()
            if let name, Username.folded(name) != Username.folded(session.name) {
                throw RookeryError(.permissionDenied, "only @\(name) can change that profile")
            }
            return try await context.client.updateProfile(change, session: session)
        }
        guard let name else { return try await context.client.whoAmI(try context.requiredSession()) }
        let account = try await context.client.resolve(name)
        return try await context.client.profile(of: account.id, session: try context.optionalSession())
    }

    private func lines(_ user: User, _ style: Style) -> [String] {
        let shown = user.displayName.isEmpty ? "" : " " + style.strong(Style.harmless(user.displayName))
        let lock = user.protected ? " · protected" : ""
        var lines = [style.name("@" + user.name) + shown + style.faint(" · \(user.region) · \(user.id)\(lock)")]
        if !user.bio.isEmpty { lines.append(Style.harmless(user.bio)) }
        let counts = user.counts
        lines.append("\(counts.tweets) tweets  \(counts.following) following  \(counts.followers) followers")
        lines.append(style.faint("since \(user.createdAt.description.prefix(10))"))
        return lines
    }
}

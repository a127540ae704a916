import ArgumentParser
import Client
import Cluster

struct AccountCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "account", abstract: "One's password and sessions.",
        subcommands: [Passwd.self, Sessions.self, Revoke.self])

    struct Passwd: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change the password; all other sessions end.",
            discussion: "Without a terminal: ROOKERY_PASSWORD and ROOKERY_NEW_PASSWORD, or the files.")
        @OptionGroup var common: CommonOptions
        @OptionGroup var password: PasswordOptions
        @Option(help: ArgumentHelp("Read the new password from this file.", valueName: "file"))
        var newPasswordFile: String?

        func run() async throws {
            try await common.withContext { context in
                let session = try context.requiredSession()
                let old = try password.password(prompt: "Old password: ")
                let new = try Password.read(
                    file: newPasswordFile, variable: "ROOKERY_NEW_PASSWORD", prompt: "New password: ", confirmed: true)
                let renewed = try await context.client.changePassword(
                    old: .password(old), new: new, session: session)
                try context.adopt(renewed)
                try context.show(
                    SessionDocument(renewed), ["the password of @\(renewed.name) is changed; other sessions have ended"]
                )
            }
        }
    }

    struct Sessions: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "The sessions of the account.")
        @OptionGroup var common: CommonOptions

        func run() async throws {
            try await common.withContext { context in
                let sessions = try await context.client.sessions(try context.requiredSession())
                let rows = sessions.map { session in
                    [
                        "\(session.id)", session.createdAt.description, session.expiresAt.description,
                        session.current ? "this one" : "", Style.harmless(session.label),
                    ]
                }
                try context.show(
                    SessionsDocument(sessions: sessions),
                    context.style.table([["SESSION", "MADE", "EXPIRES", "", "CLIENT"]] + rows))
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "End a session of the account.")
        @OptionGroup var common: CommonOptions
        @Argument(help: "As `account sessions` shows it.") var session: Id?
        @Flag(help: "End every session but this one.") var others = false

        func validate() throws {
            guard (session == nil) == others else { throw ValidationError("Name a session, or give --others.") }
        }

        func run() async throws {
            try await common.withContext { context in
                try await context.client.revoke(session, session: try context.requiredSession())
                let what = session.map { "session \($0) has ended" } ?? "all other sessions have ended"
                try context.show(RevokedDocument(id: session), [what])
            }
        }
    }
}

import ArgumentParser
import Client
import Cluster

/// The command line: a client of the cluster, and the launcher of a local one.
@main
struct Rookery: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rookery",
        abstract: "Rookery: a Twitter that one can run.",
        discussion: """
            Exit status: 0 done, 1 refused or failed, 64 wrong usage.
            Completions for a shell: rookery --generate-completion-script bash|zsh|fish
            """,
        version: "rookery 0.1.0",
        groupedSubcommands: [
            CommandGroup(
                name: "The cluster", subcommands: [ClusterCommand.self, ImportCommand.self, BenchCommand.self]),
            CommandGroup(
                name: "Accounts",
                subcommands: [
                    RegisterCommand.self, LoginCommand.self, LogoutCommand.self, WhoAmICommand.self,
                    ProfileCommand.self, AccountCommand.self,
                ]),
            CommandGroup(
                name: "Tweets",
                subcommands: [
                    TweetCommand.self, ReplyCommand.self, QuoteCommand.self, RetweetCommand.self, DeleteCommand.self,
                    ShowCommand.self, ThreadCommand.self, LikeCommand.self, DislikeCommand.self, CountersCommand.self,
                ]),
            CommandGroup(name: "Timelines", subcommands: [HomeCommand.self, UserCommand.self]),
            CommandGroup(
                name: "Finding", subcommands: [SearchCommand.self, TopCommand.self, TrendsCommand.self]),
            CommandGroup(
                name: "People",
                subcommands: [
                    FollowCommand.self, FollowersCommand.self, FollowingCommand.self, RequestsCommand.self,
                    AcceptCommand.self, RejectCommand.self,
                ]),
        ])

    static func main() async {
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let failure where Failure.isOurs(failure) {
            Failure(failure, json: CommandLine.arguments.contains("--json")).exit()
        } catch {
            exit(withError: error)
        }
    }
}

extension Id: ExpressibleByArgument {}

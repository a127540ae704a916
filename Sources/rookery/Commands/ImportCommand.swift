import ArgumentParser
import Client
import Cluster

struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Make users from an edge list and tweets from lines; safe to run again.",
        discussion: """
            Node n of the edge list becomes user u<n>, and an edge makes both follow each other. Line i of the tweets
            (from 0) is posted by the (i mod users)-th user in ascending n. The users' sessions are stored, so that
            --as u12 works afterwards.
            """)
    @OptionGroup var common: CommonOptions
    @Option(help: ArgumentHelp("Edges: two whole numbers a line; # and % begin comments.", valueName: "file"))
    var graph: String
    @Option(help: ArgumentHelp("Tweets: one a line.", valueName: "file")) var tweets: String
    @Flag(help: "An edge makes only the first follow the second.") var directed = false
    @Option(help: ArgumentHelp("Calls under way at once.", valueName: "n")) var concurrency = 256
    @Option(help: "The users' home region. Default: spread over the cluster's regions.") var region: String?

    func validate() throws {
        guard (1...4096).contains(concurrency) else { throw ValidationError("--concurrency must be 1 to 4096.") }
    }

    func run() async throws {
        let plan = try ImportPlan(graph: try file(graph), tweets: try file(tweets), directed: directed)
        try await common.withContext { context in
            let progress = ProgressLine()
            // With --json an error is a document, and stands alone on standard error.
            let quiet = common.json
            let importer = Importer(
                client: context.client, store: context.store, plan: plan, concurrency: concurrency, region: region,
                environment: .system, report: { if !quiet { progress.show($0) } })
            let result: ImportResult
            do {
                result = try await importer.run()
            } catch {
                progress.finish()
                throw error
            }
            progress.finish()
            try context.show(result, lines(result))
        }
    }

    private func file(_ path: String) throws -> ImportFile {
        guard let bytes = try PrivateFile.read(path) else {
            throw RookeryError(.notFound, "there is no file \(path)")
        }
        return ImportFile(path: path, bytes: bytes)
    }

    private func lines(_ result: ImportResult) -> [String] {
        let skipped = result.skipped
        return [
            "\(result.users) users, \(result.follows) follows, \(result.tweets) tweets"
                + " in \(Decimal.oneDigit(result.seconds)) s (\(Int(result.opsPerSecond)) calls/s)",
            "skipped: \(skipped.empty) empty and \(skipped.tooLong) too long lines,"
                + " \(skipped.selfLoops) self-loops, \(skipped.duplicate) duplicate edges",
        ]
    }
}

/// A number as text with one digit behind the point.
enum Decimal {
    static func oneDigit(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}

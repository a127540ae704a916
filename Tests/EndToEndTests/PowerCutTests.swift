import Client
import Cluster
import Foundation
import Synchronization
import Testing

extension EndToEndTests {
    /// kill -9 of every node at any moment, with the loss of everything that was not synced.
    @Suite(.serialized) struct PowerCutTests {
        private func cluster(sync: Bool) async throws -> (LaunchedCluster, ForgetfulDisk) {
            let playground = try Playground()
            let disk = try await ForgetfulDisk(playground)
            return (try LaunchedCluster(sync: sync, in: playground, variables: disk.variables), disk)
        }

        @Test func whatWasAcknowledgedIsThereAfterEveryPowerCut() async throws {
            let (cluster, disk) = try await cluster(sync: true)
            let diary = Diary()
            var random = SeededRandom(for: "whatWasAcknowledgedIsThereAfterEveryPowerCut")
            try await cluster.up()
            let authors = try await Author.register(4, on: cluster)
            for _ in 1...5 {
                try await cut(cluster, disk, after: Int.random(in: 20...200, using: &random), authors, diary)
                #expect(try await diary.lost(on: cluster) == [])
                for author in authors { try await author.expectNothingTwice(on: cluster, diary) }
            }
            try await cluster.ask("cluster", "down")
        }

        /// The control: with `storage.sync: false` the same cuts lose acknowledged tweets, so the test above bites.
        @Test func withoutSyncAcknowledgedTweetsAreLost() async throws {
            let (cluster, disk) = try await cluster(sync: false)
            let diary = Diary()
            try await cluster.up()
            let authors = try await Author.register(4, on: cluster)
            try await cut(cluster, disk, after: 50, authors, diary)
            #expect(try await diary.lost(on: cluster) != [])
            try await cluster.ask("cluster", "down")
        }

        /// Authors write until the lights go out; then everything is started again.
        private func cut(
            _ cluster: LaunchedCluster, _ disk: ForgetfulDisk, after count: Int, _ authors: [Author], _ diary: Diary
        ) async throws {
            let processes = try await cluster.processes().values
            let wanted = diary.count + count
            try await withThrowingTaskGroup(of: Void.self) { group in
                for author in authors { group.addTask { try await author.write(on: cluster, diary) } }
                try await eventually("\(count) tweets are acknowledged") { diary.count >= wanted }
                try await cluster.killAll(processes)
                try await group.waitForAll()
            }
            try await disk.dropUnsynced()
            try await cluster.up()
        }

        @Test func anImportThatIsCutAgainAndAgainEndsAsIfNothingHadBeen() async throws {
            let (cluster, disk) = try await cluster(sync: true)
            var random = SeededRandom(for: "anImportThatIsCutAgainAndAgainEndsAsIfNothingHadBeen")
            let edges = (0..<300).map { _ in
                "\(Int.random(in: 1...40, using: &random)) \(Int.random(in: 1...40, using: &random))"
            }
            let graph = try cluster.playground.write(edges.joined(separator: "\n"), to: "edges")
            let lines = (0..<400).map { "line \($0)\n" }.joined()
            let tweets = try cluster.playground.write(lines, to: "lines")
            let command = ["import", "--graph", graph, "--tweets", tweets, "--concurrency", "8"]
            try await cluster.up()
            let rounds = 6
            var interrupted = 0
            for round in 1...rounds {
                let processes = try await cluster.processes().values
                let importer = Mutex<Int32>(0)
                async let outcome = cluster.rookery(command) { id in importer.withLock { $0 = id } }
                await pause(.milliseconds(Int64.random(in: 50...600, using: &random)))
                try await cluster.killAll(processes)
                if round < rounds {
                    kill(importer.withLock { $0 }, SIGKILL)
                    interrupted += try await outcome.status == -SIGKILL ? 1 : 0
                }
                try await disk.dropUnsynced()
                try await cluster.up()
                // The last importer lives on, and has to cope.
                if round == rounds {
                    let last = try await outcome
                    #expect(last.status == 0, "\(last)")
                }
            }
            #expect(interrupted > 0, "each import was done before its cut")
            print("anImportThatIsCutAgainAndAgainEndsAsIfNothingHadBeen: \(interrupted) imports were cut")
            try await expectAsTheFilesSay(cluster, graph, tweets)
            try await cluster.ask("cluster", "down")
        }

        private func expectAsTheFilesSay(_ cluster: LaunchedCluster, _ graph: String, _ tweets: String) async throws {
            let oracle = try await Program.run(
                "/usr/bin/env",
                [
                    "python3", Program.project + "/Scripts/check-import.py", "--cluster", cluster.path, "--graph",
                    graph,
                    "--tweets", tweets, "--program", Program.rookery,
                ], in: cluster.path, limit: .seconds(600))
            #expect(oracle.status == 0, "\(oracle)")
            #expect(oracle.output.contains("PASS"))
        }
    }
}

/// What the cluster has acknowledged: each tweet's text by its id, of each author.
private final class Diary: Sendable {
    private let tweets = Mutex<[Id: [Id: String]]>([:])

    var count: Int { tweets.withLock { $0.values.reduce(0) { $0 + $1.count } } }

    func add(_ tweet: Tweet) { tweets.withLock { $0[tweet.authorId, default: [:]][tweet.id] = tweet.text } }

    func of(_ author: Id) -> [Id: String] { tweets.withLock { $0[author] ?? [:] } }

    /// The acknowledged tweets that can no longer be read as they were.
    func lost(on cluster: LaunchedCluster) async throws -> [Id] {
        let client = try RookeryClient(config: cluster.config)
        var lost: [Id] = []
        for (author, wanted) in tweets.withLock({ $0 }) {
            var there: [Id: String] = [:]
            do {
                for tweet in try await client.all(of: author) { there[tweet.id] = tweet.text }
            } catch let error as RookeryError where error.status == .notFound {
                // The author is lost, too.
            }
            lost += wanted.filter { there[$0.key] != $0.value }.map(\.key)
        }
        await client.close()
        return lost
    }
}

/// Writes one tweet after the other.
private struct Author: Sendable {
    let session: Session

    static func register(_ count: Int, on cluster: LaunchedCluster) async throws -> [Author] {
        let client = try RookeryClient(config: cluster.config)
        var authors: [Author] = []
        for number in 0..<count {
            let secret = Secret.random((0..<32).map { _ in UInt8.random(in: 0...255) })
            authors.append(Author(session: try await client.register(name: "author\(number)", secret: secret)))
        }
        await client.close()
        return authors
    }

    /// Until the cluster fails. What fails may or may not be there afterwards: nobody was told that it is.
    func write(on cluster: LaunchedCluster, _ diary: Diary) async throws {
        var options = RookeryClient.Options()
        options.retry.maxTries = 1
        let client = try RookeryClient(config: cluster.config, options: options)
        do {
            while true { diary.add(try await client.post(Draft(text: "number \(diary.count)"), session: session)) }
        } catch let error as RookeryError where error.status == .unavailable {
            await client.close()
        }
    }

    func expectNothingTwice(on cluster: LaunchedCluster, _ diary: Diary) async throws {
        let client = try RookeryClient(config: cluster.config)
        let tweets = try await client.all(of: session.userId)
        let counted = try await client.counters(ofUser: session.userId).world.tweets
        #expect(Set(tweets.map(\.id)).count == tweets.count && counted == UInt64(tweets.count))
        #expect(zip(tweets, tweets.dropFirst()).allSatisfy { $0.id > $1.id }, "newest first")
        await client.close()
    }
}

extension RookeryClient {
    fileprivate func all(of user: Id) async throws -> [Tweet] {
        var (tweets, next) = ([Tweet](), String?.none)
        repeat {
            let page = try await timeline(of: user, PageRequest(maxResults: 200, next: next))
            tweets += page.tweets
            next = page.next
        } while next != nil
        return tweets
    }
}

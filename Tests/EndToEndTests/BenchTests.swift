import Foundation
import Synchronization
import Testing

extension EndToEndTests {
    /// `rookery bench` against a small cluster. How fast that is says nothing here.
    @Suite(.serialized) struct BenchTests {
        let cluster: LaunchedCluster

        init() throws { cluster = try LaunchedCluster() }

        private func graph() throws -> String {
            try cluster.playground.write((1...12).map { "\($0) \($0 % 12 + 1)\n" }.joined(), to: "ring.edges")
        }

        private func bench(_ mix: String, _ options: String...) async throws -> JSON {
            let always = ["--seconds", "1", "--warmup", "0", "--connections", "2", "--in-flight", "3", "--json"]
            let outcome = try await cluster.rookery(["bench", mix] + always + options)
            guard outcome.status == 0, outcome.error.isEmpty else { throw Unexpected(outcome.description) }
            return try JSON(outcome.output)
        }

        private func expectFigures(_ report: JSON, _ operations: Set<String>) {
            #expect((report["ops"].number ?? 0) > 0 && report["errors"] == .object([:]), "\(report)")
            #expect(report["connections"].number == 2 && report["users"].number == 12)
            #expect(report["operations"].names.isSubset(of: operations), "\(report)")
            let counted = report["operations"].names.compactMap { report["operations"][$0]["ops"].number }
            #expect(counted.reduce(0, +) == report["ops"].number)
            for low in ["p50_us", "p99_us", "p999_us"] {
                #expect((report[low].number ?? -1) <= (report["max_us"].number ?? -2), "\(low)")
            }
        }

        @Test func everyLoopMakesItsMix() async throws {
            try await cluster.whileUp {
                let first = try await bench("dsb", "--graph", try graph(), "--preload")
                expectFigures(first, ["home", "user", "post"])
                expectFigures(try await bench("read", "--loop", "lockstep", "--users", "zipf"), ["home", "post"])
                expectFigures(try await bench("like"), ["like"])
                let open = ["bench", "user", "--loop", "open", "--rate", "20", "--seconds", "1", "--warmup", "0"]
                let outcome = try await cluster.rookery(open + ["--connections", "2", "--json"])
                let report = try JSON(outcome.output)
                // Due is due: exactly so many are made, however slow the machine.
                #expect(report["ops"].number == 20 && report["errors"] == .object([:]), "\(outcome)")
                expectFigures(report, ["user"])
            }
        }

        @Test func aPreloadIsMadeOnce() async throws {
            try await cluster.whileUp {
                for _ in 1...2 {
                    _ = try await bench("home", "--graph", try graph(), "--preload")
                    let counts = try await cluster.ask("counters", "--user", "u3", "--as", "u1")["world"]
                    #expect(counts["tweets"].number == 20 && counts["followers"].number == 2)
                }
                let page = try await cluster.ask("user", "u3", "--as", "u1", "--all")["tweets"].list
                #expect(page.allSatisfy { $0["text"].text?.utf8.count == 140 })
            }
        }

        @Test func withoutUsersItSaysHowToMakeThem() async throws {
            let refused = try await cluster.refusal("bench", "home")
            #expect(refused.status == "FAILED_PRECONDITION")
            #expect(refused.message.contains("rookery import --graph") && refused.message.contains("--graph FILE"))
            let absent = try await cluster.refusal("bench", "home", "--graph", "nowhere")
            #expect(absent == ("NOT_FOUND", "there is no file nowhere"))
        }

        /// What lacks a node's tweets comes quicker than what has them.
        @Test func anIncompleteAnswerIsNoSuccess() async throws {
            try await cluster.whileUp {
                _ = try await bench("home", "--graph", try graph())
                try await cluster.ask("cluster", "kill", "n2")
                for mix in ["search", "top"] {
                    let outcome = try await cluster.rookery(["bench", mix, "--seconds", "1", "--warmup", "0", "--json"])
                    #expect(outcome.status == 1)
                    let report = try JSON(outcome.output)
                    #expect(report["ops"].number == 0 && (report["errors"]["INCOMPLETE"].number ?? 0) > 0, "\(outcome)")
                }
            }
        }

        @Test func anInterruptedRunShowsWhatItMeasured() async throws {
            try await cluster.whileUp {
                _ = try await bench("home", "--graph", try graph())
                let process = Mutex<Int32?>(nil)
                async let run = cluster.rookery(["bench", "post", "--seconds", "3600", "--warmup", "0"]) { id in
                    process.withLock { $0 = id }
                }
                try await eventually("it posts") {
                    try await cluster.ask("counters", "--user", "u1", "--as", "u2")["world"]["tweets"].number ?? 0 > 0
                }
                kill(try #require(process.withLock { $0 }), SIGINT)
                let outcome = try await run
                #expect(outcome.status == 0 && outcome.output.contains(" operations/s in "), "\(outcome)")
            }
        }

        @Test func whenNothingSucceedsItFails() async throws {
            try await cluster.whileUp { _ = try await bench("home", "--graph", try graph()) }
            let outcome = try await cluster.rookery(["bench", "home", "--seconds", "1", "--warmup", "0", "--json"])
            #expect(outcome.status == 1)
            #expect(try JSON(outcome.error)["error"]["status"] == .string("UNAVAILABLE"), "\(outcome)")
            let report = try JSON(outcome.output)
            #expect(report["ops"].number == 0 && (report["errors"]["UNAVAILABLE"].number ?? 0) > 0, "\(outcome)")
        }

        @Test func wrongOptionsAreNamed() async throws {
            #expect(try await cluster.misuse("bench").contains("<mix>"))
            #expect(try await cluster.misuse("bench", "sing").contains("sing"))
            for (options, words) in [
                (["--loop", "sideways"], "sideways"), (["--rate", "5"], "--rate is for --loop open"),
                (["--max-outstanding", "5"], "--max-outstanding is for --loop open"),
                (["--loop", "open"], "needs --rate"), (["--loop", "open", "--rate", "0"], "--rate must be"),
                (["--loop", "open", "--rate", "9", "--in-flight", "1"], "--in-flight is for"),
                (["--loop", "open", "--rate", "9", "--max-outstanding", "7"], "--max-outstanding must be"),
                (["--connections", "0"], "--connections must be"), (["--connections", "257"], "--connections must be"),
                (["--in-flight", "0"], "--in-flight must be"), (["--in-flight", "1025"], "must be at most 8192"),
                (["--seconds", "0"], "--seconds must be"), (["--seconds", "nan"], "--seconds must be"),
                (["--warmup", "3601"], "--warmup must be"), (["--users", "zipf:0"], "exponent from 0.01 to 10"),
                (["--users", "all"], "uniform, zipf or"), (["--seed", "x"], "--seed"),
            ] {
                let outcome = try await cluster.rookery(["bench", "home"] + options)
                #expect(outcome.status == 64 && outcome.output.isEmpty, "\(outcome)")
                let line = outcome.error.split(separator: "\n").first ?? ""
                #expect(line.contains(words), "\(outcome)")
            }
        }
    }
}

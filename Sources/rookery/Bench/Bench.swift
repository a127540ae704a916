import Client
import Cluster

/// One bench, from its users to its figures.
struct Bench: Sendable {
    let settings: BenchSettings
    let connections: [Connection]
    let store: SessionStore
    let progress: ProgressLine
    var environment = Environment.system

    /// - Parameters:
    ///   - graph: users and follows to make first, if they are not there.
    ///   - preload: whether to make everybody's posts first; a mix that likes does so in any case.
    func run(graph: ImportPlan?, preload: Bool) async throws -> Finding {
        if let graph { try await load(graph) }
        var population = try Population(store, nowMs: environment.clock.nowMs())
        let texts = SampleTexts()
        if preload || settings.mix.likes { population.tweets = try await tweets(of: population.sessions, texts) }
        let workload = Workload(
            operations: OperationChooser(settings.mix),
            users: UserChooser(settings.popularity, count: population.sessions.count), population: population,
            texts: texts)
        return try await measure(workload)
    }

    private func load(_ graph: ImportPlan) async throws {
        let importer = Importer(
            client: connections[0].client, store: store, plan: graph, environment: environment,
            report: { progress.show($0) })
        _ = try await importer.run()
    }

    private func tweets(of sessions: [Session], _ texts: SampleTexts) async throws -> [Id] {
        let total = sessions.count * Preload.postsPerUser
        let preload = Preload(
            sessions: sessions, connections: connections, inFlight: settings.inFlight, texts: texts,
            environment: environment)
        return try await shown("preload", { done, _ in ProgressLine.bar("preload", done: done, of: total) }) {
            try await preload.run()
        }
    }

    private func measure(_ workload: Workload) async throws -> Finding {
        let run = LoadRun(settings: settings, workload: workload, connections: connections, environment: environment)
        let mix = settings.mix.rawValue
        let interrupt = Interrupt { run.end() }
        defer { withExtendedLifetime(interrupt) {} }
        let outcome = try await shown(mix, { "\(mix): \($0) operations, \($1) in the last second" }) {
            try await run.run()
        }
        let report = BenchReport(
            settings, users: workload.population.sessions.count, elapsedNs: outcome.elapsedNs, outcome.tally)
        return Finding(report: report, failures: outcome.tally.failures)
    }

    /// Runs the body, and shows each second how much of it was answered: all, and in that second.
    private func shown<Result>(
        _ stage: String, _ text: @escaping @Sendable (Int, Int) -> String, _ body: () async throws -> Result
    ) async throws -> Result {
        guard progress.isShown else { return try await body() }
        let first = answered
        let ticker = Task {
            var before = 0
            while true {
                try await environment.sleep(.seconds(1))
                let now = answered - first
                progress.show(stage: stage, text(now, now - before))
                before = now
            }
        }
        defer { ticker.cancel() }
        return try await body()
    }

    private var answered: Int { connections.reduce(0) { $0 + $1.answered } }

    /// What came of it.
    struct Finding: Sendable {
        var report: BenchReport
        var failures: [String: Tally.Failures]

        /// Throws when no operation succeeded.
        func requireSuccess() throws {
            guard report.ops == 0 else { return }
            guard let worst = failures.max(by: { $0.value.count < $1.value.count }) else {
                throw RookeryError(.deadlineExceeded, "no answer came in the measured time: give more --seconds")
            }
            throw RookeryError(
                Tally.status(of: worst.key),
                "no operation succeeded, \(report.errors.values.reduce(0, +)) failed: \(worst.value.example)")
        }
    }
}

import Client
import Cluster

/// Runs the workers of one bench: starts them, waits for them, adds up what they have seen.
struct LoadRun: Sendable {
    let settings: BenchSettings
    let workload: Workload
    let connections: [Connection]
    let environment: Environment

    /// What the workers have seen, and for how long.
    struct Outcome: Sendable {
        var tally: Tally
        /// From the first measured operation's start to the last answer, and not less than until the run's end.
        var elapsedNs: UInt64
    }

    func run() async throws -> Outcome {
        switch settings.loop {
        case .closed:
            let window = window()
            return outcome(await tally(ClosedPace(window: window, clock: environment.clock)), window)
        case .lockstep:
            let window = window()
            let pace = LockstepPace(size: settings.workers, window: window, clock: environment.clock)
            return outcome(await tally(pace), window)
        case .open(let rate, _): return try await open(rate: rate)
        }
    }

    private func open(rate: UInt64) async throws -> Outcome {
        let pace = OpenPace(workers: settings.workers)
        async let tally = tally(pace)
        await pace.ready()
        let window = window()
        let overflow = try await pace.drive(OpenSchedule(window: window, rate: rate), environment)
        var sum = await tally
        sum.overflowed(overflow)
        return outcome(sum, window)
    }

    private func window() -> Window {
        Window(startNs: environment.clock.monotonicNs(), warmup: settings.warmup, length: settings.length)
    }

    private func outcome(_ tally: Tally, _ window: Window) -> Outcome {
        // What is left of a lockstep round that began in the warm-up is not measured, and so not counted as time.
        Outcome(
            tally: tally, elapsedNs: max(window.endNs, tally.lastNs) - min(window.endNs, tally.firstNs))
    }

    /// Runs all workers to their end.
    private func tally(_ pace: some Pace) async -> Tally {
        await withTaskGroup(of: Tally.self) { group in
            for number in 0..<settings.workers {
                let worker = Worker(
                    number: number, seed: settings.seed, workload, connections[number % connections.count],
                    clock: environment.clock)
                group.addTask { await worker.run(pace) }
            }
            return await group.reduce(into: Tally()) { $0.merge($1) }
        }
    }
}

import Client
import Cluster

/// Runs the workers of one bench: starts them, waits for them, adds up what they have seen.
struct LoadRun: Sendable {
    let settings: BenchSettings
    let workload: Workload
    let connections: [Connection]
    let environment: Environment
    private let stop = Window.Stop()

    init(settings: BenchSettings, workload: Workload, connections: [Connection], environment: Environment) {
        (self.settings, self.workload) = (settings, workload)
        (self.connections, self.environment) = (connections, environment)
    }

    /// Ends the run now: its workers wait for the answers they are owed, and start nothing more.
    func end() { stop.stop(atNs: environment.clock.monotonicNs()) }

    /// What the workers have seen, and for how long.
    struct Outcome: Sendable {
        var tally: Tally
        /// The measured time; of an open loop, and of a run that was stopped, until the last answer.
        var elapsedNs: UInt64
    }

    func run() async throws -> Outcome {
        switch settings.loop {
        case .closed:
            let window = window()
            return outcome(await tally(ClosedPace(window: window, environment: environment)), window)
        case .lockstep:
            let window = window()
            let pace = LockstepPace(size: settings.workers, window: window, environment: environment)
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
        return Outcome(tally: sum, elapsedNs: max(window.endNs, window.measureNs, sum.lastNs) - window.measureNs)
    }

    private func outcome(_ tally: Tally, _ window: Window) -> Outcome {
        Outcome(tally: tally, elapsedNs: window.lengthNs(lastAnswerNs: tally.lastNs))
    }

    private func window() -> Window {
        Window(startNs: environment.clock.monotonicNs(), warmup: settings.warmup, length: settings.length, stop: stop)
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

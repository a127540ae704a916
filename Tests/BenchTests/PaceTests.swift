import Client
import Cluster
import Synchronization
import Testing

@testable import rookery

/// A clock that a test moves.
private final class TestClock: WallClock {
    private let time = Atomic<UInt64>(0)

    func nowMs() -> UInt64 { monotonicNs() / 1_000_000 }
    func monotonicNs() -> UInt64 { time.load(ordering: .sequentiallyConsistent) }
    func advance(_ ns: UInt64) { time.add(ns, ordering: .sequentiallyConsistent) }
}

@Suite("Bench: when operations are made")
struct PaceTests {
    private let window = Window(startNs: 1000, warmup: .nanoseconds(100), length: .nanoseconds(900))

    @Test("Answers from the measured time on count, those in it make up the rate, and after its end there are no turns")
    func windows() throws {
        for start in [UInt64(1000), 1099, 1100, 1999] {
            let turn = try #require(window.turn(at: start))
            #expect(turn.startNs == start)
            #expect([1099, 1100, 1999, 2000].map(turn.counted.contains) == [false, true, true, true])
            #expect([1099, 1100, 1999, 2000].map(turn.inTime.contains) == [false, true, true, false])
        }
        #expect(window.turn(at: 2000) == nil)
        #expect(window.lengthNs(lastAnswerNs: 2500) == 900)
    }

    @Test("A run that is stopped starts nothing more, and has taken until its last answer")
    func stopped() throws {
        let stop = Window.Stop()
        let window = Window(startNs: 1000, warmup: .nanoseconds(100), length: .nanoseconds(900), stop: stop)
        #expect(window.turn(at: 1500) != nil)
        stop.stop(atNs: 1500)
        #expect(window.turn(at: 1499) != nil && window.turn(at: 1500) == nil && window.turn(dueAt: 1500) == nil)
        #expect(window.lengthNs(lastAnswerNs: 1450) == 400 && window.lengthNs(lastAnswerNs: 1600) == 500)
        stop.stop(atNs: 1050)
        #expect(window.lengthNs(lastAnswerNs: 0) == 0, "it was still warming up")
        #expect(window.turn(at: 1049)?.counted.contains(1200) == true, "it was let go just before")
    }

    @Test("What an open loop was to make in the measured time counts, whenever it is answered")
    func dues() {
        let late: UInt64 = 1_000_000
        #expect(window.turn(dueAt: 1099)?.counted.contains(1500) == false)
        #expect(window.turn(dueAt: 1099)?.mayCount == false)
        #expect(window.turn(dueAt: 1100)?.counted.contains(late) == true)
        #expect(window.turn(dueAt: 1999)?.counted.contains(late) == true)
        #expect(window.turn(dueAt: 1999)?.inTime.contains(late) == true)
        #expect(window.turn(dueAt: 2000) == nil)
    }

    @Test("A caller whose operation failed waits a little before the next")
    func failures() async {
        let clock = TestClock()
        let environment = Environment(
            clock: clock, random: { 0 }, sleep: { clock.advance(UInt64($0 / .nanoseconds(1))) })
        await ClosedPace(window: window, environment: environment).failed()
        #expect(clock.monotonicNs() == 20_000_000)
        await LockstepPace(size: 1, window: window, environment: environment).failed()
        #expect(clock.monotonicNs() == 40_000_000)
        await OpenPace(workers: 1).failed()
        #expect(clock.monotonicNs() == 40_000_000)
    }

    private func taken(_ schedule: inout OpenSchedule, until nowNs: UInt64) -> [UInt64] {
        var taken: [UInt64] = []
        while let turn = schedule.take(nowNs: nowNs) { taken.append(turn.startNs) }
        return taken
    }

    @Test("An open loop makes exactly rate times seconds operations, evenly", arguments: [1, 3, 7, 1000, 99_991])
    func evenly(rate: UInt64) {
        let window = Window(startNs: 5_000_000_000, warmup: .seconds(1), length: .seconds(2))
        var schedule = OpenSchedule(window: window, rate: rate)
        let times = taken(&schedule, until: .max)
        #expect(times.count == Int(rate) * 3)
        #expect(times.first == window.startNs)
        for (number, time) in times.enumerated() {
            #expect(time == window.startNs + UInt64(number) * 1_000_000_000 / rate)
        }
        #expect(schedule.nextNs == nil)
    }

    @Test("Nothing comes early; what is taken late keeps its intended time")
    func late() {
        let window = Window(startNs: 0, warmup: .zero, length: .seconds(1))
        var schedule = OpenSchedule(window: window, rate: 10)
        #expect(taken(&schedule, until: 0) == [0])
        #expect(taken(&schedule, until: 99_999_999) == [])
        #expect(taken(&schedule, until: 350_000_000) == [100_000_000, 200_000_000, 300_000_000])
        #expect(schedule.nextNs == 400_000_000)
        #expect(taken(&schedule, until: .max).count == 6)
    }

    /// What the rounds of a lockstep run looked like: for each worker the starts of its turns.
    private func rounds(workers: Int, _ clock: TestClock) async -> [[UInt64]] {
        let environment = Environment(clock: clock, random: { 0 }, sleep: { _ in })
        let pace = LockstepPace(size: workers, window: window, environment: environment)
        return await withTaskGroup(of: [UInt64].self) { group in
            for worker in 0..<workers {
                group.addTask {
                    var starts: [UInt64] = []
                    while let turn = await pace.turn() {
                        starts.append(turn.startNs)
                        // Some are slow: the others must wait for them.
                        for _ in 0..<worker { await Task.yield() }
                        clock.advance(10)
                    }
                    return starts
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }

    @Test("In lockstep all start at once, when all are done, and end in the same round", arguments: [1, 2, 5])
    func lockstep(workers: Int) async {
        let clock = TestClock()
        clock.advance(1000)
        let seen = await rounds(workers: workers, clock)
        #expect(Set(seen).count == 1, "every worker had the same turns: \(seen)")
        // Each of the workers moves the clock by 10 in each round, so a round that began early would show.
        #expect(seen[0] == Array(stride(from: 1000, to: 2000, by: 10 * workers)).map(UInt64.init))
    }

    @Test("An open loop makes each operation, or counts it as not made")
    func overflow() async throws {
        let (clock, gate) = (TestClock(), AsyncStream<Void>.makeStream())
        // Whoever waits lets the time go by.
        let environment = Environment(
            clock: clock, random: { 0 }, sleep: { clock.advance(UInt64($0 / .nanoseconds(1))) })
        let pace = OpenPace(workers: 3)
        let window = Window(startNs: 0, warmup: .zero, length: .seconds(1))
        try await withThrowingTaskGroup(of: [Turn].self) { group in
            for _ in 0..<3 {
                group.addTask {
                    var turns: [Turn] = []
                    while let turn = await pace.turn() {
                        turns.append(turn)
                        // No answer comes before the run is over.
                        for await _ in gate.stream {}
                    }
                    return turns
                }
            }
            await pace.ready()
            let overflow = try await pace.drive(OpenSchedule(window: window, rate: 100), environment)
            gate.continuation.finish()
            let made = try await group.reduce(0) { $0 + $1.count }
            #expect(made == 3)
            #expect(overflow == 97)
        }
    }
}

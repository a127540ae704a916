import Synchronization
import Testing

@testable import Client

@Suite(.timeLimit(.minutes(1))) struct AlarmsTests {
    @Test func whoWaitsIsWokenNotBeforeItsTime() async {
        let alarms = Alarms(after: .milliseconds(10))
        // Again after all were gone.
        for _ in 0..<2 {
            let waited = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        let start = ContinuousClock.now
                        await alarms.wait()
                        return ContinuousClock.now - start >= .milliseconds(10)
                    }
                    // Spread, so that one who came later is not due with the first.
                    let next = ContinuousClock.now + .microseconds(500)
                    while ContinuousClock.now < next { await Task.yield() }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(waited == [Bool](repeating: true, count: 20))
        }
    }

    @Test func whoIsCancelledWaitsNoLonger() async {
        let alarms = Alarms(after: .seconds(36_000))
        for round in 0..<200 {
            let waiting = Task { await alarms.wait() }
            // At once, or when it may be waiting already.
            if round % 2 == 0 { for _ in 0..<round { await Task.yield() } }
            waiting.cancel()
            await waiting.value
        }
    }
}

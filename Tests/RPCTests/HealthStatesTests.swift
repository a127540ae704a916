import Testing

@testable import RPC

/// What is told to whom, decided; waiters are letters here.
@Suite struct HealthStatesTests {
    private var states = HealthStates<String>(services: ["nest.Eggs", "nest.Twigs"])

    private func isTold(_ told: [(String, HealthNews)], _ expected: [String: HealthNews]) -> Bool {
        told.count == expected.count && told.allSatisfy { expected[$0.0] == $0.1 }
    }

    @Test func whatIsKnownServesAndTheRestIsUnknown() {
        #expect(states.status(of: "") == .serving)
        #expect(states.status(of: "nest.Eggs") == .serving)
        #expect(states.status(of: "nest.Cuckoo") == .serviceUnknown)
    }

    @Test mutating func onlyWhoWatchesAServiceIsToldOfItAndOnce() {
        states.wait(1, of: "nest.Eggs", after: .serving, "a")
        states.wait(2, of: "nest.Twigs", after: .serving, "b")
        #expect(states.set("nest.Eggs", serving: true).isEmpty, "no change")
        #expect(isTold(states.set("nest.Eggs", serving: false), ["a": .status(.notServing)]))
        #expect(states.set("nest.Eggs", serving: true).isEmpty, "a waits no longer")
        #expect(states.waitingCount == 1)
        #expect(states.leave(2) == "b" && states.leave(2) == nil && states.waitingCount == 0)
    }

    /// Between two questions anything may happen: the newest state is what counts, and no change is none.
    @Test mutating func aSlowWatcherIsToldTheNewestAlone() {
        for round in 0..<999 { _ = states.set("nest.Eggs", serving: round % 2 == 0) }
        #expect(states.news(of: "nest.Eggs", after: .serving) == nil)
        _ = states.set("nest.Eggs", serving: false)
        #expect(states.news(of: "nest.Eggs", after: .serving) == .status(.notServing))
    }

    @Test mutating func aServiceThatComesLaterIsToldToWhoWaitedForIt() {
        #expect(states.news(of: "nest.Cuckoo", after: .serviceUnknown) == nil)
        states.wait(1, of: "nest.Cuckoo", after: .serviceUnknown, "a")
        #expect(isTold(states.set("nest.Cuckoo", serving: true), ["a": .status(.serving)]))
    }

    @Test mutating func aDrainOverrulesAndLeavesTheUnknownUnknown() {
        states.wait(1, of: "", after: .serving, "a")
        states.wait(2, of: "nest.Cuckoo", after: .serviceUnknown, "b")
        #expect(isTold(states.drain(), ["a": .status(.notServing)]))
        #expect(states.set("nest.Eggs", serving: true).isEmpty)
        #expect(states.status(of: "nest.Eggs") == .notServing)
    }

    /// Each hears that nothing serves before it hears that it is over.
    @Test mutating func theEndComesBehindTheLastStatus() {
        states.wait(1, of: "", after: .serving, "a")
        states.wait(2, of: "nest.Cuckoo", after: .serviceUnknown, "b")
        #expect(isTold(states.end(), ["a": .status(.notServing), "b": .over]))
        #expect(states.news(of: "", after: .notServing) == .over)
    }
}

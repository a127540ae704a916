import Client
import Foundation
import Testing

@testable import rookery

@Suite("Bench: what is counted and shown")
struct FiguresTests {
    private let settings = BenchSettings(
        mix: .dsb, loop: .lockstep, connections: 2, inFlight: 3, warmup: .zero, length: .seconds(4),
        popularity: .uniform, seed: 5)

    /// A hundred home pages of 1 ms to 100 ms, and one post of a second.
    private func tally() -> Tally {
        var tally = Tally()
        for ms in 1...100 { tally.succeeded(.home, startNs: 7, endNs: 7 + UInt64(ms) * 1_000_000, isInTime: true) }
        // It was under way when the time was over.
        tally.succeeded(.post, startNs: 0, endNs: 1_000_000_000, isInTime: false)
        return tally
    }

    /// Three significant digits are kept.
    private func isAbout(_ us: UInt64, _ wanted: UInt64) -> Bool { us >= wanted && us <= wanted + wanted / 500 }

    @Test("Percentiles are those of the operations")
    func percentiles() throws {
        let home = try #require(tally().latency(of: .home))
        #expect(home.count == 100)
        #expect(isAbout(home.p50Us, 50_000) && isAbout(home.p99Us, 99_000) && home.maxUs == 100_000)
        let all = tally().latency
        #expect(all.count == 101 && isAbout(all.p999Us, 1_000_000) && all.maxUs == 1_000_000)
        #expect(tally().latency(of: .like) == nil)
    }

    @Test("Merged tallies are as one")
    func merged() {
        var halves = [Tally(), Tally()]
        for ms in 1...100 {
            halves[ms % 2].succeeded(.home, startNs: 7, endNs: 7 + UInt64(ms) * 1_000_000, isInTime: true)
        }
        halves[0].failed(RookeryError(.unavailable, "first"), endNs: 3)
        halves[1].failed(RookeryError(.unavailable, "second"), endNs: 2_000_000_000)
        halves[1].overflowed(4)
        halves[1].overflowed(0)
        var sum = Tally()
        for half in halves { sum.merge(half) }
        #expect(sum.latency(of: .home) == tally().latency(of: .home))
        #expect(sum.failures.mapValues(\.count) == ["UNAVAILABLE": 2, "OVERFLOW": 4])
        #expect(sum.failures["UNAVAILABLE"]?.example == "first")
        #expect(sum.lastNs == 2_000_000_000)
    }

    private func document(_ report: BenchReport) throws -> [String: Any] {
        let text = try JSONText.encode(report)
        return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test("The document has the documented names")
    func shape() throws {
        var tally = tally()
        tally.failed(RookeryError(.notFound, "gone"), endNs: 5)
        tally.failed(Incomplete(missingNodes: ["n2", "n3"]), endNs: 6)
        #expect(tally.failures["INCOMPLETE"]?.example == "n2, n3 did not answer")
        let report = BenchReport(settings, users: 9, elapsedNs: 4_000_000_000, tally)
        let document = try document(report)
        let names = [
            "mix", "loop", "seconds", "connections", "in_flight", "users", "popularity", "seed", "ops", "ops_per_s",
            "p50_us", "p99_us", "p999_us", "max_us", "operations", "errors",
        ]
        #expect(Set(document.keys) == Set(names))
        #expect(document["mix"] as? String == "dsb" && document["loop"] as? String == "lockstep")
        #expect(document["ops"] as? Int == 101 && document["ops_per_s"] as? Double == 25)
        #expect(document["seconds"] as? Double == 4 && document["max_us"] as? Int == 1_000_000)
        #expect(document["errors"] as? [String: Int] == ["NOT_FOUND": 1, "INCOMPLETE": 1])
        let parts = try #require(document["operations"] as? [String: [String: Any]])
        #expect(Set(parts.keys) == ["home", "post"] && parts["home"]?["ops"] as? Int == 100)
    }

    @Test("An open loop's document has its rate")
    func rate() throws {
        var settings = settings
        settings.loop = .open(rate: 77, maxOutstanding: 6)
        let document = try document(BenchReport(settings, users: 9, elapsedNs: 1, Tally()))
        #expect(document["rate"] as? Int == 77 && document["ops"] as? Int == 0)
    }

    @Test("A run without a success fails, and says what was wrong most")
    func nothing() throws {
        var tally = Tally()
        tally.failed(RookeryError(.unavailable, "n2 is away"), endNs: 1)
        for _ in 1...2 { tally.failed(RookeryError(.unauthenticated, "the session has ended"), endNs: 1) }
        let finding = Bench.Finding(
            report: BenchReport(settings, users: 9, elapsedNs: 1, tally), failures: tally.failures)
        #expect {
            try finding.requireSuccess()
        } throws: { error in
            guard let error = error as? RookeryError else { return false }
            return error.status == .unauthenticated && error.message.contains("3 failed: the session has ended")
        }
        tally.succeeded(.home, startNs: 0, endNs: 1, isInTime: true)
        let partly = Bench.Finding(
            report: BenchReport(settings, users: 9, elapsedNs: 1, tally), failures: tally.failures)
        try partly.requireSuccess()
    }

    @Test("A person sees each operation, the whole, and each kind of error with its words")
    func text() {
        var tally = tally()
        tally.failed(RookeryError(.unavailable, "n2 is\u{1B} away"), endNs: 1)
        let report = BenchReport(settings, users: 9, elapsedNs: 4_000_000_000, tally)
        #expect(
            report.lines(Style(colours: false), tally.failures) == [
                "dsb: lockstep loop, 2 × 3 in flight, 9 users (uniform), seed 5",
                "25 operations/s in 4.0 s; 101 were made, 1 failed",
                "ms    count  p50      p99      p99.9    max",
                "home  100    50.02    99.01    100.00   100.00",
                "post  1      1000.00  1000.00  1000.00  1000.00",
                "all   101    51.01    100.03   1000.00  1000.00",
                "1 × UNAVAILABLE: n2 is\u{FFFD} away",
            ])
    }
}

import NIOCore
import Testing

@testable import RPC

/// When a connection is told to go away, and how: decided without a clock or a die.
@Suite struct ConnectionAgeTests {
    private let start = NIODeadline.uptimeNanoseconds(1)

    private func age(
        maxAge: TimeAmount? = nil, grace: TimeAmount? = nil, maxIdle: TimeAmount? = nil, jitter: Double = 0.5
    ) -> ConnectionAge {
        var age = ConnectionAge(
            ConnectionAge.Configuration(maxAge: maxAge, maxAgeGrace: grace, maxIdle: maxIdle), now: start,
            jitter: jitter)
        age.opened(now: start)
        return age
    }

    /// Connections that were made together do not end together.
    @Test(arguments: [(0.0, Int64(90)), (0.5, 100), (0.999, 110)])
    func anAgeIsNineToElevenTenthsOfWhatIsSaid(jitter: Double, seconds: Int64) throws {
        let due = try #require(age(maxAge: .seconds(100), jitter: jitter).due)
        #expect(abs((due - (start + .seconds(seconds))).nanoseconds) < 30_000_000)
    }

    @Test func anOldConnectionSaysFarewellTwiceAndHasItsGrace() {
        var age = age(maxAge: .seconds(100), grace: .seconds(30))
        let young = age.tick(now: start + .seconds(99), isIdle: false)
        let old = age.tick(now: start + .seconds(100), isIdle: false)
        #expect(young == nil && old == .leave("the connection is old"))
        let (leaves, leavesAgain) = (age.leave("the connection is old"), age.leave("the server is shutting down"))
        #expect(leaves && !leavesAgain)
        let (announced, announcedAgain) = (
            age.announce(now: start + .seconds(100)), age.announce(now: start + .seconds(100))
        )
        #expect(announced == "the connection is old" && announcedAgain == nil)
        #expect(!age.isFinal && age.due == start + .seconds(101))
        let unanswered = age.tick(now: start + .seconds(101), isIdle: false)
        let (finished, finishedAgain) = (age.finish(), age.finish())
        #expect(unanswered == .finish && finished == "the connection is old" && finishedAgain == nil)
        #expect(age.isFinal && age.due == start + .seconds(130))
        let inGrace = age.tick(now: start + .seconds(129), isIdle: false)
        let after = age.tick(now: start + .seconds(130), isIdle: false)
        #expect(inGrace == nil && after == .giveUp)
    }

    @Test func withoutGraceCallsTakeAsLongAsTheyTake() {
        var age = age(maxAge: .seconds(100))
        _ = age.tick(now: start + .seconds(100), isIdle: false)
        _ = (age.leave("the connection is old"), age.announce(now: start + .seconds(100)), age.finish())
        #expect(age.due == nil)
        let later = age.tick(now: start + .hours(24), isIdle: false)
        #expect(later == nil)
    }

    @Test func anIdleConnectionGoes() {
        var age = age(maxIdle: .seconds(10))
        #expect(age.due == start + .seconds(10))
        let busy = age.tick(now: start + .seconds(10), isIdle: false)
        #expect(busy == nil && age.due == start + .seconds(20))
        age.busy(now: start + .seconds(15))
        let recent = age.tick(now: start + .seconds(24), isIdle: true)
        let idle = age.tick(now: start + .seconds(25), isIdle: true)
        #expect(recent == nil && idle == .leave("the connection is idle"))
    }

    /// It cannot be said before the handshake is done.
    @Test func whatIsToBeSaidWaitsForTheHandshake() {
        var age = ConnectionAge(.unlimited, now: start, jitter: 0.5)
        let tooSoon = age.finish()
        let leaves = age.leave("bye")
        #expect(tooSoon == nil && leaves && age.due == nil)
        age.opened(now: start)
        let announced = age.announce(now: start)
        #expect(announced == "bye")
    }
}

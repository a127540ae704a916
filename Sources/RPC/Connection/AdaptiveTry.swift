/// When to try something that may not pay: each time while it does, ever more rarely while it does not. Pure.
struct AdaptiveTry {
    /// After `n` tries in vain the next 2ⁿ - 1 chances are let go, `n` being at most this.
    let mostStrikes: Int
    private var strikes = 0
    private var toSkip = 0

    init(mostStrikes: Int) { self.mostStrikes = mostStrikes }

    /// Asked once a chance.
    mutating func isDue() -> Bool {
        guard toSkip > 0 else { return true }
        toSkip -= 1
        return false
    }

    mutating func ended(paid: Bool) {
        strikes = paid ? 0 : min(strikes + 1, mostStrikes)
        toSkip = (1 << strikes) - 1
    }
}

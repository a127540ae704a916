/// When the operations of an open loop are due: evenly, and never moved by how long answers take. Pure.
struct OpenSchedule: Sendable {
    let window: Window
    /// Operations a second.
    let rate: UInt64
    private var taken: UInt64 = 0

    init(window: Window, rate: UInt64) {
        self.window = window
        self.rate = rate
    }

    /// When the next operation is due, nil when the run is over.
    var nextNs: UInt64? {
        // From the start each time, with 128 bits between: rounding never adds up.
        let (high, low) = taken.multipliedFullWidth(by: 1_000_000_000)
        let dueNs = window.startNs + rate.dividingFullWidth((high, low)).quotient
        return dueNs < window.endNs ? dueNs : nil
    }

    /// Takes the next operation when it is due; late, it keeps its intended time.
    mutating func take(nowNs: UInt64) -> Turn? {
        guard let nextNs, nextNs <= nowNs else { return nil }
        taken += 1
        return window.turn(dueAt: nextNs)
    }
}

import Client
import Cluster
import Synchronization

/// How far a long command is, on standard error: a line that is drawn over itself on a terminal, else one every few
/// seconds.
final class ProgressLine: Sendable {
    private struct State {
        var shownNs: UInt64 = 0
        var stage: String?
        var isOpen = false
    }

    let isShown: Bool
    private let state = Mutex(State())
    private let intervalNs: UInt64 = Terminal.errorIsTerminal ? 100_000_000 : 3_000_000_000

    init(isShown: Bool = true) { self.isShown = isShown }

    func show(_ progress: ImportProgress) { show(stage: progress.stage.rawValue, Self.text(progress)) }

    /// Shows the text, unless the last one of the same stage was shown just now.
    func show(stage: String, _ text: @autoclosure () -> String) {
        guard isShown else { return }
        let nowNs = SystemClock().monotonicNs()
        let due = state.withLock { state in
            guard nowNs >= state.shownNs + intervalNs || state.stage != stage else { return false }
            state.shownNs = nowNs
            state.stage = stage
            state.isOpen = Terminal.errorIsTerminal
            return true
        }
        guard due else { return }
        // Return to the first column and clear to the end of the line.
        if Terminal.errorIsTerminal {
            Terminal.write("\r\(text())\u{1B}[K", to: 2)
        } else {
            Terminal.writeError(text())
        }
    }

    /// Leaves the line, so that what follows begins on its own.
    func finish() {
        let wasOpen = state.withLock { state in
            defer { state.isOpen = false }
            return state.isOpen
        }
        if wasOpen { Terminal.write("\r\u{1B}[K", to: 2) }
    }

    private static func text(_ progress: ImportProgress) -> String {
        guard progress.total > 0 else { return "\(progress.stage.rawValue): \(progress.done) events on their way" }
        return bar(progress.stage.rawValue, done: progress.done, of: progress.total)
    }

    /// A bar on a terminal, else the figures alone.
    static func bar(_ stage: String, done: Int, of total: Int) -> String {
        guard Terminal.errorIsTerminal else { return "\(stage): \(done) of \(total)" }
        let width = 24
        let filled = width * min(done, total) / total
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        return "\(stage.padded(to: 9)) \(bar) \(done) of \(total)"
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}

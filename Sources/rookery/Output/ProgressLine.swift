import Client
import Cluster
import Synchronization

/// How far an import is, on standard error: a bar that is drawn over itself on a terminal, else a line every few seconds.
final class ProgressLine: Sendable {
    private struct State {
        var shownNs: UInt64 = 0
        var stage: ImportProgress.Stage?
        var isOpen = false
    }

    private let state = Mutex(State())
    private let intervalNs: UInt64 = Terminal.errorIsTerminal ? 100_000_000 : 3_000_000_000

    func show(_ progress: ImportProgress) {
        let nowNs = SystemClock().monotonicNs()
        let due = state.withLock { state in
            guard nowNs >= state.shownNs + intervalNs || state.stage != progress.stage else { return false }
            state.shownNs = nowNs
            state.stage = progress.stage
            state.isOpen = Terminal.errorIsTerminal
            return true
        }
        guard due else { return }
        let text = Self.text(progress)
        // Return to the first column and clear to the end of the line.
        if Terminal.errorIsTerminal { Terminal.write("\r\(text)\u{1B}[K", to: 2) } else { Terminal.writeError(text) }
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
        guard Terminal.errorIsTerminal else {
            return "\(progress.stage.rawValue): \(progress.done) of \(progress.total)"
        }
        let width = 24
        let filled = width * min(progress.done, progress.total) / progress.total
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        return "\(progress.stage.rawValue.padded(to: 9)) \(bar) \(progress.done) of \(progress.total)"
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}

import NIOCore

/// Whether the other side takes what was written for it, however slowly, while more waits than is good. Pure: time comes
/// in.
struct StallWatch {
    private let timeout: TimeAmount
    private var watching: (until: NIODeadline, gone: Int)?

    init(timeout: TimeAmount) {
        self.timeout = timeout
    }

    /// When `isStalled` has something to decide.
    var due: NIODeadline? { watching?.until }

    /// - Parameter gone: bytes of the connection that have left.
    mutating func changed(isWritable: Bool, gone: Int, now: NIODeadline) {
        watching = isWritable ? nil : (now + timeout, gone)
    }

    /// Nothing has left in all that time.
    mutating func isStalled(gone: Int, now: NIODeadline) -> Bool {
        guard let watching, now >= watching.until else { return false }
        guard gone > watching.gone else { return true }
        self.watching = (now + timeout, gone)
        return false
    }
}

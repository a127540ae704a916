import NIOCore

/// What a connection's state machine wants done: bytes to send, and commands to perform in order.
struct Actions<Command> {
    var output = ByteBuffer()
    var commands: [Command] = []
}

extension ByteBuffer {
    /// So much is said at once; what can wait does so until that was handed on.
    static let mostSaid = 1 << 20

    @inline(__always) var hasRoom: Bool { readableBytes < Self.mostSaid }

    /// Beyond this, memory is given back rather than kept for the next batch.
    private static let mostKept = 65_536

    /// Empties the buffer whose bytes have been handed on, and keeps its memory if nobody else looks at it any more.
    mutating func empty() {
        if capacity > Self.mostKept { self = ByteBuffer() } else { clear(minimumCapacity: 0) }
    }
}

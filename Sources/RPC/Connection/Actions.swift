import NIOCore

/// What a connection's state machine wants done: bytes to send, and commands to perform in order.
struct Actions<Command> {
    var output = ByteBuffer()
    var commands: [Command] = []
}

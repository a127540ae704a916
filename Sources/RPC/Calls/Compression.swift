/// Whether a message is sent as an LZ4 block, where the other side takes it.
public enum Compression: Sendable {
    /// From the configured size on, and when it makes the message smaller.
    case automatic
    /// Whatever its size, when it makes the message smaller.
    case always
    case never
}

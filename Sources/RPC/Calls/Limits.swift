/// What one side of a connection accepts from the other; told in HELLO and WELCOME, enforced by the receiver.
public struct Limits: Hashable, Sendable {
    /// Largest frame payload, in bytes. Must leave room for a message and its headers.
    public var maxFrameBytes: Int
    /// Largest message after decompression, in bytes.
    public var maxMessageBytes: Int
    /// Calls that may be open at once on one connection.
    public var maxConcurrentStreams: Int
    /// Bytes of MESSAGE frames that may be sent on one stream before credit is returned.
    public var streamCreditBytes: Int
    /// The same for all streams of a connection together.
    public var connectionCreditBytes: Int

    public init(
        maxFrameBytes: Int = 4_456_448, maxMessageBytes: Int = 4_194_304, maxConcurrentStreams: Int = 4096,
        streamCreditBytes: Int = 1_048_576, connectionCreditBytes: Int = 8_388_608
    ) {
        self.maxFrameBytes = maxFrameBytes
        self.maxMessageBytes = maxMessageBytes
        self.maxConcurrentStreams = maxConcurrentStreams
        self.streamCreditBytes = streamCreditBytes
        self.connectionCreditBytes = connectionCreditBytes
    }

    /// For clients: 4 MiB messages.
    public static let client = Limits()

    /// For nodes among themselves: 16 MiB messages, for batches of the log.
    public static let peer = Limits(
        maxFrameBytes: 17_039_360, maxMessageBytes: 16_777_216, streamCreditBytes: 8_388_608,
        connectionCreditBytes: 33_554_432)
}

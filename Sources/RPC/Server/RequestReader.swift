/// The messages that a caller sends, for the handler of a method that takes many. They are read once, by one reader;
/// the caller may send no further ahead than this side's credit.
public struct RequestReader: AsyncSequence, Sendable {
    public typealias Element = [UInt8]

    private let take: @Sendable () async throws -> [UInt8]?

    /// For tests of handlers; a server makes its own. `take` returns nil at the end.
    public init(_ take: @escaping @Sendable () async throws -> [UInt8]?) {
        self.take = take
    }

    /// The next message; nil when the caller says no more. Throws an ``RPCError`` when the call has ended (cancelled,
    /// out of time, connection gone).
    public func next() async throws -> [UInt8]? { try await take() }

    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let take: @Sendable () async throws -> [UInt8]?

        public mutating func next() async throws -> [UInt8]? { try await take() }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(take: take) }
}

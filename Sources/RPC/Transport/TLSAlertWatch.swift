import NIOCore

/// Looks at the first bytes that a plaintext client hears: a server that expects TLS answers with a TLS alert, and
/// "the connection was lost" would be a poor word for that. Leaves the pipeline then.
final class TLSAlertWatch: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if Self.isAlert(unwrapInboundIn(data)) {
            return context.fireErrorCaught(TransportError("it speaks TLS, and this side does not"))
        }
        context.fireChannelRead(data)
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    /// An alert record: type 21, version 3.x, two bytes, of which the first is "fatal" (RFC 8446, §5.1 and §6).
    private static func isAlert(_ bytes: ByteBuffer) -> Bool {
        let view = bytes.readableBytesView
        return view.count == 7 && view.starts(with: [21, 3]) && view.dropFirst(3).starts(with: [0, 2, 2])
    }
}

import NIOCore
import NIOSSL
import NIOTLS

/// Stands between NIOSSL and the wire: knows what the TLS handshake has shown, and puts failures into sentences.
final class TLSGuard: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    /// Agreed on by ALPN, so that no other protocol's server or client is taken for ours (RFC 7301).
    static let applicationProtocol = "rookery/1"

    private let tls: NIOSSLHandler
    private let isServer: Bool
    private var context: ChannelHandlerContext?
    /// The node that the other side's certificate names, once the handshake has verified it.
    private(set) var peerName: String?

    init(_ tls: NIOSSLHandler, isServer: Bool) {
        self.tls = tls
        self.isServer = isServer
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted(let agreed)? = event as? TLSUserEvent { completed(agreed, context) }
        context.fireUserInboundEventTriggered(event)
    }

    private func completed(_ agreed: String?, _ context: ChannelHandlerContext) {
        peerName = tls.peerCertificate?.nodeName
        if agreed != Self.applicationProtocol {
            context.fireErrorCaught(TransportError("it speaks TLS, but not \(Self.applicationProtocol)"))
        } else if !isServer, peerName == nil {
            context.fireErrorCaught(TransportError("its certificate names no node"))
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Who only looks whether the port answers is not refused, and does no harm.
        if isServer, TLSFailure.isEndDuringHandshake(error) { return }
        context.fireErrorCaught(TLSFailure.isTLS(error) ? TransportError(TLSFailure.sentence(error)) : error)
    }

    /// Closes the socket without TLS's farewell, which would wait for the other side's.
    func abort() {
        guard let context else { return }
        do {
            try context.pipeline.syncOperations.context(handler: tls).close(promise: nil)
        } catch {
            context.close(promise: nil)  // NIOSSL has left the pipeline, so nothing of it is in the way
        }
    }
}

import Logging
import NIOCore
import NIOHTTP1

/// What is sent back for one request.
struct MetricsAnswer {
    let status: HTTPResponseStatus
    let body: String
    let headers: [(String, String)]

    init(
        _ status: HTTPResponseStatus, _ body: String, type: String = "text/plain; charset=utf-8",
        headers: [(String, String)] = []
    ) {
        self.status = status
        self.body = body
        self.headers = [("content-type", type)] + headers
    }
}

/// Answers one request after another on a connection of the metrics server.
final class MetricsRequestHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let logger: Logger
    private let answer: (HTTPRequestHead) -> MetricsAnswer
    private var head: HTTPRequestHead?

    init(logger: Logger, answer: @escaping (HTTPRequestHead) -> MetricsAnswer) {
        self.logger = logger
        self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
        case .body:
            // Nothing here takes a body, and reading one to its end would have no bound.
            context.close(promise: nil)
        case .end:
            guard let head else { return }
            self.head = nil
            write(answer(head), to: head, context: context)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent {
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        logger.debug("metrics connection failed", metadata: ["error": "\(error)"])
        context.close(promise: nil)
    }

    private func write(_ answer: MetricsAnswer, to head: HTTPRequestHead, context: ChannelHandlerContext) {
        let body = ByteBuffer(string: answer.body)
        var response = HTTPResponseHead(version: head.version, status: answer.status)
        for (name, value) in answer.headers { response.headers.add(name: name, value: value) }
        response.headers.add(name: "content-length", value: String(body.readableBytes))
        if !head.isKeepAlive { response.headers.add(name: "connection", value: "close") }
        context.write(wrapOutboundOut(.head(response)), promise: nil)
        if head.method != .HEAD { context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
        let sent = context.writeAndFlush(wrapOutboundOut(.end(nil)))
        if !head.isKeepAlive {
            let channel = context.channel
            sent.whenComplete { _ in channel.close(promise: nil) }
        }
    }
}

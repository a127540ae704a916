import NIOCore

/// What the transport takes, and whether the other side is there. That it takes more is a third credit: calls and messages
/// wait for it where they are.
extension ClientConnection {
    /// - Parameter waiting: bytes that were written and have not left.
    mutating func writabilityChanged(_ isWritable: Bool, waiting: Int = 0, now: NIODeadline) {
        stall.changed(isWritable: isWritable, gone: gone(waiting), now: now)
        self.isWritable = isWritable
        outgoing.isWritable = isWritable
        hasPongWaiting = false
        if isWritable { keepalive.heard(now: now) }
    }

    private func gone(_ waiting: Int) -> Int { Int(traffic.bytesOut) - waiting }

    /// Calls or messages wait for nothing but room.
    var mayGoOn: Bool {
        isWritable && (phase == .open || phase == .goingAway)
            && (outgoing.waitsForTransport || (!queue.isEmpty && canSend))
    }

    /// Sends what waited until the transport takes more, or what was said is handed on.
    mutating func goOn(now: NIODeadline, into actions: inout Actions<Command>) {
        guard phase == .open || phase == .goingAway else { return }
        letOut(into: &actions)
        sendQueued(now: now, into: &actions)
    }

    // MARK: Signs of life

    mutating func ping(_ frame: Frame, into actions: inout Actions<Command>) throws(ProtocolViolation) {
        guard frame.payload.readableBytes == 8 else { throw .malformed("a PING whose payload is not 8 bytes") }
        guard isWritable || !hasPongWaiting else { return }
        hasPongWaiting = !isWritable
        FrameEncoder.write(.pong, payload: Array(frame.payload.readableBytesView), into: &actions.output)
    }

    /// While much waits to be taken, a PING would stand behind it: that some is taken is the sign.
    var signDeadline: NIODeadline? { isWritable ? keepalive.due(hasCalls: hasCalls) : stall.due }

    mutating func tickSigns(now: NIODeadline, waiting: Int, into actions: inout Actions<Command>) {
        guard isWritable else {
            guard stall.isStalled(gone: gone(waiting), now: now) else { return }
            return lost("\(configuration.target) took nothing for too long", into: &actions)
        }
        switch keepalive.tick(now: now, hasCalls: hasCalls) {
        case .ping: FrameEncoder.write(.ping, payload: PingPayload.keepalive, into: &actions.output)
        case .lost: lost("nothing was heard from \(configuration.target) for too long", into: &actions)
        case nil: break
        }
    }
}

import NIOCore

/// The orderly end: GOAWAY in two steps, then what runs is finished.
extension ServerConnection {
    /// Tells the other side to open nothing more; the connection closes when what runs has ended.
    mutating func goAway(_ reason: String, now: NIODeadline, into actions: inout Actions<Command>) {
        guard phase != .closed, age.leave(reason) else { return }
        announceGoAway(now: now, into: &actions)
    }

    mutating func announceGoAway(now: NIODeadline, into actions: inout Actions<Command>) {
        guard phase == .open, let reason = age.announce(now: now) else { return }
        write(GoAway(lastStream: .max, reason: reason), into: &actions)
        ping(PingPayload.farewell, now: now, into: &actions)
    }

    /// Asks whether the other side is there.
    mutating func ping(_ payload: [UInt8], now: NIODeadline, into actions: inout Actions<Command>) {
        roundTrip.pinged(now: now)
        FrameEncoder.write(.ping, payload: payload, into: &actions.output)
    }

    mutating func ponged(_ frame: Frame, now: NIODeadline, into actions: inout Actions<Command>) {
        roundTrip.ponged(now: now)
        guard frame.payload.readableBytesView.elementsEqual(PingPayload.farewell) else { return }
        finishGoAway(into: &actions)
    }

    private mutating func finishGoAway(into actions: inout Actions<Command>) {
        guard let reason = age.finish() else { return }
        write(GoAway(lastStream: lastStream, reason: reason), into: &actions)
        closeIfDone(into: &actions)
    }

    private func write(_ goAway: GoAway, into actions: inout Actions<Command>) {
        FrameEncoder.write(.goAway, payload: goAway.packed(), into: &actions.output)
    }

    mutating func tickAge(now: NIODeadline, into actions: inout Actions<Command>) {
        while phase == .open, let decision = age.tick(now: now, isIdle: streams.isEmpty && inPlace.isEmpty) {
            switch decision {
            case .leave(let reason): goAway(reason, now: now, into: &actions)
            case .finish: finishGoAway(into: &actions)
            case .giveUp: fail(ProtocolViolation(.unavailable, "the connection is too old"), into: &actions)
            }
        }
    }

    /// Asked whenever something has ended, and when what was answered in place has been.
    mutating func closeIfDone(into actions: inout Actions<Command>) {
        guard age.isFinal, phase == .open, streams.isEmpty, inPlace.isEmpty else { return }
        phase = .closed
        actions.commands.append(.close(nil))
    }
}

/// The eight bytes of the PINGs that this side sends: what comes back tells which it was.
enum PingPayload {
    static let keepalive: [UInt8] = Array("keepaliv".utf8)
    static let farewell: [UInt8] = Array("farewell".utf8)
}

import NIOCore

/// What a connection tells of itself; asked on its loop only.
extension ServerDriver {
    func report() -> ConnectionReport {
        let now = loop.now
        let roundTrip = connection.roundTrip.last.map {
            ConnectionReport.RoundTrip(us: UInt64($0.time.nanoseconds / 1000), ageMs: Self.ms(from: $0.at, to: now))
        }
        let idleSince = connection.streams.isEmpty ? connection.age.lastBusy : now
        return ConnectionReport(
            id: id, address: peer.remoteAddress, role: connection.phase == .handshake ? nil : peer.role,
            nodeId: peer.nodeId, tls: isEncrypted, ageMs: Self.ms(from: opened, to: now),
            idleMs: Self.ms(from: idleSince, to: now), openStreams: UInt32(connection.streams.count),
            traffic: connection.traffic, creditOut: Int64(connection.outgoing.credit),
            creditIn: Int64(connection.incoming.credit), roundTrip: roundTrip)
    }

    /// Streams above `after`, and whether there are more.
    func streams(after: UInt32, limit: Int) -> (page: [StreamReport], more: Bool) {
        let ids = connection.streams.keys.drop { $0 <= after }
        return (ids.prefix(limit).compactMap(report), ids.count > limit)
    }

    private func report(_ id: UInt32) -> StreamReport? {
        guard let stream = connection.streams[id] else { return nil }
        let half = connection.outgoing.half(id)
        return StreamReport(
            id: id, method: shared.methods.name(stream.method) ?? "", ageMs: Self.ms(from: stream.opened, to: loop.now),
            state: stream.state, creditOut: Int64(half?.credit ?? 0),
            creditIn: Int64(connection.incoming.credit(of: id) ?? 0), messagesWaiting: UInt32(half?.waiting ?? 0))
    }

    private static func ms(from start: NIODeadline, to end: NIODeadline) -> UInt64 {
        UInt64(max(0, (end - start).nanoseconds / 1_000_000))
    }
}

extension ServerConnection.Stream {
    var state: StreamReport.State {
        if isAnswered { return .abandoned }
        if end != nil { return .draining }
        return isListening ? .open : .halfClosed
    }
}

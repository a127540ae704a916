import NIOCore
import Testing

@testable import RPC

/// Credit, decided: what goes out, in whose turn, and what is given back.
@Suite struct MessageFlowTests {
    private static let plain = MessageCoding(compressFrom: nil, acceptsCompressed: false, maxMessageBytes: 1000)

    // MARK: Out; in units of what the smallest message costs

    private static let unit = FrameHeader.byteCount

    private func outgoing(stream: Int, connection: Int, open streams: [UInt32]) -> OutgoingMessages {
        var outgoing = OutgoingMessages()
        outgoing.agreed(
            Limits(streamCreditBytes: stream * Self.unit, connectionCreditBytes: connection * Self.unit))
        for id in streams { outgoing.open(id) }
        return outgoing
    }

    private func message(_ units: Int) -> OutgoingMessages.Message {
        OutgoingMessages.Message(bytes: [UInt8](repeating: 1, count: (units - 1) * Self.unit))
    }

    /// Streams of the messages that a CREDIT lets out.
    private func credited(_ units: UInt32, on stream: UInt32, _ outgoing: inout OutgoingMessages) throws -> [UInt32] {
        var payload = ByteBuffer()
        payload.writeInteger(UInt32(clamping: Int(units) * Self.unit), endianness: .little)
        var (sent, output) = ([UInt32](), ByteBuffer())
        var coding = Self.plain
        try outgoing.credited(Frame(kind: .credit, stream: stream, payload: payload), &coding, into: &output) {
            sent.append($0)
        }
        return sent
    }

    private func pump(_ id: UInt32, _ outgoing: inout OutgoingMessages) -> Int {
        var output = ByteBuffer()
        var coding = Self.plain
        return outgoing.pump(id, &coding, into: &output)
    }

    @Test func oneMessageMayTakeACreditBelowZero() throws {
        var outgoing = outgoing(stream: 10, connection: 1000, open: [1])
        for _ in 0..<3 { outgoing.queue(message(25), on: 1) }
        #expect(pump(1, &outgoing) == 1)
        // 15 below; what makes up for it lets nothing out, what is above it one more.
        #expect(try credited(15, on: 1, &outgoing) == [])
        #expect(try credited(1, on: 1, &outgoing) == [1])
        #expect(outgoing.hasWaiting(1))
    }

    @Test func theConnectionsCreditIsForAll() throws {
        var outgoing = outgoing(stream: 1000, connection: 10, open: [1, 3])
        for id in [UInt32(1), 3] { outgoing.queue(message(25), on: id) }
        #expect(pump(1, &outgoing) == 1)
        #expect(pump(3, &outgoing) == 0)
        #expect(try credited(1000, on: 3, &outgoing) == [])
        #expect(try credited(15, on: 0, &outgoing) == [])
        #expect(try credited(1, on: 0, &outgoing) == [3])
    }

    /// The first stream has a hundred messages ready; the others wait no longer for that.
    @Test func streamsTakeTurnsOverTheConnectionsCredit() throws {
        var outgoing = outgoing(stream: 10_000, connection: 1, open: [1, 3, 5])
        outgoing.queue(message(1), on: 1)
        #expect(pump(1, &outgoing) == 1)
        for _ in 0..<100 { outgoing.queue(message(10), on: 1) }
        #expect(pump(1, &outgoing) == 0)
        for id in [UInt32(3), 5] {
            for _ in 0..<3 { outgoing.queue(message(10), on: id) }
            #expect(pump(id, &outgoing) == 0)
        }
        #expect(try credited(90, on: 0, &outgoing) == [1, 3, 5, 1, 3, 5, 1, 3, 5])
        #expect(try credited(30, on: 0, &outgoing) == [1, 1, 1])
    }

    /// A stream without credit of its own does not stand in the way.
    @Test func whoLacksOwnCreditIsPassedOver() throws {
        var outgoing = outgoing(stream: 5, connection: 10, open: [1, 3])
        for id in [UInt32(1), 3] {
            for _ in 0..<2 { outgoing.queue(message(10), on: id) }
        }
        #expect(pump(1, &outgoing) == 1)
        #expect(pump(3, &outgoing) == 0)
        #expect(try credited(100, on: 0, &outgoing) == [3])
        #expect(try credited(100, on: 1, &outgoing) == [1])
    }

    @Test func whatWaitsOnAClosedStreamIsDropped() throws {
        var outgoing = outgoing(stream: 1000, connection: 1, open: [1, 3])
        for id in [UInt32(1), 3] {
            for _ in 0..<2 { outgoing.queue(message(10), on: id) }
        }
        #expect(pump(1, &outgoing) == 1)
        #expect(pump(3, &outgoing) == 0)
        let size = message(10).bytes.count
        #expect(outgoing.waitingBytes == 3 * size)
        outgoing.close(1)
        #expect(!outgoing.hasWaiting(1) && outgoing.waitingBytes == 2 * size)
        #expect(try credited(1000, on: 0, &outgoing) == [3, 3])
        #expect(outgoing.waitingBytes == 0)
    }

    /// Else a client that gives no credit would have a server remember every call it ever made.
    @Test func closedStreamsDoNotStayInLine() throws {
        var outgoing = outgoing(stream: 1000, connection: 1, open: [1])
        outgoing.queue(message(2), on: 1)
        #expect(pump(1, &outgoing) == 1)
        for id in stride(from: UInt32(3), to: 20_001, by: 2) {
            outgoing.open(id)
            outgoing.queue(message(1), on: id)
            #expect(pump(id, &outgoing) == 0)
            if id > 9 { outgoing.close(id) }
        }
        #expect(outgoing.blockedCount <= 65)
        #expect(try credited(1000, on: 0, &outgoing) == [3, 5, 7, 9])
    }

    @Test func creditHasABound() throws {
        var outgoing = outgoing(stream: 10, connection: 10, open: [1])
        for stream in [UInt32(0), 1] {
            #expect(throws: ProtocolViolation.self) { _ = try credited(UInt32(Int32.max), on: stream, &outgoing) }
        }
        // A stream that is over: its credit has crossed.
        #expect(try credited(.max, on: 9, &outgoing) == [])
    }

    // MARK: In

    private func credits(_ output: inout ByteBuffer) throws -> [UInt32: Int] {
        var decoder = FrameDecoder(maxPayloadBytes: 100)
        decoder.append(output)
        output = ByteBuffer()
        var credits: [UInt32: Int] = [:]
        while let frame = try decoder.next() { credits[frame.stream, default: 0] += frame.credit ?? 0 }
        return credits
    }

    @Test func whatIsUsedUpIsGivenBackTwice() throws {
        var (incoming, output) = (
            IncomingMessages(Limits(streamCreditBytes: 100, connectionCreditBytes: 300)), ByteBuffer()
        )
        incoming.open(1)
        let isWanted = try incoming.received(100, on: 1, into: &output)
        #expect(isWanted)
        incoming.consumed(40, on: 1, into: &output)
        #expect(try credits(&output) == [:])
        incoming.consumed(60, on: 1, into: &output)
        #expect(try credits(&output) == [1: 100])
        _ = try incoming.received(60, on: 1, into: &output)
        incoming.consumed(60, on: 1, into: &output)
        // Half of the connection's window is owed now, too.
        #expect(try credits(&output) == [1: 60, 0: 160])
    }

    /// A slow reader holds most of the connection's credit; what others use up comes back before they have none left,
    /// whoever came first.
    @Test(arguments: [true, false])
    func aSlowReaderStopsItsWriterAndNobodyElse(slowComesFirst: Bool) throws {
        var (incoming, output) = (
            IncomingMessages(Limits(streamCreditBytes: 100, connectionCreditBytes: 100)), ByteBuffer()
        )
        for id in [UInt32(1), 3] { incoming.open(id) }
        if slowComesFirst { _ = try incoming.received(60, on: 1, into: &output) }
        for _ in 0..<100 {
            _ = try incoming.received(40, on: 3, into: &output)
            incoming.consumed(40, on: 3, into: &output)
            if incoming.credit(of: 1) == 100 { _ = try incoming.received(60, on: 1, into: &output) }
            #expect(incoming.credit > 0, "nobody may send, and nobody will use up")
        }
        // And not with a frame a message, where nobody holds much.
        incoming.consumed(60, on: 1, into: &output)
        output = ByteBuffer()
        for _ in 0..<100 {
            _ = try incoming.received(1, on: 3, into: &output)
            incoming.consumed(1, on: 3, into: &output)
        }
        var decoder = FrameDecoder(maxPayloadBytes: 100)
        decoder.append(output)
        var frames = 0
        while try decoder.next() != nil { frames += 1 }
        #expect(frames <= 6)
    }

    /// A stream that ended with unread messages: the connection gets what they cost, the stream nothing.
    @Test func theCreditOfEndedStreamsComesBack() throws {
        var (incoming, output) = (
            IncomingMessages(Limits(streamCreditBytes: 100, connectionCreditBytes: 100)), ByteBuffer()
        )
        for id in stride(from: UInt32(1), to: 41, by: 2) {
            incoming.open(id)
            let isWanted = try incoming.received(30, on: id, into: &output)
            incoming.close(id)
            // What was on its way then is nobody's; what was queued is discarded by its owner.
            let isLateWanted = try incoming.received(30, on: id, into: &output)
            incoming.consumed(30, on: id, into: &output)
            #expect(isWanted && !isLateWanted)
            #expect(try credits(&output)[id] == nil)
        }
    }

    @Test func nothingIsTakenBeyondEitherCredit() throws {
        for (stream, connection) in [(10, 1000), (1000, 10)] {
            var (incoming, output) = (
                IncomingMessages(Limits(streamCreditBytes: stream, connectionCreditBytes: connection)), ByteBuffer()
            )
            incoming.open(1)
            // One message may go below zero.
            _ = try incoming.received(500, on: 1, into: &output)
            #expect(throws: ProtocolViolation.self) { _ = try incoming.received(1, on: 1, into: &output) }
        }
    }
}

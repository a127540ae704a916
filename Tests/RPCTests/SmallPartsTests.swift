import NIOCore
import Testing

@testable import RPC

/// The small deciders, each against what it promises.
@Suite struct SmallPartsTests {
    @Test(arguments: [UInt64(1), 2, .random(in: .min ... .max)])
    func deadlinesComeInOrderAndStaleOnesGo(seed: UInt64) {
        print("seed \(seed)")
        var random = SeededGenerator(seed: seed)
        var queue = DeadlineQueue()
        var model: [UInt32: UInt64] = [:]
        for stream in 0..<UInt32(2000) {
            let due = UInt64.random(in: 0..<1000, using: &random)
            queue.insert(stream, deadline: .uptimeNanoseconds(due))
            model[stream] = due
            if Bool.random(using: &random), let gone = model.keys.sorted().randomElement(using: &random) {
                model[gone] = nil
            }
            queue.sweep(liveCount: model.count) { model[$0] != nil }
            #expect(queue.count <= max(65, 2 * model.count + 1))
        }
        var last: UInt64 = 0
        while let stream = queue.popDue(now: .uptimeNanoseconds(999)) {
            guard let due = model.removeValue(forKey: stream) else { continue }
            #expect(due >= last, "seed \(seed)")
            last = due
        }
        #expect(model.isEmpty, "seed \(seed)")
    }

    /// What is kept for its memory is small, and nobody else's.
    @Test func memoryIsKeptOnlyWhereItIsLittleAndOnesOwn() {
        var (many, few) = (Array(0..<1000), Array(0..<10))
        Mailbox.empty(&many)
        Mailbox.empty(&few)
        #expect(many.isEmpty && many.capacity == 0)
        #expect(few.isEmpty && few.capacity >= 10)
        var own = ByteBuffer(repeating: 1, count: 30_000)
        own.empty()
        #expect(own.readableBytes == 0 && own.capacity >= 30_000)
        own.writeRepeatingByte(1, count: 30_000)
        let handedOn = own
        own.empty()
        // A new one of the same size would stay with each small answer that waits.
        #expect(own.capacity == 0 && handedOn.readableBytes == 30_000)
    }

    /// Also one that claims to hold nothing.
    @Test(arguments: [UInt32(0), 1, 2])
    func aBlockThatIsNoneIsMalformed(declared: UInt32) {
        let coding = MessageCoding(compressFrom: nil, acceptsCompressed: true, maxMessageBytes: 100)
        let block = ByteBuffer(bytes: RawFrames.bomb(declared: declared) + [0xFF])
        #expect(throws: ProtocolViolation.malformed("a compressed message is not what it claims")) {
            try coding.read(block, flags: .compressed)
        }
    }

    @Test func waitsGrowToTheirCap() {
        var backoff = Backoff.local
        backoff.jitter = 0
        let waits = (1...12).map { backoff.wait(failures: $0, unit: 0).nanoseconds / 1_000_000 }
        #expect(waits.prefix(4) == [50, 80, 128, 204])
        #expect(waits.last == 2000)
        let spread = Backoff(jitter: 0.5)
        #expect(spread.wait(failures: 1, unit: 0) == .milliseconds(500))
        #expect(spread.wait(failures: 1, unit: 0.999) < .milliseconds(1500))
        // gRPC's: a second, half as much again and a little each time, two minutes at most.
        let seconds = [1, 2, 3, 20].map { Backoff(jitter: 0).wait(failures: $0, unit: 0) }
        #expect(seconds == [.seconds(1), .milliseconds(1600), .milliseconds(2560), .seconds(120)])
    }

    @Test func callsDuringTheWaitAreRefusedWithTheLastError() {
        var reconnection = Reconnection(backoff: Backoff(initial: .milliseconds(50), jitter: 0))
        let start = NIODeadline.uptimeNanoseconds(1)
        let error = RPCError(.unavailable, "connection refused by n1:1", ran: .no)
        #expect(reconnection.decide(now: start) == .connect)
        reconnection.failed(error, now: start, unit: 0)
        #expect(reconnection.decide(now: start + .milliseconds(49)) == .refuse(error, until: start + .milliseconds(50)))
        #expect(reconnection.decide(now: start + .milliseconds(50)) == .connect)
        reconnection.failed(error, now: start, unit: 0)
        #expect(reconnection.decide(now: start + .milliseconds(79)) == .refuse(error, until: start + .milliseconds(80)))
        reconnection.succeeded()
        #expect(reconnection.decide(now: start) == .connect)
    }

    @Test func theMedianIsOfTheLast128() {
        var recent = RecentLatencies()
        recent.add(10)
        #expect(recent.refreshedMedian() == 10)
        for _ in 0..<200 { recent.add(50) }
        #expect(recent.refreshedMedian() == 50)
        for latency in 0..<UInt32(128) { recent.add(latency) }
        #expect(recent.refreshedMedian() == 64)
    }

    @Test func aServerHasSoManyWatches() {
        let meter = LoadMeter(capacity: 1)
        let admitted = (0..<2000).count { _ in meter.admitWatch() }
        #expect(admitted == 1024 && meter.report.inFlight == 0)
        meter.leaveWatch()
        let (one, another) = (meter.admitWatch(), meter.admitWatch())
        #expect(one && !another)
    }

    /// What is cut must still be text.
    @Test func textIsCutBetweenCharacters() throws {
        let text = "aü€🐦b"
        for count in 0...12 {
            let bytes = text.utf8(atMost: count)
            #expect(bytes.count <= count && String(validating: bytes, as: UTF8.self).map(text.hasPrefix) == true)
            #expect(bytes.count > count - 4 || bytes.count == text.utf8.count)
        }
        let error = RPCError(.aborted, "x" + String(repeating: "🐦", count: 2000))
        let told = try RPCError(.aborted, unpacking: ByteBuffer(bytes: error.packed()), load: LoadReport())
        #expect(told.message.utf8.count > 4090 && error.message.hasPrefix(told.message))
    }

    @Test func creditGoesBackByHalves() {
        var window = ReceiveWindow(size: 100)
        let (first, second) = (window.received(150), window.received(1))
        #expect(first && !second)
        let (tooLittle, half) = (window.consumed(49), window.consumed(101))
        #expect(tooLittle == nil)
        #expect(half == 150)
        let third = window.received(1)
        #expect(third)
    }

    @Test func proofsAreNotInterchangeable() {
        let nonces = ([UInt8](0..<16), [UInt8](16..<32))
        let mac = ClusterProof.make(
            .server, secret: [1], clientNonce: nonces.0, serverNonce: nonces.1, nodeId: "n1")
        func isValid(_ side: ClusterProof.Side, _ secret: [UInt8], _ client: [UInt8], _ nodeId: String) -> Bool {
            ClusterProof.isValid(
                mac, side, secret: secret, clientNonce: client, serverNonce: nonces.1, nodeId: nodeId)
        }
        #expect(isValid(.server, [1], nonces.0, "n1"))
        #expect(!isValid(.peer, [1], nonces.0, "n1"))
        #expect(!isValid(.server, [2], nonces.0, "n1"))
        #expect(!isValid(.server, [1], nonces.1, "n1"))
        #expect(!isValid(.server, [1], nonces.0, "n2"))
        // Everybody knows the empty secret.
        let empty = ClusterProof.make(.server, secret: [], clientNonce: [], serverNonce: [], nodeId: "n1")
        #expect(!ClusterProof.isValid(empty, .server, secret: [], clientNonce: [], serverNonce: [], nodeId: "n1"))
    }
}

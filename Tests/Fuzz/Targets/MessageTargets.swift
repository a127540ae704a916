import CMessages

@testable import Messages

extension FuzzTarget {
    /// Every message of one proto file; the first byte says which.
    static func messages(of proto: String, _ messages: [any CBacked.Type]) -> FuzzTarget {
        FuzzTarget(
            name: "messages-\(proto)",
            check: { try MessageCheck.check(&$0, messages) },
            seeds: { MessageCheck.seeds(messages) })
    }
}

/// One message, decoded and encoded as the product does it, and unpacked under a budget.
enum MessageCheck {
    /// Which of `count` messages an input is about.
    static func choice(_ byte: UInt8, of count: Int) -> Int { Int(byte) % count }

    static func check(_ input: inout FuzzInput, _ messages: [any CBacked.Type]) throws {
        let message = messages[choice(input.byte(), of: messages.count)]
        let budget = Int(input.byte()) * 61
        let bytes = input.rest()
        try bytes.withUnsafeBytes { bytes in
            try roundTrip(message, bytes)
            try keepsToBudget(message, bytes, budget)
            if message == Echo.self { try view(bytes) }
        }
    }

    private static func roundTrip<M: CBacked>(_ type: M.Type, _ bytes: UnsafeRawBufferPointer) throws {
        guard let value = try? M.decode(bytes) else { return }
        let packed = value.encode()
        do throws(DecodingFailure) {
            let again = try M.decode(packed)
            if again != value || again.encode() != packed {
                throw DecodingFailure.malformed(message: "what was encoded again")
            }
        } catch {
            // What is dropped, like unknown fields, counts for the budget, which goes by the size.
            if case .tooLarge = error, packed.count < bytes.count { return }
            throw Broken("\(type) that is encoded again is not the same: \(error)")
        }
    }

    private static func keepsToBudget<M: CBacked>(
        _ type: M.Type, _ bytes: UnsafeRawBufferPointer, _ budget: Int
    ) throws {
        try MeasuredArena.check(bytes, budget: budget) { allocator, bytes in
            M.unpack(allocator, bytes.count, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)) != nil
        }
    }

    /// What a handler that answers in place is shown.
    private static func view(_ bytes: UnsafeRawBufferPointer) throws {
        let scratch = Scratch()
        guard let seen = try? EchoView.read(bytes, in: scratch, { Array($0.payload) }) else { return }
        let echo = try Echo.decode(bytes)
        try hold(seen == echo.payload, "an Echo is seen as it is decoded")
    }

    /// Four valid values of each message, and one of zeroes.
    static func seeds(_ messages: [any CBacked.Type]) -> [[UInt8]] {
        messages.enumerated().flatMap { index, message in
            (UInt8(0)..<5).map { seed in
                var chance = SmallChance(seed: seed)
                let bytes = seed == 0 ? [] : valid(message, &chance)
                return [UInt8(index), 255] + bytes
            }
        }
    }

    private static func valid<M: CBacked>(_ type: M.Type, _ chance: inout SmallChance) -> [UInt8] {
        let arena = MeasuredArena(budget: 1 << 16)
        let nothing: [UInt8] = [0]
        guard let raw = nothing.withUnsafeBufferPointer({ M.unpack(arena.allocator, 0, $0.baseAddress) }) else {
            return []
        }
        // Every generated struct begins with its ProtobufCMessage.
        let base = UnsafeRawPointer(raw).assumingMemoryBound(to: ProtobufCMessage.self)
        return ValidMessage.bytes(base.pointee.descriptor.pointee, &chance)
    }
}

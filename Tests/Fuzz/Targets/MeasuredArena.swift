import CMessages

/// The arena that messages are unpacked into, looked into: what is handed out is counted against its budget.
struct MeasuredArena: ~Copyable {
    typealias Unpack = (UnsafeMutablePointer<ProtobufCAllocator>, UnsafeRawBufferPointer) throws -> Bool

    /// What it keeps for the next message at most.
    private static let mostKept = 1 << 16

    private let arena: UnsafeMutablePointer<rookery_arena>

    init(budget: Int) {
        arena = .allocate(capacity: 1)
        rookery_arena_init(arena, budget)
    }

    deinit {
        rookery_arena_destroy(arena)
        arena.deallocate()
    }

    var allocator: UnsafeMutablePointer<ProtobufCAllocator> {
        UnsafeMutableRawPointer(arena).assumingMemoryBound(to: ProtobufCAllocator.self)
    }

    /// Unpacks under a budget, and once more in the same arena, as `Scratch` does.
    ///
    /// - Parameter unpack: whether the bytes are a message that fits.
    static func check(_ bytes: UnsafeRawBufferPointer, budget: Int, _ unpack: Unpack) throws {
        let measured = MeasuredArena(budget: budget)
        let first = try unpack(measured.allocator, bytes)
        try measured.keepsTo(budget, isUnpacked: first)
        rookery_arena_reset(measured.arena, budget)
        try hold(measured.kept <= mostKept, "an arena keeps \(measured.kept) bytes for the next message")
        let second = try unpack(measured.allocator, bytes)
        try measured.keepsTo(budget, isUnpacked: second)
        try hold(first == second, "the same bytes are unpacked in an arena that is used again")
    }

    private var kept: Int { arena.pointee.block?.pointee.capacity ?? 0 }

    private func keepsTo(_ budget: Int, isUnpacked: Bool) throws {
        var (used, block) = (0, arena.pointee.block)
        while let each = block {
            try hold(each.pointee.used <= each.pointee.capacity, "a block holds no more than it has room for")
            (used, block) = (used + each.pointee.used, each.pointee.previous)
        }
        try hold(used <= budget, "\(used) bytes are used of a budget of \(budget)")
        try hold(used + arena.pointee.budget == budget, "what is used is taken from the budget")
        try hold(!isUnpacked || !arena.pointee.exhausted, "nothing is unpacked that did not fit")
    }
}

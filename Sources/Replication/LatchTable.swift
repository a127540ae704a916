import DequeModule

/// What a command reads or writes, held from its evaluation until it is applied (rule B2).
public struct Latch: Hashable, Sendable {
    /// What kind of thing `a` and `b` name; the services choose, each kind its own number.
    public var space: UInt8
    public var a: UInt64
    public var b: UInt64
    /// Several may read at once; one writes alone.
    public var isExclusive: Bool

    public init(space: UInt8, a: UInt64, b: UInt64, isExclusive: Bool) {
        self.space = space
        self.a = a
        self.b = b
        self.isExclusive = isExclusive
    }

    public static func write(_ space: UInt8, _ a: UInt64, _ b: UInt64 = 0) -> Latch {
        Latch(space: space, a: a, b: b, isExclusive: true)
    }

    public static func read(_ space: UInt8, _ a: UInt64, _ b: UInt64 = 0) -> Latch {
        Latch(space: space, a: a, b: b, isExclusive: false)
    }
}

/// Who holds and who waits for which key. A ticket asks for all its keys at once and waits in line at each of them, so
/// that nobody deadlocks and nobody starves. Pure.
public struct LatchTable: Sendable {
    public typealias Ticket = UInt64

    private struct Key: Hashable, Sendable {
        var space: UInt8
        var a: UInt64
        var b: UInt64
    }

    private struct Place: Sendable {
        var ticket: Ticket
        var isExclusive: Bool
    }

    private var lines: [Key: Deque<Place>] = [:]
    private var keys: [Ticket: [Key]] = [:]
    private var waiting: Set<Ticket> = []

    public init() {}

    /// Tickets that hold or wait.
    public var count: Int { keys.count }

    /// - Returns: whether the ticket holds all its keys now; else it is among those a later `release` returns.
    public mutating func acquire(_ latches: [Latch], ticket: Ticket) -> Bool {
        precondition(keys[ticket] == nil, "a ticket asks once")
        var modes: [Key: Bool] = [:]
        for latch in latches {
            modes[Key(space: latch.space, a: latch.a, b: latch.b), default: false] =
                modes[Key(space: latch.space, a: latch.a, b: latch.b)] == true || latch.isExclusive
        }
        for (key, isExclusive) in modes {
            lines[key, default: []].append(Place(ticket: ticket, isExclusive: isExclusive))
        }
        keys[ticket] = Array(modes.keys)
        if holdsAll(ticket) { return true }
        waiting.insert(ticket)
        return false
    }

    /// Gives back what the ticket holds or waits for.
    /// - Returns: the tickets that hold all their keys because of it, in the order they asked.
    public mutating func release(_ ticket: Ticket) -> [Ticket] {
        waiting.remove(ticket)
        var candidates: Set<Ticket> = []
        for key in keys.removeValue(forKey: ticket) ?? [] {
            lines[key]?.removeAll { $0.ticket == ticket }
            guard let line = lines[key], !line.isEmpty else {
                lines[key] = nil
                continue
            }
            candidates.formUnion(Self.front(of: line).filter(waiting.contains))
        }
        let granted = candidates.filter(holdsAll).sorted()
        waiting.subtract(granted)
        return granted
    }

    private func holdsAll(_ ticket: Ticket) -> Bool {
        keys[ticket, default: []].allSatisfy { key in
            lines[key].map { Self.front(of: $0).contains(ticket) } ?? false
        }
    }

    /// The writer at the head of the line, or the readers before the first writer.
    private static func front(of line: Deque<Place>) -> [Ticket] {
        guard let first = line.first, !first.isExclusive else { return line.first.map { [$0.ticket] } ?? [] }
        return line.prefix { !$0.isExclusive }.map(\.ticket)
    }
}

/// Evaluates a command: reads what `base` holds and what it wrote itself, and collects the effects in call order.
/// Nothing reaches a store until the effects are written. For one thread; short-lived.
public final class Transaction: Reader {
    /// What a key holds within the transaction, where that differs from `base`.
    enum Change: Sendable {
        case value([UInt8])
        case deleted
        /// Added to whatever `base` holds, which nobody has needed to read yet.
        case delta(Int64)
    }

    public let base: any Reader
    public private(set) var effects = Effects()
    private var changes = [OrderedMap<Change>](repeating: OrderedMap(), count: Family.allCases.count)

    public init(over base: any Reader) { self.base = base }

    public var isEmpty: Bool { effects.isEmpty }

    public func get(_ family: Family, _ key: [UInt8]) throws -> [UInt8]? {
        guard let change = changes[family.slot][key] else { return try base.get(family, key) }
        return try Self.apply(change) { try base.get(family, key) }
    }

    public func multiGet(_ family: Family, _ keys: [[UInt8]]) throws -> [[UInt8]?] {
        let below = try base.multiGet(family, keys)
        return try zip(keys, below).map { key, value in
            guard let change = changes[family.slot][key] else { return value }
            return try Self.apply(change) { value }
        }
    }

    public func put(_ family: Family, _ key: [UInt8], _ value: [UInt8]) {
        effects.put(family, key, value)
        changes[family.slot][key] = .value(value)
    }

    public func delete(_ family: Family, _ key: [UInt8]) {
        effects.delete(family, key)
        changes[family.slot][key] = .deleted
    }

    /// Adds to a counter without reading it. Throws `.corrupt`, and does nothing, when this transaction has put
    /// something else than a counter there.
    public func merge(_ family: Family, _ key: [UInt8], delta: Int64) throws {
        let after: Change =
            switch changes[family.slot][key] {
            case nil: .delta(delta)
            case .delta(let earlier): .delta(earlier &+ delta)
            case .deleted: .value(CounterValue.encode(delta))
            case .value(let value): .value(CounterValue.encode(try CounterValue.decode(value) &+ delta))
            }
        effects.merge(family, key, delta: delta)
        changes[family.slot][key] = after
    }

    /// One effect; but so that later reads see it, every key of the range is read now.
    public func deleteRange(_ family: Family, from: [UInt8], to: [UInt8]) throws {
        let doomed = try rows(family, from: from, to: to)
        effects.deleteRange(family, from: from, to: to)
        for row in doomed { changes[family.slot][row.key] = .deleted }
    }

    /// What `base` has in the range, with the own writes laid over it.
    public func scan(
        _ family: Family, from: [UInt8], to: [UInt8], reverse: Bool,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws -> Bool
    ) throws {
        if changes[family.slot].isEmpty {
            return try base.scan(family, from: from, to: to, reverse: reverse, body)
        }
        var overlay = Overlay(changes[family.slot], from: from, to: to, reverse: reverse)
        var goOn = true
        try base.scan(family, from: from, to: to, reverse: reverse) { key, value in
            goOn = try overlay.emit(before: key, body)
            if goOn { goOn = try overlay.emit(at: key, value, body) }
            return goOn
        }
        if goOn { _ = try overlay.emit(before: nil, body) }
    }

    fileprivate static func apply(_ change: Change, to before: () throws -> [UInt8]?) throws -> [UInt8]? {
        switch change {
        case .value(let value): return value
        case .deleted: return nil
        case .delta(let delta):
            let sum = try before().map { try CounterValue.decode($0) } ?? 0
            return CounterValue.encode(sum &+ delta)
        }
    }
}

/// The changes of a range in scan order, taken off one by one as the scan of the base passes them.
private struct Overlay {
    typealias Body = (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws -> Bool

    private var changes: [(key: [UInt8], change: Transaction.Change)] = []
    private var next = 0
    private let reverse: Bool

    init(_ map: OrderedMap<Transaction.Change>, from: [UInt8], to: [UInt8], reverse: Bool) {
        self.reverse = reverse
        map.forEach(from: from, to: to, reverse: reverse) { key, change in
            changes.append((key, change))
            return true
        }
    }

    /// The rows that the base does not have, up to its next `key`; all that are left when that is nil.
    mutating func emit(before key: UnsafeRawBufferPointer?, _ body: Body) throws -> Bool {
        while next < changes.count {
            let (ownKey, change) = changes[next]
            if let key, !ownKey.withUnsafeBytes({ comesBefore($0, key) }) { return true }
            next += 1
            guard try Self.emit(ownKey, Transaction.apply(change) { nil }, body) else { return false }
        }
        return true
    }

    /// The base's row, or what became of it.
    mutating func emit(at key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, _ body: Body) throws -> Bool {
        guard next < changes.count else { return try body(key, value) }
        let (ownKey, change) = changes[next]
        guard ownKey.withUnsafeBytes({ KeyOrder.compare($0, key) == 0 }) else { return try body(key, value) }
        next += 1
        return try Self.emit(ownKey, Transaction.apply(change) { Array(value) }, body)
    }

    private func comesBefore(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
        let order = KeyOrder.compare(a, b)
        return reverse ? order > 0 : order < 0
    }

    private static func emit(_ key: [UInt8], _ value: [UInt8]?, _ body: Body) throws -> Bool {
        guard let value else { return true }
        return try key.withUnsafeBytes { key in try value.withUnsafeBytes { value in try body(key, value) } }
    }
}

@testable import Nodes

/// The simplest correct counts: every event of every key by its minute, all added up for each question.
struct CountModel {
    private var events: [Int: [(minute: UInt64, delta: Int64)]] = [:]
    /// As they would be stored: what a table is refilled from.
    private(set) var stored: [Int: WindowedCount] = [:]
    /// Likes that may be withdrawn.
    private var likes: [Int: [UInt64]] = [:]

    mutating func add(_ delta: Int64, to key: Int, atMs: UInt64, nowMs: UInt64) -> WindowedCount {
        events[key, default: []].append((atMs / 60_000, delta))
        stored[key, default: WindowedCount()].add(delta, atMs: atMs)
        stored[key]?.prune(nowMs: nowMs)
        return stored[key] ?? WindowedCount()
    }

    mutating func like(_ key: Int, atMs: UInt64, nowMs: UInt64) -> WindowedCount {
        likes[key, default: []].append(atMs)
        return add(1, to: key, atMs: atMs, nowMs: nowMs)
    }

    /// Nil when nobody likes it.
    mutating func unlike(_ key: Int, nowMs: UInt64, _ random: inout SeededGenerator) -> WindowedCount? {
        guard let all = likes[key], !all.isEmpty else { return nil }
        let index = Int.random(in: 0..<all.count, using: &random)
        likes[key]?.remove(at: index)
        return add(-1, to: key, atMs: all[index], nowMs: nowMs)
    }

    mutating func delete(_ key: Int) {
        events[key] = nil
        stored[key] = nil
        likes[key] = nil
    }

    func count(_ key: Int, _ window: TopWindow, nowMs: UInt64) -> Int64 {
        let minute = nowMs / 60_000
        let first: UInt64 =
            switch window {
            case .quarter: minute - 14
            case .hour: minute - 59
            case .day: (minute / 60 - 23) * 60
            case .week: (minute / 60 - 167) * 60
            case .all: 0
            }
        var count: Int64 = 0
        for event in events[key] ?? [] where event.minute >= first { count += event.delta }
        return count
    }

    /// All that count anything, in order.
    func ranking(_ window: TopWindow, nowMs: UInt64) -> [Ranked<Int>] {
        events.keys.map { Ranked(count: count($0, window, nowMs: nowMs), key: $0) }
            .filter { $0.count > 0 }
            .sorted { ($1.count, $0.key) < ($0.count, $1.key) }
    }

    /// Of every key, in the order of the keys.
    var rows: [(Int, WindowedCount)] { stored.sorted { $0.key < $1.key }.map { ($0, $1) } }
}

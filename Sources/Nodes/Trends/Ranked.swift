/// A key with its count, in the order of a top list: `a < b` says that `a` stands before `b`, because it counts more,
/// or as much and has the lower key (rule F4).
struct Ranked<Key: Comparable & Sendable>: Comparable, Sendable {
    var count: Int64
    var key: Key

    static func < (a: Self, b: Self) -> Bool { a.count != b.count ? a.count > b.count : a.key < b.key }
}

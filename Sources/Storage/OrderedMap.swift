/// A sorted map from bytes to values whose copies share structure: a copy costs nothing, a change O(log n).
///
/// It is a treap (Seidel, Aragon: Randomized Search Trees, 1996) whose priorities are hashes of the keys, so that
/// its shape depends on its content alone, and a run that is replayed does the same steps.
struct OrderedMap<Value: Sendable>: Sendable {
    private final class Node: Sendable {
        let key: [UInt8]
        let value: Value
        let priority: UInt64
        let left: Node?
        let right: Node?

        init(_ key: [UInt8], _ value: Value, _ priority: UInt64, _ left: Node?, _ right: Node?) {
            (self.key, self.value, self.priority, self.left, self.right) = (key, value, priority, left, right)
        }

        func with(left: Node?, right: Node?) -> Node { Node(key, value, priority, left, right) }
    }

    private var root: Node?

    init() {}

    var isEmpty: Bool { root == nil }

    subscript(key: [UInt8]) -> Value? {
        get {
            var node = root
            while let here = node {
                let order = KeyOrder.compare(key, here.key)
                if order == 0 { return here.value }
                node = order < 0 ? here.left : here.right
            }
            return nil
        }
        set {
            if let newValue {
                root = Self.insert(key, newValue, Self.priority(key), into: root)
            } else {
                root = Self.remove(key, from: root)
            }
        }
    }

    mutating func removeRange(from: [UInt8], to: [UInt8]) {
        let (below, rest) = Self.split(root, at: from)
        root = Self.join(below, Self.split(rest, at: to).right)
    }

    /// Bounds and directions as in `Reader.scan`.
    func forEach(
        from: [UInt8], to: [UInt8], reverse: Bool, _ body: (_ key: [UInt8], _ value: Value) throws -> Bool
    ) rethrows {
        let afterFrom = from.isEmpty ? root : Self.split(root, at: from).right
        let inside = to.isEmpty ? afterFrom : Self.split(afterFrom, at: to).left
        _ = try Self.visit(inside, reverse, body)
    }

    private static func visit(
        _ node: Node?, _ reverse: Bool, _ body: (_ key: [UInt8], _ value: Value) throws -> Bool
    ) rethrows -> Bool {
        guard let node else { return true }
        guard try visit(reverse ? node.right : node.left, reverse, body) else { return false }
        guard try body(node.key, node.value) else { return false }
        return try visit(reverse ? node.left : node.right, reverse, body)
    }

    private static func insert(_ key: [UInt8], _ value: Value, _ priority: UInt64, into node: Node?) -> Node {
        guard let node else { return Node(key, value, priority, nil, nil) }
        let order = KeyOrder.compare(key, node.key)
        if order == 0 { return Node(key, value, priority, node.left, node.right) }
        // A key that is already below has a priority no higher than this node's, so the split cannot lose it.
        if priority > node.priority {
            let (left, right) = split(node, at: key)
            return Node(key, value, priority, left, right)
        }
        if order < 0 { return node.with(left: insert(key, value, priority, into: node.left), right: node.right) }
        return node.with(left: node.left, right: insert(key, value, priority, into: node.right))
    }

    private static func remove(_ key: [UInt8], from node: Node?) -> Node? {
        guard let node else { return nil }
        let order = KeyOrder.compare(key, node.key)
        if order == 0 { return join(node.left, node.right) }
        if order < 0 { return node.with(left: remove(key, from: node.left), right: node.right) }
        return node.with(left: node.left, right: remove(key, from: node.right))
    }

    /// The keys below `key`, and those at or above it.
    private static func split(_ node: Node?, at key: [UInt8]) -> (left: Node?, right: Node?) {
        guard let node else { return (nil, nil) }
        if KeyOrder.precedes(node.key, key) {
            let (left, right) = split(node.right, at: key)
            return (node.with(left: node.left, right: left), right)
        }
        let (left, right) = split(node.left, at: key)
        return (left, node.with(left: right, right: node.right))
    }

    /// Every key of `left` is below every key of `right`.
    private static func join(_ left: Node?, _ right: Node?) -> Node? {
        guard let left else { return right }
        guard let right else { return left }
        if left.priority > right.priority { return left.with(left: left.left, right: join(left.right, right)) }
        return right.with(left: join(left, right.left), right: right.right)
    }

    /// FNV-1a, and MurmurHash3's last step to spread it into the high bits.
    private static func priority(_ key: [UInt8]) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in key { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        hash = (hash ^ (hash >> 33)) &* 0xff51_afd7_ed55_8ccd
        hash = (hash ^ (hash >> 33)) &* 0xc4ce_b9fe_1a85_ec53
        return hash ^ (hash >> 33)
    }
}

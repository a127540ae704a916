import NIOCore

/// The deadlines of a connection's streams, earliest first. A stream that ends leaves its entry behind; entries are
/// swept when most are stale, so that the cost stays constant a stream and the size bounded by the live ones.
struct DeadlineQueue {
    private struct Entry {
        var deadline: NIODeadline
        var stream: UInt32
    }

    private var heap: [Entry] = []

    /// May belong to a stream that has ended; then a timer fires for nothing.
    var earliest: NIODeadline? { heap.first?.deadline }

    var count: Int { heap.count }

    mutating func insert(_ stream: UInt32, deadline: NIODeadline) {
        heap.append(Entry(deadline: deadline, stream: stream))
        siftUp(heap.count - 1)
    }

    /// Takes out one stream whose deadline is not after `now`.
    mutating func popDue(now: NIODeadline) -> UInt32? {
        guard let first = heap.first, first.deadline <= now else { return nil }
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        siftDown(0)
        return first.stream
    }

    /// Drops the entries of ended streams when they are the majority.
    mutating func sweep(liveCount: Int, isLive: (UInt32) -> Bool) {
        guard heap.count > 64, heap.count > 2 * liveCount else { return }
        heap.removeAll { !isLive($0.stream) }
        for index in stride(from: heap.count / 2 - 1, through: 0, by: -1) { siftDown(index) }
    }

    private mutating func siftUp(_ start: Int) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard heap[index].deadline < heap[parent].deadline else { return }
            heap.swapAt(index, parent)
            index = parent
        }
    }

    private mutating func siftDown(_ start: Int) {
        var index = start
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2]
            where child < heap.count && heap[child].deadline < heap[least].deadline {
                least = child
            }
            guard least != index else { return }
            heap.swapAt(index, least)
            index = least
        }
    }
}

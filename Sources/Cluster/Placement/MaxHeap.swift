/// A binary heap whose first element is the largest.
struct MaxHeap {
    private(set) var elements: [UInt64] = []

    var count: Int { elements.count }

    mutating func insert(_ element: UInt64) {
        elements.append(element)
        var child = elements.count - 1
        while child > 0, elements[(child - 1) / 2] < elements[child] {
            elements.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// Takes the largest element out; the heap must not be empty.
    mutating func removeLargest() -> UInt64 {
        elements.swapAt(0, elements.count - 1)
        let largest = elements.removeLast()
        var parent = 0
        while true {
            var larger = 2 * parent + 1
            if larger >= elements.count { return largest }
            if larger + 1 < elements.count, elements[larger + 1] > elements[larger] { larger += 1 }
            if elements[larger] <= elements[parent] { return largest }
            elements.swapAt(larger, parent)
            parent = larger
        }
    }
}

import DequeModule

/// Lets what commands made enter the log in the order in which they drew their ids, although a later one may be
/// evaluated sooner. So ids ascend in a partition's log: whoever has seen an id has seen every smaller one that will
/// ever be there, and "everything above this id" is a safe place to go on from (rule A2, promise P2).
///
/// Pure. Nobody waits in a circle: what is evaluated already holds its latches and waits for nothing.
struct IdTurns<Item> {
    typealias Ticket = UInt64

    private enum Turn {
        case evaluating
        case ready(Item)
        case dropped
    }

    private var turns: Deque<Turn> = []
    private var first: Ticket = 0

    var isEmpty: Bool { turns.isEmpty }

    /// Called when ids are drawn, in their order.
    mutating func draw() -> Ticket {
        turns.append(.evaluating)
        return first + Ticket(turns.count - 1)
    }

    /// - Parameter item: nil when nothing came of the command.
    /// - Returns: what may enter the log now, in order.
    mutating func finish(_ ticket: Ticket, with item: Item?) -> [Item] {
        turns[Int(ticket - first)] = item.map { .ready($0) } ?? .dropped
        var released: [Item] = []
        while let next = turns.first {
            switch next {
            case .evaluating: return released
            case .ready(let item): released.append(item)
            case .dropped: break
            }
            turns.removeFirst()
            first += 1
        }
        return released
    }
}

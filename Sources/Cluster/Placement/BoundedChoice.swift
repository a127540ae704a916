/// A score and a number in one word: sorts by score, then by the number.
struct Ranked: Hashable {
    let word: UInt64

    /// - Parameters:
    ///   - score: not negative; its lower 16 bits do not count.
    ///   - number: below 2¹⁶.
    init(score: Double, number: Int) {
        word = score.bitPattern & ~0xffff | UInt64(number)
    }

    init(word: UInt64) {
        self.word = word
    }

    var number: Int { Int(word & 0xffff) }

    func renumbered(_ number: Int) -> Ranked {
        Ranked(word: word & ~0xffff | UInt64(number))
    }
}

/// Partitions choose nodes by score, and no node takes more than its limit.
///
/// This is deferred acceptance (Gale and Shapley, 1962; with the zone rule a partition's choice is greedy on a matroid,
/// so the outcome is still one stable matching): a partition asks the nodes it likes most; a full node keeps those with
/// the best scores and turns the worst away, which then asks its next. The outcome does not depend on the order of the
/// asking, and a change of the nodes disturbs only those whose choices it touches.
struct BoundedChoice {
    /// What the choosing is about. Nodes and partitions are numbered from 0.
    struct Problem {
        var partitions: Int
        /// Nodes that each partition needs.
        var picks: Int
        /// The zone of each node.
        var zones: [Int]
        /// How many of a partition's picks a zone may hold.
        var zoneLimits: [Int]
        /// The limits while choosing, and those that a repair may go up to.
        var limits: [Int]
        var bounds: [Int]
    }

    enum State {
        case open, chosen, refused
    }

    let problem: Problem
    /// All that a partition may ask, best first.
    private let allCandidates: (Int) -> [UInt64]
    /// The beginning of that list, as far as it has been needed, and what became of each.
    private var lists: [[UInt64]]
    private var states: [[State]]
    private var isComplete: [Bool]
    /// The nodes of each partition.
    var chosen: [[Int]]
    private var accepted: [MaxHeap]

    /// - Parameters:
    ///   - firstCandidates: for each partition the beginning of its list; nodes by score (`Ranked`), best first.
    ///   - allCandidates: the whole list of a partition, called when the beginning does not do.
    init(problem: Problem, firstCandidates: [[UInt64]], allCandidates: @escaping (Int) -> [UInt64]) {
        self.problem = problem
        self.allCandidates = allCandidates
        lists = firstCandidates
        states = firstCandidates.map { [State](repeating: .open, count: $0.count) }
        isComplete = [Bool](repeating: false, count: problem.partitions)
        chosen = [[Int]](repeating: [], count: problem.partitions)
        accepted = [MaxHeap](repeating: MaxHeap(), count: problem.zones.count)
    }

    /// The nodes of each partition: exactly `picks`, within the zone limits and the nodes' bounds.
    static func solve(
        _ problem: Problem, firstCandidates: [[UInt64]], allCandidates: @escaping (Int) -> [UInt64]
    ) -> [[Int]] {
        var choice = BoundedChoice(problem: problem, firstCandidates: firstCandidates, allCandidates: allCandidates)
        choice.choose()
        choice.repair()
        return choice.chosen
    }

    private mutating func choose() {
        var asking = Array((0..<problem.partitions).reversed())
        while let partition = asking.popLast() {
            while chosen[partition].count < problem.picks, let place = nextPlace(of: partition) {
                let turnedAway = ask(partition, place)
                if let turnedAway, turnedAway != partition { asking.append(turnedAway) }
            }
        }
    }

    /// The best node that the partition has not asked and whose zone has room.
    private mutating func nextPlace(of partition: Int) -> Int? {
        if let place = openPlace(of: partition) { return place }
        guard !isComplete[partition] else { return nil }
        complete(partition)
        return openPlace(of: partition)
    }

    private func openPlace(of partition: Int) -> Int? {
        let list = lists[partition]
        let states = states[partition]
        for place in list.indices where states[place] == .open {
            if hasRoom(partition, for: Ranked(word: list[place]).number) { return place }
        }
        return nil
    }

    /// Whether the zone of `node` may hold one more of the partition's picks; `without` is one that it gives up.
    func hasRoom(_ partition: Int, for node: Int, without: Int? = nil) -> Bool {
        let zone = problem.zones[node]
        var held = 0
        for other in chosen[partition] where problem.zones[other] == zone && other != without { held += 1 }
        return held < problem.zoneLimits[zone]
    }

    /// Lets a partition ask a node; returns the partition that the node turned away for it, if any.
    private mutating func ask(_ partition: Int, _ place: Int) -> Int? {
        let candidate = Ranked(word: lists[partition][place])
        let node = candidate.number
        states[partition][place] = .chosen
        chosen[partition].append(node)
        accepted[node].insert(candidate.renumbered(partition).word)
        guard accepted[node].count > problem.limits[node] else { return nil }
        let worst = Ranked(word: accepted[node].removeLargest())
        refuse(worst.number, by: worst.renumbered(node))
        return worst.number
    }

    private mutating func refuse(_ partition: Int, by candidate: Ranked) {
        guard let place = lists[partition].firstIndex(of: candidate.word) else {
            preconditionFailure("a node turned away a partition that never asked it")
        }
        states[partition][place] = .refused
        chosen[partition].removeAll { $0 == candidate.number }
    }

    /// Makes the partition's list whole. What it had of it is its beginning, so the states stay right.
    mutating func complete(_ partition: Int) {
        guard !isComplete[partition] else { return }
        lists[partition] = allCandidates(partition)
        let missing = lists[partition].count - states[partition].count
        states[partition] += [State](repeating: .open, count: missing)
        isComplete[partition] = true
    }

    /// All nodes that the partition may ask, best first.
    mutating func candidates(of partition: Int) -> [Int] {
        complete(partition)
        return lists[partition].map { Ranked(word: $0).number }
    }

    /// The partitions of each node, ascending.
    var holders: [[Int]] {
        accepted.map { heap in heap.elements.map { Ranked(word: $0).number }.sorted() }
    }
}

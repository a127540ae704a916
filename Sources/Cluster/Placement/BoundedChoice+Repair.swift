extension BoundedChoice {
    /// Finds a place for what the choosing left without one, by augmenting paths (Ford and Fulkerson, 1956).
    ///
    /// That a place exists: giving each partition share / partitions of each node breaks neither a zone's limit nor a
    /// bound, and where a flow in fractions exists, one in whole numbers does.
    mutating func repair() {
        let needy = chosen.indices.filter { chosen[$0].count < problem.picks }
        guard !needy.isEmpty else { return }
        var holders = holders
        for partition in needy {
            while chosen[partition].count < problem.picks { augment(partition, &holders) }
        }
    }

    /// How a search reached a node: by giving it this partition, taken from another node or, at the start, from none.
    private struct Step {
        var partition: Int
        var from: Int?
    }

    private mutating func augment(_ partition: Int, _ holders: inout [[Int]]) {
        var steps: [Int: Step] = [:]
        var reached: [Int] = []
        var free = reach(from: Step(partition: partition, from: nil), holders, &steps, &reached)
        var next = 0
        while free == nil {
            precondition(next < reached.count, "no node has room for partition \(partition); the shares are wrong")
            let node = reached[next]
            next += 1
            for held in holders[node] where free == nil {
                free = reach(from: Step(partition: held, from: node), holders, &steps, &reached)
            }
        }
        apply(steps, to: free, &holders)
    }

    /// Notes the nodes that could take the step's partition; returns the first that has room.
    private mutating func reach(
        from step: Step, _ holders: [[Int]], _ steps: inout [Int: Step], _ reached: inout [Int]
    ) -> Int? {
        for node in candidates(of: step.partition) where steps[node] == nil {
            guard !chosen[step.partition].contains(node) else { continue }
            guard hasRoom(step.partition, for: node, without: step.from) else { continue }
            steps[node] = step
            if holders[node].count < problem.bounds[node] { return node }
            reached.append(node)
        }
        return nil
    }

    /// Moves each partition of the path one node on, from its end back to its start.
    private mutating func apply(_ steps: [Int: Step], to end: Int?, _ holders: inout [[Int]]) {
        var current = end
        while let node = current, let step = steps[node] {
            holders[node].append(step.partition)
            if let from = step.from {
                holders[from].removeAll { $0 == step.partition }
                chosen[step.partition].removeAll { $0 == from }
            }
            chosen[step.partition].append(node)
            current = step.from
        }
    }
}

import Testing

@testable import Cluster

/// What a node that joins moves, as a multiple of what it must: the growth of the shares, which is 1/n of all replicas
/// where zones are even.
///
/// The design asks for at most 1.3. The balance comes first, and its bound of 1.05 costs moves: whether a node is at
/// its bound is chance, and a node added shifts that a little everywhere. The fewer replicas a node holds, the more are
/// at it. So the cases say which average and which single result they hold, from small clusters to the largest. The
/// seeds are fixed, for these are averages of draws.
@Suite struct RingMovementTests {
    struct Shape: CustomTestStringConvertible, Sendable {
        var nodes: ClosedRange<Int>
        var zones: Int
        var partitions: Int
        var replicas: Int
        var weights: ClosedRange<Int> = 100...100
        var runs: Int
        var average: Double
        var single: Double

        var testDescription: String {
            "\(nodes) nodes in \(zones) zones, \(partitions) partitions × \(replicas), weights \(weights)"
        }
    }

    private func measure(_ shape: Shape) throws -> [Movement] {
        var generator = SeededGenerator(seed: Seed.fixed(2026, shape.testDescription))
        return try (0..<shape.runs).map { _ in
            let count = Int.random(in: shape.nodes, using: &generator)
            var nodes = randomNodes(
                count, zones: zoneNames(shape.zones), weights: shape.weights, using: &generator)
            let added = nodes.removeLast()
            return try Movement(
                adding: added, to: nodes, partitions: shape.partitions, replicas: shape.replicas)
        }
    }

    private func check(_ shape: Shape, _ movements: [Double]) {
        let average = movements.reduce(0, +) / Double(movements.count)
        let largest = movements.max() ?? 0
        print("\(shape.testDescription): average \(average), largest \(largest)")
        #expect(average <= shape.average)
        #expect(largest <= shape.single)
    }

    /// At most 1.3 on average; a single draw may be above it where few replicas are to move at all.
    @Test(arguments: [
        Shape(nodes: 3...8, zones: 8, partitions: 64, replicas: 1, runs: 100, average: 1.3, single: 2.0),
        Shape(nodes: 4...12, zones: 3, partitions: 256, replicas: 3, runs: 40, average: 1.3, single: 1.3),
        Shape(nodes: 4...12, zones: 5, partitions: 256, replicas: 3, runs: 40, average: 1.3, single: 1.6),
        Shape(nodes: 10...40, zones: 3, partitions: 1024, replicas: 3, runs: 10, average: 1.3, single: 1.3),
        Shape(
            nodes: 10...40, zones: 1, partitions: 1024, replicas: 3, weights: 50...200, runs: 10, average: 1.3,
            single: 1.3),
        Shape(
            nodes: 10...40, zones: 10, partitions: 1024, replicas: 3, weights: 50...200, runs: 10, average: 1.3,
            single: 1.5),
        Shape(nodes: 90...110, zones: 3, partitions: 4096, replicas: 3, runs: 3, average: 1.3, single: 1.3),
    ])
    func aNodeThatJoinsMovesLittleMoreThanItsShare(shape: Shape) throws {
        check(shape, try measure(shape).map(\.replicas))
    }

    /// With many nodes of few replicas, the bound on the load costs up to twice the share and more than the design's
    /// 1.3.
    @Test(arguments: [
        Shape(nodes: 90...110, zones: 10, partitions: 4096, replicas: 3, runs: 3, average: 1.4, single: 1.5),
        Shape(nodes: 230...270, zones: 3, partitions: 4096, replicas: 3, runs: 2, average: 1.8, single: 2.2),
        Shape(nodes: 230...270, zones: 10, partitions: 4096, replicas: 3, runs: 2, average: 2.2, single: 2.5),
        Shape(nodes: 1000...1000, zones: 10, partitions: 16_384, replicas: 3, runs: 1, average: 2.5, single: 2.5),
    ])
    func withFewReplicasANodeTheBalanceCostsMoves(shape: Shape) throws {
        check(shape, try measure(shape).map(\.replicas))
    }

    /// A primary that moves copies nothing, it is handed over; so these bounds are looser. The case with a zone a node
    /// goes through the step from as many zones as replicas to one more, which costs most.
    @Test(arguments: [
        Shape(nodes: 4...12, zones: 3, partitions: 256, replicas: 3, runs: 40, average: 1.6, single: 3),
        Shape(nodes: 4...12, zones: 12, partitions: 256, replicas: 3, runs: 40, average: 1.5, single: 4),
        Shape(nodes: 90...110, zones: 3, partitions: 4096, replicas: 3, runs: 3, average: 2.2, single: 2.5),
    ])
    func primariesMoveLittle(shape: Shape) throws {
        check(shape, try measure(shape).map(\.primaries))
    }
}

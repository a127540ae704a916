import ArgumentParser

/// Which operations the load is made of.
enum Mix: String, CaseIterable, ExpressibleByArgument, Sendable {
    case home, user, read, dsb, post, like, search, top

    /// Of a thousand operations, how many are of which kind.
    var shares: [(operation: LoadOperation, permille: Int)] {
        switch self {
        case .home: [(.home, 1000)]
        case .user: [(.user, 1000)]
        // As many reads a write as the world's Twitter has.
        case .read: [(.home, 999), (.post, 1)]
        // The social network of DeathStarBench (Gan et al., ASPLOS 2019).
        case .dsb: [(.home, 600), (.user, 300), (.post, 100)]
        case .post: [(.post, 1000)]
        case .like: [(.like, 1000)]
        case .search: [(.search, 1000)]
        case .top: [(.top, 1000)]
        }
    }

    var likes: Bool { shares.contains { $0.operation == .like } }
}

/// Chooses operations in a mix's shares.
struct OperationChooser: Sendable {
    /// An entry for each of a thousand operations.
    private let table: [LoadOperation]

    init(_ mix: Mix) {
        table = mix.shares.flatMap { repeatElement($0.operation, count: $0.permille) }
        precondition(table.count == 1000, "the shares of \(mix) do not add up to a thousand")
    }

    func choose(using random: inout SplitMix64) -> LoadOperation { table[random.below(table.count)] }
}

import Messages
import Replication

extension TopService {
    /// Words that one answer holds at most. Whoever merges answers needs more of each than it shows: a word that one
    /// node leaves out may have there as much as that answer's bound.
    static let maxTerms = 2048

    /// The words in most public tweets of these partitions. A tweet lies in its author's region, so a region's words
    /// are those of its partitions.
    /// - Parameter region: nil for the world.
    func terms(
        _ region: String?, _ partitions: [Partition], _ request: TopRequest, _ context: CallContext
    ) async throws -> TopReply {
        async let proof = node.provenViewer(context)
        let counting = partitions.map(\.id).filter { partition in
            region == nil || node.partitioning.region(of: partition)?.name == region
        }
        let limit = min(max(1, Int(request.limit)), Self.maxTerms)
        let merged = try await homes.terms(in: counting, window: TopWindow(request.window), limit: limit)
        _ = try await proof
        return .with {
            $0.items = merged.counters.map { counter in
                .with {
                    $0.text = counter.key
                    $0.count = Int64(clamping: counter.estimate)
                    $0.error = counter.error
                }
            }
            $0.complete = merged.bound == 0
            $0.bound = Int64(clamping: merged.bound)
        }
    }
}

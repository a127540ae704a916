import Cluster
import Messages

/// An answer that names the partitions it is about, each with the epoch in which it was read (rule F5).
protocol Covering: WireMessage {
    var cover: [CoveredPartition] { get }
}

extension SearchReply: Covering {}
extension UserSearchReply: Covering {}
extension TopReply: Covering {}
extension TrendsReply: Covering {}

extension RoutingTable {
    /// Why an answer is not about exactly what was asked, as it is now; nil when it is. Nothing of such an answer is
    /// used: what it says of one partition cannot be told from what it says of another.
    func flaw(in cover: [CoveredPartition], asked: [PartitionId]) -> String? {
        let named = cover.map(\.partition).sorted()
        let wanted = asked.map { UInt32($0.rawValue) }.sorted()
        guard named == wanted else {
            return "it was asked for partitions \(wanted) and answered for \(named)"
        }
        for covered in cover {
            let partition = PartitionId(UInt16(truncatingIfNeeded: covered.partition))
            guard heard(epoch: covered.epoch, of: partition) else {
                return "it answered for partition \(partition) as of epoch \(covered.epoch), which is over"
            }
        }
        return nil
    }
}

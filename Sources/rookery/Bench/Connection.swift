import Client
import Cluster
import Synchronization

/// One client with connections of its own, and how much it has done, for the progress line.
final class Connection: Sendable {
    let client: RookeryClient
    private let answers = Atomic(0)

    init(_ client: RookeryClient) { self.client = client }

    var answered: Int { answers.load(ordering: .relaxed) }

    func count() { answers.add(1, ordering: .relaxed) }
}

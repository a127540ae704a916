import Cluster
import Messages
import RPC
import Replication
import Storage

/// Profiles, and names.
struct ProfileService: Sendable {
    let node: NodeContext

    static let maxDisplayName = 50
    static let maxBio = 160

    func whoAmI(_ request: Empty, _ context: CallContext) async throws -> Profile {
        try await node.catchUp(context)
        let caller = try await node.caller(context)
        return try await read(caller.id, in: caller.partition)
    }

    /// A name's account, at the name's partition.
    func resolve(_ request: ResolveRequest, _ context: CallContext) async throws -> ResolveReply {
        let found = try await PeerService(node: node).resolve(request, context)
        guard found.userId != 0 else { throw Refusal(.notFound, "there is no user @\(request.name)") }
        return found
    }

    func profile(_ request: ProfileRequest, _ context: CallContext) async throws -> Profile {
        try await node.catchUp(context)
        let id = try node.userId(request.userId)
        return try await node.atHome(of: id, "rookery.Accounts/Profile", request, context) { partition, _ in
            try await read(id, in: partition)
        }
    }

    private func read(_ id: Id, in partition: Partition) async throws -> Profile {
        let found = try await partition.read { rows in
            (
                try rows.message(UserRow.self, .users, Rows.user(id)),
                try UserCountReading.byRegion(id, in: rows)
            )
        }
        guard let user = found.0, user.state == .userActive else { throw Refusal.noSuchUser(id.rawValue) }
        return .with {
            $0.id = user.id
            $0.name = user.name
            $0.displayName = user.displayName
            $0.bio = user.bio
            $0.protected = user.protected
            $0.region = user.region
            $0.createdMs = user.createdMs
            $0.counts = UserCountReading.world(found.1)
            $0.regions = found.1
        }
    }

    func update(_ request: UpdateProfileRequest, _ context: CallContext) async throws -> Profile {
        let caller = try await node.caller(context)
        guard request.displayName.count <= Self.maxDisplayName, request.displayName.utf8.count <= 1024 else {
            throw Refusal(.invalidArgument, "a display name has at most \(Self.maxDisplayName) characters")
        }
        guard request.bio.count <= Self.maxBio, request.bio.utf8.count <= 4096 else {
            throw Refusal(.invalidArgument, "a bio has at most \(Self.maxBio) characters")
        }
        let latches = [Latches.user(caller.id, exclusive: true)]
        let command = Command(requestId: try context.requestId(of: caller.id), latches: latches) { evaluation in
            guard var row = try evaluation.rows.message(UserRow.self, .users, Rows.user(caller.id)) else {
                throw Refusal.noSuchUser(caller.id.rawValue)
            }
            let before = row
            if request.setDisplayName { row.displayName = request.displayName }
            if request.setBio { row.bio = request.bio }
            if request.setProtected { row.protected = request.protected }
            evaluation.rows.put(.users, Rows.user(caller.id), row)
            Directory.update(row, before: before, in: evaluation)
            return []
        }
        _ = try await caller.partition.execute(command)
        return try await read(caller.id, in: caller.partition)
    }
}

/// Reads the stored figures of an account.
enum UserCountReading {
    static func byRegion(_ user: Id, in rows: any Reader) throws -> [RegionUserCounts] {
        var regions: [String: UserCounts] = [:]
        for metric in UserMetric.allCases {
            let prefix = Rows.userCounts(user, metric)
            for row in try rows.rows(.counts, from: prefix.bytes, to: prefix.prefixEnd) {
                let region = String(decoding: row.key.dropFirst(prefix.bytes.count), as: UTF8.self)
                let count = UInt64(max(0, try CounterValue.decode(row.value)))
                switch metric {
                case .followers: regions[region, default: UserCounts()].followers = count
                case .following: regions[region, default: UserCounts()].following = count
                case .tweets: regions[region, default: UserCounts()].tweets = count
                }
            }
        }
        return regions.sorted { $0.key < $1.key }.map { region, counts in
            .with {
                $0.region = region
                $0.counts = counts
            }
        }
    }

    static func world(_ regions: [RegionUserCounts]) -> UserCounts {
        regions.compactMap(\.counts).reduce(into: UserCounts()) { world, counts in
            world.followers += counts.followers
            world.following += counts.following
            world.tweets += counts.tweets
        }
    }
}

import Client
import Cluster
import Glibc

extension LocalCluster {
    /// Starts every node that does not run, and returns when all of them serve all their partitions.
    /// - Parameter report: told of each node as it comes up.
    public func up(report: @escaping Report) async throws {
        try await directory.locked {
            try directory.claim(clusterId: config.clusterId)
            try directory.makeSecret(environment)
            var missing: [NodeInfo] = []
            for node in config.nodes {
                switch try state(of: node.id) {
                case .stopped: missing.append(node)
                case .running(let pid): report("\(node.id) \(node.address) is already up (pid \(pid))")
                case .paused(let pid):
                    report("\(node.id) \(node.address) is paused (pid \(pid)): rookery cluster resume \(node.id)")
                }
            }
            try await start(missing, report: report)
            for node in strayNodes() where try state(of: node) != .stopped {
                report(
                    "\(node) is not in the configuration any more and still runs: rookery cluster down stops it, too")
            }
        }
    }

    /// Asks every node to end, and kills what has not ended in time; those that the configuration does not name any
    /// more like the others.
    public func down(report: @escaping Report) async throws {
        try directory.check(clusterId: config.clusterId)
        try await directory.locked {
            var running: [(node: NodeId, pid: Int32)] = []
            for node in everyNode() {
                switch try state(of: node) {
                case .stopped: report("\(node) is not running")
                case .running(let pid): running.append((node, pid))
                case .paused(let pid):
                    // A stopped process takes no other signal: it must go on to be able to end.
                    try signal(node, SIGCONT)
                    running.append((node, pid))
                }
            }
            for (node, _) in running { try signalIfRunning(node, SIGTERM) }
            for (node, pid) in running { try await finish(node, pid: pid, report: report) }
            for node in strayNodes() { try directory.setIdentity(nil, of: node) }
        }
    }

    /// Ends one node and starts it again; returns when it serves.
    public func restart(_ name: String, report: @escaping Report) async throws {
        let node = try info(name)
        try directory.check(clusterId: config.clusterId)
        try await directory.locked {
            switch try state(of: node.id) {
            case .stopped: break
            case .running(let pid), .paused(let pid):
                try signalIfRunning(node.id, SIGCONT)
                try signalIfRunning(node.id, SIGTERM)
                try await finish(node.id, pid: pid, report: report)
            }
            try directory.claim(clusterId: config.clusterId)
            try directory.makeSecret(environment)
            try await start([node], report: report)
        }
    }

    /// The nodes of one start: all are launched before any is waited for.
    private func start(_ nodes: [NodeInfo], report: Report) async throws {
        guard !nodes.isEmpty else { return }
        guard access(executable, X_OK) == 0 else { throw LocalClusterError.noExecutable(executable) }
        for node in nodes {
            for address in config.listenAddresses(of: node) { try PortCheck.requireFree(address, for: node.id) }
        }
        var started: [(node: NodeInfo, pid: Int32, logOffset: Int)] = []
        for node in nodes {
            let offset = NodeLog(path: directory.log(of: node.id)).size
            started.append((node, try launch(node), offset))
        }
        let client = try RookeryClient(config: config)
        do {
            for (node, pid, offset) in started {
                try await waitUntilServing(node, logOffset: offset, client)
                report("\(node.id) \(node.address) up (pid \(pid))")
            }
        } catch {
            await client.close()
            throw error
        }
        await client.close()
    }

    private func launch(_ node: NodeInfo) throws -> Int32 {
        do {
            let pid = try Spawn.detached(
                executable: executable,
                arguments: [
                    "--config", configPath, "--node", node.id.rawValue, "--data", directory.data(of: node.id),
                    "--secret-file", directory.secretFile,
                ], log: directory.log(of: node.id))
            // One that has ended already is noticed by the wait.
            try directory.setIdentity(try ProcessIdentity(pid: pid), of: node.id)
            return pid
        } catch let failure as Spawn.Failure {
            throw LocalClusterError.spawnFailed(node: node.id, reason: failure.description)
        }
    }

    private func waitUntilServing(_ node: NodeInfo, logOffset: Int, _ client: RookeryClient) async throws {
        let log = NodeLog(path: directory.log(of: node.id))
        var reason = "it takes no connections"
        let serves = try await poll(Self.startLimit) {
            if try state(of: node.id) == .stopped {
                let error = try log.lastError(since: logOffset)
                throw LocalClusterError.exitedAtStart(node: node.id, reason: error, log: log.path)
            }
            // The bare connection first: a refused one costs nothing, and leaves no backoff behind in the client.
            guard PortCheck.answers(node.address) else { return false }
            do {
                let status = try await client.status(of: node.id)
                reason = "\(status.serving) of its \(status.primaries) primary partitions serve"
                return status.primaries > 0 ? status.serving == status.primaries : try hasNoPrimaries(node.id)
            } catch let error as RookeryError {
                reason = error.message
                return false
            }
        }
        guard serves else {
            let seconds = Int(Self.startLimit / .seconds(1))
            throw LocalClusterError.notReady(node: node.id, seconds: seconds, reason: reason)
        }
    }

    /// By the configuration; a node of no weight to speak of may have none.
    private func hasNoPrimaries(_ node: NodeId) throws -> Bool {
        try !config.initialMap().rows.contains { $0.primary == node }
    }

    private func signalIfRunning(_ node: NodeId, _ number: Int32) throws {
        do {
            try signal(node, number)
        } catch LocalClusterError.notRunning {
            return  // it ended by itself meanwhile, which is what was wanted
        }
    }

    private func finish(_ node: NodeId, pid: Int32, report: Report) async throws {
        if try await waitUntilGone(node, limit: Self.stopLimit) {
            report("\(node) stopped (pid \(pid))")
        } else {
            try signalIfRunning(node, SIGKILL)
            guard try await waitUntilGone(node, limit: Self.stopLimit) else {
                throw LocalClusterError.stillRunning(node, pid: pid)
            }
            let seconds = Int(Self.stopLimit / .seconds(1))
            report("\(node) did not stop within \(seconds) s and was killed (pid \(pid))")
        }
        try directory.setIdentity(nil, of: node)
    }
}

extension ClusterConfig {
    /// Every address that the node listens on.
    func listenAddresses(of node: NodeInfo) -> [Address] { [node.address] + (metrics[node.id].map { [$0] } ?? []) }
}

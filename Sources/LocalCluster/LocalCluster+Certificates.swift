import Client
import Cluster
import FoundationEssentials

extension LocalCluster {
    /// How long a development CA is valid, in days. Its nodes' certificates end with it at the latest.
    private static let authorityDays = 3650

    /// Makes a development CA, unless one is there, and a certificate for every node: `ca.pem`, `ca.key`, and below
    /// `nodes/` a `.pem` and a `.key` each. All files are their owner's alone.
    ///
    /// - Parameters:
    ///   - path: where to; by default `certificates` in the launcher's directory.
    ///   - days: how long the nodes' certificates are valid.
    ///   - force: renews those that are there, which is refused otherwise. The CA is kept in any case.
    public func makeCertificates(in path: String?, days: Int, force: Bool) async throws -> NodeCertificates {
        try directory.check(clusterId: config.clusterId)
        let path = Self.plain(path.map(Self.absolute) ?? directory.path + "/certificates")
        return try await directory.locked {
            try PrivateFile.makeDirectory(path + "/nodes")
            let files = config.nodes.map { node in
                (node, "\(path)/nodes/\(node.id).pem", "\(path)/nodes/\(node.id).key")
            }
            for (_, certificate, key) in files where !force {
                for file in [certificate, key] where try PrivateFile.read(file) != nil {
                    throw LocalClusterError.certificateThere(file)
                }
            }
            let now = Date(timeIntervalSince1970: TimeInterval(environment.clock.nowMs()) / 1000)
            let (authority, isNew) = try authority(in: path, now: now)
            let until = min(now + TimeInterval(days) * 86_400, authority.certificate.notValidAfter)
            for (node, certificate, key) in files {
                try write(authority.issue(node, from: now, until: until), certificate: certificate, key: key)
            }
            let validUntil = Timestamp(unixMs: UInt64(until.timeIntervalSince1970 * 1000))
            return NodeCertificates(
                authority: path + "/ca.pem", isNewAuthority: isNew,
                nodes: files.map { .init(id: $0.id.rawValue, certificate: $1, key: $2, validUntil: validUntil) },
                directoryInConfig: fromConfig(path))
        }
    }

    private func authority(in path: String, now: Date) throws -> (DevelopmentAuthority, isNew: Bool) {
        let (certificate, key) = (path + "/ca.pem", path + "/ca.key")
        guard let stored = try PrivateFile.read(certificate) else {
            let until = now + TimeInterval(Self.authorityDays) * 86_400
            let made = try DevelopmentAuthority(clusterId: config.clusterId, from: now, until: until)
            try write(made.stored(), certificate: certificate, key: key)
            return (made, true)
        }
        let kept: DevelopmentAuthority
        do {
            let text = String(decoding: stored, as: UTF8.self)
            let keyText = String(decoding: try PrivateFile.read(key) ?? [], as: UTF8.self)
            kept = try DevelopmentAuthority(stored: .init(certificate: text, key: keyText))
            guard try kept.isAuthority(of: config.clusterId) else {
                throw LocalClusterError.wrongAuthority(certificate)
            }
        } catch let failure as PrivateFile.Failure {
            throw failure
        } catch {
            throw LocalClusterError.wrongAuthority(certificate)
        }
        guard kept.certificate.notValidAfter > now else { throw LocalClusterError.authorityExpired(certificate) }
        return (kept, false)
    }

    /// The key first: a certificate that is there has its key.
    private func write(_ issued: DevelopmentAuthority.Issued, certificate: String, key: String) throws {
        try PrivateFile.write(Array(issued.key.utf8), to: key, synced: true)
        try PrivateFile.write(Array((issued.certificate + "\n").utf8), to: certificate, synced: true)
    }

    /// The path from the configuration's directory on, where it lies below that.
    private func fromConfig(_ path: String) -> String {
        let own = Self.plain(configPath)
        guard let slash = own.lastIndex(of: "/"), path.hasPrefix(own[...slash]) else { return path }
        return String(path.dropFirst(own[...slash].count))
    }

    /// Without the parts that say nothing: `/a/./b` is `/a/b`.
    private static func plain(_ path: String) -> String {
        "/" + path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    }
}

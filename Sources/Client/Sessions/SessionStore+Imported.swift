extension SessionStore {
    /// The stored sessions of users that imports have made on this cluster, `u1` before `u10`.
    /// - Parameters:
    ///   - limit: reads no more files than this.
    ///   - nowMs: sessions that have expired by then are left out.
    public func importedSessions(limit: Int, nowMs: UInt64) throws -> [Session] {
        // A shorter name is a smaller number: the importer's names have no leading zeros.
        let names = try ImportSecrets(directory: directory).secrets.keys.sorted {
            ($0.utf8.count, $0) < ($1.utf8.count, $1)
        }
        return try names.prefix(limit).compactMap { name in
            guard let record = try load(name), record.expiresAt.unixMs > nowMs else { return nil }
            return Session(record)
        }
    }
}

import Cluster
import Glibc

/// The sessions of one cluster that this person has, under `$XDG_STATE_HOME/rookery/CLUSTER/`
/// (XDG Base Directory Specification; default `~/.local/state`).
public struct SessionStore: Sendable {
    /// Where this cluster's files are.
    public let directory: String

    /// - Parameter environment: the process's variables: `XDG_STATE_HOME` and `HOME` are looked at.
    public init(clusterId: String, environment: [String: String]) throws {
        self.directory = try Self.stateHome(environment) + "/rookery/\(clusterId)"
    }

    /// A store in just this directory.
    public init(directory: String) { self.directory = directory }

    private static func stateHome(_ environment: [String: String]) throws -> String {
        // The specification tells to ignore a relative path.
        if let home = environment["XDG_STATE_HOME"], home.hasPrefix("/") { return home }
        guard let home = environment["HOME"], !home.isEmpty else {
            throw RookeryError(.failedPrecondition, "neither XDG_STATE_HOME nor HOME is set: no place for sessions")
        }
        return home + "/.local/state"
    }

    private var sessions: String { directory + "/sessions" }
    private var currentPath: String { directory + "/current" }

    private func path(of name: String) throws -> String {
        // Also keeps a name from being a path.
        try Username.validate(name)
        return "\(sessions)/\(Username.folded(name)).json"
    }

    /// The stored session of this user, nil when there is none.
    public func load(_ name: String) throws -> SessionRecord? {
        let path = try path(of: name)
        guard let bytes = try PrivateFile.read(path) else { return nil }
        do {
            return try JSONText.decode(SessionRecord.self, from: bytes)
        } catch {
            throw RookeryError(.dataLoss, "\(path) is not a session file: remove it and log in again")
        }
    }

    /// Whether sessions can be kept at all; asked before one is made that would be lost.
    public func checkWritable() throws {
        try PrivateFile.Lock(directory, name: "sessions.lock").release()
        try PrivateFile.makeDirectory(sessions)
    }

    /// Stores a new session in place of this user's older one. What another process has seen with the same session is
    /// kept.
    public func save(_ record: SessionRecord) throws {
        let lock = try PrivateFile.Lock(directory, name: "sessions.lock")
        defer { lock.release() }
        try PrivateFile.makeDirectory(sessions)
        let stored = try? load(record.name)  // an unreadable file is replaced
        try write(record, besides: stored?.token == record.token ? stored : nil)
    }

    /// Adds what a session has seen to its file, if that session is still the stored one: another process may have
    /// logged in anew, or out.
    public func remember(_ record: SessionRecord) throws {
        let lock = try PrivateFile.Lock(directory, name: "sessions.lock")
        defer { lock.release() }
        do {
            guard let stored = try load(record.name), stored.token == record.token else { return }
            try write(record, besides: stored)
        } catch is RookeryError {
            try write(record, besides: nil)  // the file is no session's any more; this one lives
        }
    }

    private func write(_ record: SessionRecord, besides stored: SessionRecord?) throws {
        var record = record
        if let stored {
            let others = stored.seen.filter { !record.seen.contains($0) }
            record.seen = Array((others + record.seen).suffix(SeenWrites.limit))
        }
        // Synced: a rename that outlives its content in a power cut would leave an empty file, and nobody logged in.
        try PrivateFile.write(
            Array(try JSONText.encode(record).utf8), to: try path(of: record.name), synced: true)
    }

    public func remove(_ name: String) throws {
        try PrivateFile.remove(try path(of: name))
        if try current() == Username.folded(name) { try PrivateFile.remove(currentPath) }
    }

    /// The folded name whose session is used where none is named.
    public func current() throws -> String? {
        guard let bytes = try PrivateFile.read(currentPath) else { return nil }
        let name = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first.map(String.init)
        return name.flatMap { $0.isEmpty ? nil : $0 }
    }

    public func setCurrent(_ name: String) throws {
        try PrivateFile.makeDirectory(directory)
        try PrivateFile.write(Array((Username.folded(name) + "\n").utf8), to: currentPath)
    }
}

import Glibc

/// Starts a process of its own session, so that it outlives the launcher and the launcher's terminal.
enum Spawn {
    /// glibc's POSIX_SPAWN_SETSID (since 2.26), which its headers show only to GNU C.
    private static let newSession: Int16 = 0x80

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// Standard input is /dev/null, the outputs go to the end of the log; no other descriptor is handed on.
    /// - Returns: the process id.
    static func detached(executable: String, arguments: [String], log: String) throws -> Int32 {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        try check(posix_spawn_file_actions_init(&actions), "prepare")
        defer { posix_spawn_file_actions_destroy(&actions) }
        try check(posix_spawnattr_init(&attributes), "prepare")
        defer { posix_spawnattr_destroy(&attributes) }
        try check(posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0), "prepare")
        try check(
            posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600), "prepare")
        try check(posix_spawn_file_actions_adddup2(&actions, 1, 2), "prepare")
        // What this process was given, for example a pipe that someone waits on for its end, stays its own.
        for descriptor in ProcFS.names(in: "/proc/self/fd").compactMap({ Int32($0) }) where descriptor > 2 {
            try check(posix_spawn_file_actions_addclose(&actions, descriptor), "prepare")
        }
        try check(posix_spawnattr_setflags(&attributes, newSession), "prepare")

        var pid: pid_t = 0
        var words: [UnsafeMutablePointer<CChar>?] = ([executable] + arguments).map { strdup($0) }
        words.append(nil)
        defer { for word in words { free(word) } }
        try check(posix_spawn(&pid, executable, &actions, &attributes, words, environ), "run \(executable)")
        return pid
    }

    private static func check(_ code: Int32, _ action: String) throws {
        guard code == 0 else { throw Failure(description: "cannot \(action): \(String(cString: strerror(code)))") }
    }
}

/// Why an import cannot be done. Nothing was written when a file is at fault.
public enum ImportFailure: Error, Hashable, Sendable, CustomStringConvertible {
    case line(file: String, line: Int, problem: String)
    case file(String, problem: String)
    /// A user's name belongs to an account that this person's imports did not make.
    case foreignUser(name: String)
    /// Another import keeps its secrets in the same directory.
    case busy(directory: String)
    /// The cluster did not take a call for too long.
    case tookTooLong(what: String, seconds: Int, reason: String)
    /// The streams between partitions did not come to rest.
    case backlog(UInt64, seconds: Int)

    public var description: String {
        switch self {
        case .line(let file, let line, let problem): "\(file):\(line): \(problem)"
        case .file(let file, let problem): "\(file): \(problem)"
        case .foreignUser(let name):
            "@\(name) is somebody else's account: its secret is not in this person's import secrets"
        case .busy(let directory):
            "another rookery import is running that keeps its secrets in \(directory): run this one when it has ended"
        case .tookTooLong(let what, let seconds, let reason):
            "\(what) failed for \(seconds) s (run the same import again to go on): \(reason)"
        case .backlog(let events, let seconds):
            "\(events) events are still on their way between partitions after \(seconds) s"
        }
    }
}

import Client
import Glibc

/// A process that is surely the one that was started: its id alone may be another's by now, its id with its start time
/// in this boot is not.
struct ProcessIdentity: Codable, Hashable, Sendable {
    var pid: Int32
    /// Clock ticks since boot (field 22 of /proc/PID/stat).
    var startTime: UInt64
    var bootId: String

    enum CodingKeys: String, CodingKey {
        case pid
        case startTime = "start_time"
        case bootId = "boot_id"
    }

    enum State: Hashable, Sendable {
        case running
        /// Stopped by a signal.
        case paused
        case gone
    }

    /// Who has this process id now; nil when nobody.
    init?(pid: Int32) throws {
        guard let stat = try Self.stat(pid), stat.state != "Z" else { return nil }
        self.pid = pid
        startTime = stat.startTime
        bootId = try Self.currentBootId()
    }

    func state() throws -> State {
        guard try bootId == Self.currentBootId(), let stat = try Self.stat(pid), stat.startTime == startTime else {
            return .gone
        }
        switch stat.state {
        case "Z", "X":
            // Ours when the launcher itself is the parent: then nobody else will take it away.
            waitpid(pid, nil, WNOHANG)
            return .gone
        case "T", "t": return .paused
        default: return .running
        }
    }

    private static func currentBootId() throws -> String {
        String(decoding: try PrivateFile.read("/proc/sys/kernel/random/boot_id") ?? [], as: UTF8.self)
            .split(separator: "\n").joined()
    }

    private static func stat(_ pid: Int32) throws -> (state: String, startTime: UInt64)? {
        guard let bytes = try read("/proc/\(pid)/stat") else { return nil }
        // The second field is the name in parentheses, and may hold anything; the fields after it are counted.
        guard let end = bytes.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = String(decoding: bytes[(end + 1)...], as: UTF8.self).split(separator: " ")
        guard fields.count > 19, let startTime = UInt64(fields[19]) else { return nil }
        return (String(fields[0]), startTime)
    }

    /// Nil also when the process ended between the open and the read.
    private static func read(_ path: String) throws(PrivateFile.Failure) -> [UInt8]? {
        do {
            return try PrivateFile.read(path)
        } catch {
            if error.code == ESRCH { return nil }
            throw error
        }
    }
}

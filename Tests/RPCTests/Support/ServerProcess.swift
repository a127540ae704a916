import Foundation
import Testing

/// `contract-server` in a process of its own.
final class ServerProcess {
    let port: Int
    private let process = Process()
    private let input = Pipe()

    /// The one that this build has made.
    static let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appendingPathComponent("contract-server")

    /// - Parameter environment: what it has besides this process's own.
    init(_ program: URL = program, environment: [String: String] = [:]) async throws {
        let output = Pipe()
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.executableURL = program
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        let line = await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(returning: output.fileHandleForReading.availableData)
            }
        }
        port = try #require(Int(String(decoding: line, as: UTF8.self).trimmingCharacters(in: .newlines)))
    }

    deinit { process.terminate() }

    /// Bytes of memory that the process has in use.
    func residentBytes() throws -> Int {
        let statm = try String(contentsOfFile: "/proc/\(process.processIdentifier)/statm", encoding: .utf8)
        let pages = try #require(statm.split(separator: " ").dropFirst().first.flatMap { Int($0) })
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }

    /// Lets it end by itself, and waits for that.
    func end() throws {
        try input.fileHandleForWriting.close()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }

    /// Whether this process may hold so many descriptors; asks for them if it does not.
    static func mayHold(descriptors: UInt) -> Bool {
        var limit = rlimit()
        let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(files, &limit) == 0, limit.rlim_max >= descriptors else { return false }
        limit.rlim_cur = max(limit.rlim_cur, rlim_t(descriptors))
        return setrlimit(files, &limit) == 0
    }
}

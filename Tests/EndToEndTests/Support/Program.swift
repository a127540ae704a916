import Dispatch
import Foundation
import LocalCluster

/// What a program has left behind when it ended.
struct Outcome: Sendable, CustomStringConvertible {
    var command: String
    /// The exit status; of a program that a signal ended, minus the signal's number.
    var status: Int32
    var output: String
    var error: String

    var description: String { "`\(command)` ended with \(status)\n--- output\n\(output)--- error\n\(error)---" }
}

/// A test's expectation that makes going on useless.
struct Unexpected: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}

/// Programs as somebody at a shell would run them.
enum Program {
    /// The directory of what this build made: the test bundle's own.
    static let directory: String = {
        let own = LocalCluster.ownExecutable ?? CommandLine.arguments[0]
        return URL(fileURLWithPath: own).deletingLastPathComponent().path
    }()

    static var rookery: String { directory + "/rookery" }
    static var rookeryd: String { directory + "/rookeryd" }

    /// The project's root.
    static let project = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../..").standardizedFileURL.path

    /// Runs a program to its end; one that takes longer than `limit` is killed, which its status then tells.
    /// - Parameter started: told of the process id once it runs.
    static func run(
        _ program: String, _ arguments: [String], input: String = "", variables: [String: String] = [:],
        in directory: String, limit: Duration = .seconds(60), started: (Int32) -> Void = { _ in }
    ) async throws -> Outcome {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: directory)
        process.environment = ProcessInfo.processInfo.environment.merging(variables) { $1 }
        let files = try Files(in: directory, input: input)
        defer { files.remove() }
        let handles = try files.handles()
        // A process that has ended keeps them; with some 1,365 descriptors in use, Foundation can start no other.
        defer { for handle in handles { try? handle.close() } }
        (process.standardInput, process.standardOutput, process.standardError) = (handles[0], handles[1], handles[2])
        let ended = AsyncStream<Void>.makeStream()
        process.terminationHandler = { _ in ended.continuation.finish() }
        try process.run()
        let id = process.processIdentifier
        started(id)
        let guardian = DispatchWorkItem { kill(id, SIGKILL) }
        DispatchQueue.global().asyncAfter(deadline: .now() + limit / .seconds(1), execute: guardian)
        for await _ in ended.stream {}
        guardian.cancel()
        let status = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
        let name = URL(fileURLWithPath: program).lastPathComponent
        return Outcome(
            command: ([name] + arguments).joined(separator: " "), status: status, output: try files.read("output"),
            error: try files.read("error"))
    }

    /// Files instead of pipes: a child's child that lives on keeps no reader waiting.
    private struct Files {
        let path: String

        init(in directory: String, input: String) throws {
            path = "\(directory)/command-\(UUID().uuidString)"
            try input.write(toFile: path + ".input", atomically: false, encoding: .utf8)
            for name in ["output", "error"] {
                try "".write(toFile: "\(path).\(name)", atomically: false, encoding: .utf8)
            }
        }

        /// For input, output and errors.
        func handles() throws -> [FileHandle] {
            func url(_ name: String) -> URL { URL(fileURLWithPath: "\(path).\(name)") }
            return [
                try FileHandle(forReadingFrom: url("input")), try FileHandle(forWritingTo: url("output")),
                try FileHandle(forWritingTo: url("error")),
            ]
        }

        func read(_ name: String) throws -> String {
            String(decoding: try Data(contentsOf: URL(fileURLWithPath: "\(path).\(name)")), as: UTF8.self)
        }

        func remove() {
            // What is left goes with the directory.
            for name in ["input", "output", "error"] { try? FileManager.default.removeItem(atPath: "\(path).\(name)") }
        }
    }
}

/// Looks again until the condition holds; throws when it has not for a minute.
func eventually(_ what: String, _ condition: () async throws -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(60)
    while try await !condition() {
        guard ContinuousClock.now < end else { throw Unexpected("still not after a minute: \(what)") }
        await pause(.milliseconds(10))
    }
}

/// Lets time go by: between two looks at a condition, and before a crash that comes at any moment.
func pause(_ duration: Duration) async {
    await withCheckedContinuation { continuation in
        DispatchQueue.global().asyncAfter(deadline: .now() + duration / .seconds(1)) { continuation.resume() }
    }
}

/// Whether the process runs; one that has ended and waits to be collected does not.
func isAlive(_ process: Int32) -> Bool {
    guard let stat = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),  // none: it is gone
        let end = stat.lastIndex(of: ")")
    else { return false }
    return !stat[end...].hasPrefix(") Z")
}

import Foundation

/// The disk that forgets, compiled anew for each test, and a directory on it.
final class FaultyDisk: Sendable {
    struct Failed: Error, CustomStringConvertible {
        var description: String
    }

    private let tools: TemporaryDirectory
    private let data: TemporaryDirectory
    private var table: String { tools.path + "/table" }

    /// The directory whose unsynced bytes are dropped.
    var path: String { data.path }

    init() throws {
        tools = try TemporaryDirectory()
        data = try TemporaryDirectory()
        let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        let script = here.appendingPathComponent("../Support/FaultyDisk/build.sh").standardizedFileURL.path
        let status = try Self.run("/bin/sh", [script, tools.path], [:])
        guard status == 0 else { throw Failed(description: "build.sh ended with status \(status)") }
    }

    /// Runs one of the compiled programs; its exit status, or the signal that ended it.
    func run(_ program: String, _ arguments: [String], preloaded: Bool = false) throws -> Int32 {
        try Self.run("\(tools.path)/\(program)", arguments, preloaded ? environment() : [:])
    }

    /// What a power cut does. Everything that wrote to the directory is dead by now.
    func dropUnsynced() throws {
        let status = try run("faultydisk-drop", [table, path])
        guard status == 0 else { throw Failed(description: "faultydisk-drop ended with status \(status)") }
    }

    /// Processes that start while `body` runs have the layer. This process has started long ago, so it has not.
    func preloaded(failingSyncsAfter limit: Int? = nil, _ body: (_ path: String) async -> Void) async {
        let variables = environment(failingSyncsAfter: limit)
        for (name, value) in variables { setenv(name, value, 1) }
        await body(path)
        for name in variables.keys { unsetenv(name) }
    }

    private func environment(failingSyncsAfter limit: Int? = nil) -> [String: String] {
        var variables = [
            "LD_PRELOAD": tools.path + "/faultydisk.so", "FAULTYDISK_DIR": path, "FAULTYDISK_TABLE": table,
        ]
        if let limit { variables["FAULTYDISK_FSYNC_FAILS_AFTER"] = "\(limit)" }
        return variables
    }

    private static func run(_ program: String, _ arguments: [String], _ variables: [String: String]) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(variables) { _, new in new }
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }
}

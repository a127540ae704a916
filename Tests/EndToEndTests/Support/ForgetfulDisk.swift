import Foundation

/// The disk that forgets what was not synced (Tests/Support/FaultyDisk), a playground's `disk`, for launched
/// processes.
struct ForgetfulDisk: Sendable {
    let playground: Playground
    private var tools: String { playground.path + "/tools" }
    private var table: String { playground.path + "/table" }
    /// The launcher's files, the nodes' data, and the command line's sessions.
    private var directory: String { playground.path + "/disk" }

    init(_ playground: Playground) async throws {
        self.playground = playground
        try FileManager.default.createDirectory(atPath: tools, withIntermediateDirectories: false)
        let script = Program.project + "/Tests/Support/FaultyDisk/build.sh"
        let built = try await Program.run("/bin/sh", [script, tools], in: playground.path)
        guard built.status == 0 else { throw Unexpected(built.description) }
    }

    /// For the environment of what writes on this disk. The launcher hands it on to the nodes.
    var variables: [String: String] {
        ["LD_PRELOAD": tools + "/faultydisk.so", "FAULTYDISK_DIR": directory, "FAULTYDISK_TABLE": table]
    }

    /// What a power cut does, once all that wrote is dead.
    func dropUnsynced() async throws {
        let outcome = try await Program.run(tools + "/faultydisk-drop", [table, directory], in: playground.path)
        guard outcome.status == 0 else { throw Unexpected(outcome.description) }
    }
}

import Foundation
import Testing

/// The counter of another process's heap allocations (Tests/Support/MallocCount), compiled anew for each test.
final class AllocationCounter {
    struct Counts {
        /// Since the process began.
        var allocations: Int
        /// Not freed yet.
        var liveBlocks: Int
        var liveBytes: Int
    }

    private let directory: URL

    init() throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("malloccount-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
        let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        let script = here.appendingPathComponent("../../Support/MallocCount/build.sh").standardizedFileURL.path
        let compiler = Process()
        compiler.executableURL = URL(fileURLWithPath: "/bin/sh")
        compiler.arguments = [script, directory.path]
        try compiler.run()
        compiler.waitUntilExit()
        try #require(compiler.terminationStatus == 0, "MallocCount/build.sh failed")
    }

    deinit {
        // A folder that is left in the temporary directory harms nobody.
        try? FileManager.default.removeItem(at: directory)
    }

    /// For the environment of the process that is to be counted.
    var variables: [String: String] {
        [
            "LD_PRELOAD": directory.appendingPathComponent("malloccount.so").path,
            "MALLOCCOUNT_FILE": directory.appendingPathComponent("counters").path,
        ]
    }

    /// At this moment.
    func read() throws -> Counts {
        let bytes = try Data(contentsOf: directory.appendingPathComponent("counters"))
        try #require(bytes.count == 24, "the process does not count")
        let numbers = (0..<3).map { number in
            (0..<8).reduce(0) { $0 | Int(bytes[number * 8 + $1]) << ($1 * 8) }
        }
        return Counts(allocations: numbers[0], liveBlocks: numbers[1], liveBytes: numbers[2])
    }
}

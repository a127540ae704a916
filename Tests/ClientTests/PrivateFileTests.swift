import FoundationEssentials
import Testing

@testable import Client

@Suite("Private files")
struct PrivateFileTests {
    private let directory = TemporaryDirectory()
    private var path: String { directory.path + "/file" }

    @Test("A write replaces the whole file: who has the old one open goes on reading the old one")
    func replaced() throws {
        try PrivateFile.write(Array("old".utf8), to: path)
        let inode = try number()
        try PrivateFile.write(Array("n".utf8), to: path, synced: true)
        #expect(try PrivateFile.read(path) == Array("n".utf8))
        #expect(try number() != inode)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["file"], "nothing is left over")
    }

    private func number() throws -> UInt64? {
        try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? UInt64
    }

    @Test("What is not there reads as nothing, and is removed already")
    func absent() throws {
        #expect(try PrivateFile.read(path) == nil)
        try PrivateFile.remove(path)
        #expect(throws: PrivateFile.Failure.self) { try PrivateFile.read(directory.path) }
    }

    @Test("A lock has one holder at a time")
    func lock() throws {
        let first = try PrivateFile.Lock(directory.path, name: "lock", orFail: true)
        let refused = #expect(throws: PrivateFile.Failure.self) {
            try PrivateFile.Lock(directory.path, name: "lock", orFail: true)
        }
        #expect(refused?.action == "lock" && refused?.path == directory.path + "/lock")
        first.release()
        try PrivateFile.Lock(directory.path, name: "lock", orFail: true).release()
    }
}

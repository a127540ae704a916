import Foundation
import Storage
import Testing

@Suite struct DataDirectoryTests {
    let temporary: TemporaryDirectory
    var path: String { temporary.path + "/deep/n1" }

    init() throws { temporary = try TemporaryDirectory() }

    private func open(_ path: String, cluster: String = "home", node: String = "n1") throws -> DataDirectory {
        try DataDirectory(path: path, clusterId: cluster, nodeId: node)
    }

    private func refusal(_ body: () throws -> DataDirectory) -> String? {
        do {
            _ = try body()
            return nil
        } catch {
            return "\(error)"
        }
    }

    private func write(_ text: String) throws {
        try text.write(toFile: path + "/FORMAT", atomically: true, encoding: .utf8)
    }

    @Test func aNewDirectoryIsMadeAndOpenedAgain() throws {
        var directory: DataDirectory? = try open(path)
        #expect(directory?.isNew == true)
        #expect(directory?.storePath == path + "/store")
        #expect(
            try String(contentsOfFile: path + "/FORMAT", encoding: .utf8) == "rookery-data 2\ncluster home\nnode n1\n")
        directory = nil
        directory = try open(path)
        #expect(directory?.isNew == false)
    }

    @Test func aNewerFormatIsRefused() throws {
        _ = try open(path)
        try write("rookery-data 3\nwho knows what stands here\n")
        #expect(
            refusal { try open(path) }
                == "\(path): this data directory has format 3; this rookeryd reads up to 2: use a newer rookeryd")
    }

    /// An older build must not open it any more once this one may have written to it.
    @Test func anOlderFormatIsReadAndRaised() throws {
        _ = try open(path)
        let newest = try String(contentsOfFile: path + "/FORMAT", encoding: .utf8)
        try write("rookery-data 1\ncluster home\nnode n1\n")
        #expect(refusal { try open(path, node: "n2") } != nil)
        #expect(try String(contentsOfFile: path + "/FORMAT", encoding: .utf8).hasPrefix("rookery-data 1\n"))
        #expect(try !open(path).isNew)
        #expect(try String(contentsOfFile: path + "/FORMAT", encoding: .utf8) == newest)
    }

    @Test func anotherClustersOrNodesDirectoryIsRefused() throws {
        _ = try open(path)
        #expect(
            refusal { try open(path, cluster: "work") }
                == "\(path): this data directory belongs to cluster \"home\", not to \"work\": use another directory")
        #expect(
            refusal { try open(path, node: "n2") }
                == "\(path): this data directory belongs to node \"n1\", not to \"n2\": use another directory")
        // Who was refused has let go of it.
        #expect(try !open(path).isNew)
    }

    @Test(arguments: [
        "", "rookery", "rookery-data x\n", "rookery-data 0\n", "rookery-data 1\n", "rookery-data 1\nnode n1\n",
        "rookery-data 0\ncluster home\nnode n1\n",
    ])
    func aDamagedFormatIsCorrupt(_ text: String) throws {
        _ = try open(path)
        try write(text)
        #expect {
            _ = try open(path)
        } throws: {
            guard case StorageError.corrupt = $0 else { return false }
            return true
        }
    }

    @Test func aStoreWithoutItsFormatIsNotTakenForANewNode() throws {
        _ = try open(path)
        try FileManager.default.createDirectory(atPath: path + "/store", withIntermediateDirectories: false)
        try FileManager.default.removeItem(atPath: path + "/FORMAT")
        #expect(throws: StorageError.self) { try open(path) }
    }

    @Test func twoDoNotUseOneDirectory() throws {
        let first = try open(path)
        #expect(
            refusal { try open(path) }
                == "\(path): this data directory is in use by process \(getpid()): stop it first")
        withExtendedLifetime(first) {}
    }

    /// Permissions do not bind root, so these are places where nobody can make a directory.
    @Test func anUnwritablePlaceIsNamedWithTheReason() throws {
        let file = temporary.path + "/file"
        try "".write(toFile: file, atomically: true, encoding: .utf8)
        #expect(refusal { try open(file) } == "\(file): cannot be used as a data directory: Not a directory")
        let below = file + "/n1"
        #expect(refusal { try open(below) } == "\(below): cannot be used as a data directory: Not a directory")
        let process = "/proc/rookery"
        #expect(refusal { try open(process) }?.hasPrefix("\(process): cannot be used as a data directory: ") == true)
    }
}

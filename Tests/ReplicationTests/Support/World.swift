import Foundation
import Storage
import Testing

/// A directory that is removed with its last reference.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        let base = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
        let url = base.appendingPathComponent("rookery-replication-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }  // what is left is the system's to clean
}

/// The stores a partition can live in: one contract, both worlds.
enum World: String, CaseIterable, CustomTestStringConvertible {
    case memory, rocks

    var testDescription: String { rawValue }

    func store(in directory: TemporaryDirectory, _ name: String = "store") throws -> any Store {
        switch self {
        case .memory: MemoryStore()
        case .rocks: try RocksStore(path: directory.path + "/" + name, sync: false, settings: .small)
        }
    }
}

extension RocksSettings {
    /// Writes memtables out after a few rows, so that short tests meet files, too.
    static var small: RocksSettings {
        var settings = RocksSettings()
        settings.blockCacheBytes = 1 << 20
        settings.writeBufferBytes = 64 << 10
        return settings
    }
}

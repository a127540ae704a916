import Foundation
import Storage
import Testing

/// A directory that is removed with its last reference. Its path is canonical: the disk that forgets wants that.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        let base = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
        let url = base.appendingPathComponent("rookery-storage-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }  // what is left is the system's to clean
}

/// The stores that have to behave alike.
enum World: String, CaseIterable, CustomTestStringConvertible {
    case rocks, memory

    var testDescription: String { rawValue }

    func store(in directory: TemporaryDirectory) throws -> any Store {
        switch self {
        case .rocks: try RocksStore(path: directory.path + "/store", sync: false, settings: .small)
        case .memory: MemoryStore()
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

extension Effects {
    static func make(_ build: (inout Effects) -> Void) -> Effects {
        var effects = Effects()
        build(&effects)
        return effects
    }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

func texts(_ rows: [Row]) -> [String] {
    rows.map { "\(String(decoding: $0.key, as: UTF8.self))=\(String(decoding: $0.value, as: UTF8.self))" }
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers for the same seed everywhere.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// ROOKERY_SEED if it is set, so that a failure can be replayed; printed either way.
    static func printed(_ name: String) -> SeededGenerator {
        let wanted = ProcessInfo.processInfo.environment["ROOKERY_SEED"].flatMap { UInt64($0) }
        let seed = wanted ?? UInt64.random(in: 0...UInt64.max)
        print("\(name): ROOKERY_SEED=\(seed)")
        return SeededGenerator(seed: seed)
    }
}

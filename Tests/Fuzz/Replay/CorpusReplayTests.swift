import Foundation
import Testing

/// What the fuzzer has found worth keeping, once through its checks: what it broke once stays mended.
@Suite struct CorpusReplayTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Corpus")

    private static func names(in folder: URL) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    }

    private static func corpus(of target: String) throws -> [(name: String, bytes: [UInt8])] {
        let folder = folder.appending(path: target)
        return try names(in: folder).map { ($0, [UInt8](try Data(contentsOf: folder.appending(path: $0)))) }
    }

    private static func target(_ name: String) throws -> FuzzTarget {
        try #require(FuzzTarget.all.first { $0.name == name })
    }

    @Test(arguments: FuzzTarget.all.map(\.name))
    func everyInputOfTheCorpusHolds(target name: String) throws {
        let (target, corpus) = (try Self.target(name), try Self.corpus(of: name))
        #expect(!corpus.isEmpty, "Tests/Fuzz/Corpus/\(name) is empty")
        for file in corpus {
            do {
                try file.bytes.withUnsafeBytes(target.run)
            } catch {
                Issue.record("Tests/Fuzz/Corpus/\(name)/\(file.name): \(error)")
            }
        }
    }

    @Test(arguments: FuzzTarget.all.map(\.name))
    func everySeedHolds(target name: String) throws {
        let target = try Self.target(name)
        for (index, seed) in try target.seeds().enumerated() {
            do {
                try seed.withUnsafeBytes(target.run)
            } catch {
                Issue.record("seed \(index) of \(name): \(error)")
            }
        }
    }

    /// A message that is new gets its inputs by `make fuzz`.
    @Test func everyMessageIsInTheCorpus() throws {
        let counts =
            MessageList.files.map { ($0.proto, $0.messages.map { "\($0)" }) } + [
                ("rpc", MessageList.rpc), ("services", MessageList.services),
            ]
        for (proto, messages) in counts {
            let corpus = try Self.corpus(of: "messages-\(proto)")
            let chosen = Set(corpus.compactMap(\.bytes.first).map { MessageCheck.choice($0, of: messages.count) })
            let missing = messages.indices.filter { !chosen.contains($0) }.map { messages[$0] }
            #expect(missing.isEmpty, "of \(proto).proto, \(missing) have no input: run 'Scripts/fuzz.sh --keep'")
        }
    }

    @Test func everyMessageOfTheRPCLayerIsRead() {
        #expect(Set(RPCMessageCheck.readings.keys) == Set(MessageList.rpc))
        let services = ServiceMessageCheck.names.compactMap { $0.split(separator: ".").last }
        #expect(Set(services.map(String.init)) == Set(MessageList.services))
    }

    @Test func everyFolderHasItsTarget() throws {
        #expect(try Self.names(in: Self.folder) == FuzzTarget.all.map(\.name).sorted())
    }

    @Test func theCorpusIsSmall() throws {
        let bytes = try FuzzTarget.all.flatMap { try Self.corpus(of: $0.name) }.reduce(0) { $0 + $1.bytes.count }
        #expect(bytes < 500_000, "\(bytes) bytes")
    }
}

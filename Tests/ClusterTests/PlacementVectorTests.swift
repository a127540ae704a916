import Glibc
import Testing

import Cluster

/// Golden placements: files that say a cluster and where the ring puts its partitions. Data lies where they say, so a
/// change is a migration. `ROOKERY_REWRITE_VECTORS=1` writes the placements anew below a file's cluster; the diff is
/// then the review.
@Suite struct PlacementVectorTests {
    private static let folder = #filePath.split(separator: "/").dropLast(2).reduce("") { $0 + "/" + $1 } + "/Vectors"

    @Test(arguments: ["local", "zones", "weights", "regions", "two-zones"])
    func placementsAreAsWritten(name: String) throws {
        let path = "\(Self.folder)/placement-\(name).txt"
        let text = try #require(read(path), "\(path) cannot be read")
        let vector = try PlacementVector(text)
        let rendered = try vector.rendered()
        if getenv("ROOKERY_REWRITE_VECTORS") != nil {
            try #require(write(rendered, to: path), "\(path) cannot be written")
        } else {
            #expect(rendered == text)
        }
    }

    private func read(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        while case let byte = getc(file), byte != EOF { bytes.append(UInt8(byte)) }
        return String(validating: bytes, as: UTF8.self)
    }

    private func write(_ text: String, to path: String) -> Bool {
        guard let file = fopen(path, "w") else { return false }
        let written = fputs(text, file) != EOF
        return fclose(file) == 0 && written
    }
}

/// The file: comments, `partitions N`, `replicas N`, lines `region NAME`, lines `node ID REGION ZONE WEIGHT`, then the
/// placements `PARTITION PRIMARY MEMBER,MEMBER…`, which `rendered` works out anew.
private struct PlacementVector {
    struct Malformed: Error { var line: String }

    private var head: [String] = []
    private var partitions = 0
    private var replicas = 0
    private var regions: [String] = []
    private var nodes: [NodeInfo] = []

    init(_ text: String) throws {
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            if line == "placements" { break }
            head.append(line)
            try take(line)
        }
    }

    private mutating func take(_ line: String) throws {
        let words = line.split(separator: " ").map(String.init)
        guard let kind = words.first, kind != "#" else { return }
        switch (kind, words.count) {
        case ("partitions", 2): partitions = Int(words[1]) ?? 0
        case ("replicas", 2): replicas = Int(words[1]) ?? 0
        case ("region", 2): regions.append(words[1])
        case ("node", 5): nodes.append(.make(words[1], region: words[2], zone: words[3], weight: Int(words[4]) ?? 0))
        default: throw Malformed(line: line)
        }
    }

    func rendered() throws -> String {
        let partitioning = try Partitioning(count: partitions, regionNames: regions)
        let placements = try Ring.place(nodes: nodes, partitioning: partitioning, replicas: replicas)
        let lines = placements.map { placement in
            "\(placement.partition) \(placement.primary) \(placement.members.map(\.rawValue).joined(separator: ","))"
        }
        return (head + ["placements"] + lines).joined(separator: "\n") + "\n"
    }
}

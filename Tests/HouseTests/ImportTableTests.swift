import Testing

/// Who may import whom. The build refuses an import that Package.swift does not list
/// (`--explicit-target-dependency-import-check error`); this holds Package.swift itself against the table, so that a
/// new edge between layers is a decision and not an accident. docs/architecture.md says why each edge is there.
@Suite struct ImportTableTests {
    private static let table: [String: Set<String>] = [
        "CRocksDB": [], "CLZ4": [], "CProtobufC": [], "CXXHash": [],
        "CRPCMessages": ["CProtobufC"],
        "CMessages": ["CProtobufC"],
        "TweetText": [], "Sketches": [],
        "Messages": ["CMessages"],
        "RPC": ["CRPCMessages", "CLZ4", "CXXHash"],
        "Cluster": ["CXXHash"],
        "Storage": ["CRocksDB"],
        "Replication": ["Storage", "Cluster", "Messages"],
        "Coordination": ["RPC", "Messages", "Cluster"],
        "Keeper": ["Coordination", "Storage", "RPC", "Messages", "Cluster"],
        "TestService": ["RPC", "Messages"],
        "Nodes": [
            "Replication", "Storage", "Coordination", "RPC", "TestService", "Messages", "Cluster", "TweetText",
            "Sketches",
        ],
        "Client": ["Coordination", "RPC", "Messages", "Cluster", "TweetText"],
        "LocalCluster": ["Client", "Cluster"],
        "rookery": ["Client", "LocalCluster", "Cluster"],
        "rookeryd": ["Nodes", "Keeper", "Cluster"],
        "space-saving-bench": ["Sketches"],
        "rpc-bench": ["RPC", "Messages"],
        "contract-server": ["RPC", "TestService"],
    ]

    /// Libraries of other people that have one importer among the sources.
    private static let owners = ["NIOSSL": "RPC", "NIOTLS": "RPC", "X509": "LocalCluster"]

    private let targets: [PackageDescription.Target]

    init() throws {
        targets = try PackageDescription.dumped().targets
    }

    @Test func everyTargetImportsOnlyWhatTheTableAllows() {
        for target in targets where target.type != "test" {
            guard let allowed = Self.table[target.name] else {
                Issue.record("\(target.name) is not in the table")
                continue
            }
            let excess = Set(target.dependencies.compactMap(\.target)).subtracting(allowed)
            #expect(excess.isEmpty, "\(target.name) must not import \(excess.sorted())")
        }
    }

    @Test func encryptionAndCertificatesHaveOneImporterEach() {
        for (product, owner) in Self.owners {
            let importers = targets.filter { target in
                target.type != "test" && target.dependencies.contains { $0.product == product }
            }
            #expect(importers.map(\.name) == [owner], "\(product)")
        }
    }

    /// A C target is compiled without warnings as errors: generated code is not ours to mend.
    @Test func everySwiftTargetTreatsWarningsAsErrors() {
        for target in targets where target.type != "system" && !["CMessages", "CRPCMessages"].contains(target.name) {
            let levels = target.settings.compactMap(\.kind.treatAllWarnings?._0)
            #expect(levels == ["error"], "\(target.name) lets warnings pass")
        }
    }
}

import Foundation
import Testing

@testable import Cluster

@Suite struct ClusterConfigTests {
    private static let root = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }

    /// Line 1 is `cluster:`; the nodes are on lines 6–8.
    private static let good = """
        cluster: test
        partitions: 64
        replicas: 1
        keeper: static
        nodes:
          - {id: n1, address: "127.0.0.1:7401", metrics: "127.0.0.1:7501", region: eu, zone: a, weight: 100}
          - {id: n2, address: "127.0.0.1:7402", region: us, zone: b}
          - {id: n3, address: "[::1]:7403", region: eu, zone: c, weight: 50}
        """

    private static func parse(_ text: String) throws -> ClusterConfig {
        try ClusterConfig.parse(text, file: "cluster.yaml")
    }

    @Test func theFileThatComesWithTheProjectIsGood() throws {
        let config = try ClusterConfig.load(path: "\(Self.root)/cluster.yaml")
        #expect(config.clusterId == "rookery-local")
        #expect(config.nodes.map(\.id) == ["n1", "n2", "n3"])
        #expect(config.nodes.map(\.zone) == ["a", "b", "c"])
        #expect(config.nodes.map(\.address.port) == [7401, 7402, 7403])
        #expect(config.metrics["n3"] == Address(host: "127.0.0.1", port: 7503))
        #expect(config.partitions == 64 && config.replicas == 1 && config.keeper == .static)
        // It spells the defaults out, so that one sees what there is to set.
        #expect(config.limits == Limits() && config.storage == ClusterConfig.Storage())
    }

    @Test func leftOutPartsHaveDefaults() throws {
        let config = try Self.parse(Self.good)
        #expect(config.limits == Limits() && config.storage.sync)
        #expect(config.nodes.map(\.weight) == [100, 100, 50])
        #expect(config.metrics == ["n1": Address(host: "127.0.0.1", port: 7501)])
        #expect(config.regions.map(\.name) == ["eu", "us"])
        #expect(config.regions.map(\.count) == [32, 32])
        #expect(config.node("n3")?.address == Address(host: "::1", port: 7403))
        #expect(config.node("n4") == nil)
    }

    @Test func givenPartsAreTaken() throws {
        let config = try Self.parse(
            Self.good + "\nregions: [us, eu]\nlimits: {session_days: 7, max_in_flight: 99}"
                + "\nstorage: {sync: false, index: false}")
        #expect(config.regions.map(\.name) == ["us", "eu"])
        #expect(config.limits.sessionDays == 7 && config.limits.maxInFlight == 99)
        #expect(config.limits.maxMessageBytes == Limits().maxMessageBytes)
        #expect(!config.storage.sync && !config.storage.index)
        #expect(try Self.parse(Self.good + "\nstorage: {}").storage.sync, "off only where it says so")
        let longest = String(repeating: "n", count: 64)
        #expect(try Self.parse(Self.good.replacing("id: n1", with: "id: \(longest)")).nodes[0].id == NodeId(longest))
    }

    @Test func defaultsAreWithinTheirRanges() {
        for definition in Limits.all { #expect(definition.range.contains(Limits()[keyPath: definition.field])) }
    }

    @Test func aNewClustersMapIsTheRings() throws {
        let config = try Self.parse(Self.good)
        let map = try config.initialMap()
        #expect(map.version == 1 && map.rows.count == 64 && map.nodes.count == 3)
        #expect(map.rows.allSatisfy { $0.epoch == 1 && $0.revision == 1 && $0.members == [$0.primary] })
        #expect(map.owner(of: PartitionId(40))?.id == "n2" && map.row(of: PartitionId(40))?.region == "us")
    }

    @Test func certificatesAreSoughtBesideTheFile() throws {
        #expect(try Self.parse(Self.good).tls == nil)
        let text = Self.good + "\ntls: {ca: /etc/ca.pem, certificate: 'tls/{id}.pem', key: 'tls/{id}.key'}"
        let tls = try #require(try ClusterConfig.parse(text, file: "/srv/rookery/cluster.yaml").tls)
        #expect(tls.authority == "/etc/ca.pem" && tls.clientCertificates == .peers)
        #expect(tls.certificate(of: "n2") == "/srv/rookery/tls/n2.pem")
        #expect(tls.key(of: "n2") == "/srv/rookery/tls/n2.key")
        let here = try #require(try Self.parse(text).tls)
        #expect(here.certificate(of: "n1") == "tls/n1.pem")
        let lax = text.replacing("ca: /etc", with: "client_certificates: none, ca: /etc")
        #expect(try Self.parse(lax).tls?.clientCertificates == ClusterConfig.TLS.ClientCertificates.none)
    }

    /// What is changed in the good file, and the whole sentence that must come of it.
    struct Mistake: CustomTestStringConvertible, Sendable {
        var from: String
        var to: String
        var message: String
        var testDescription: String { message }

        init(_ from: String, _ to: String, _ message: String) {
            self.from = from
            self.to = to
            self.message = message
        }
    }

    @Test(arguments: [
        Mistake(
            "cluster: test", "cluster: test\ncolour: red",
            #"cluster.yaml:2: unknown key "colour"; known are cluster, partitions, replicas, keeper, nodes, regions, limits, storage, tls"#
        ),
        Mistake("cluster: test\n", "", #"cluster.yaml:1: the key "cluster" is missing"#),
        Mistake(
            "cluster: test", "cluster: a b",
            #"cluster.yaml:1: cluster: must be 1 to 64 letters, digits, ".", "_" or "-", found "a b""#),
        Mistake(
            "cluster: test", "cluster: clüster",
            #"cluster.yaml:1: cluster: must be 1 to 64 letters, digits, ".", "_" or "-", found "clüster""#),
        Mistake(
            "id: n2", "id: \(String(repeating: "n", count: 65))",
            #"cluster.yaml:7: nodes[1].id: must be 1 to 64 letters, digits, ".", "_" or "-", found ""#
                + String(repeating: "n", count: 65) + "\""),
        Mistake("cluster: test", "cluster: [test]", "cluster.yaml:1: cluster: must be text, found a list"),
        Mistake("cluster: test", "cluster:", "cluster.yaml:1: cluster: must be text, found nothing"),
        Mistake("cluster: test", "cluster: 12", "cluster.yaml:1: cluster: must be text, found 12"),
        Mistake(
            "partitions: 64", "partitions: 63",
            "cluster.yaml:2: partitions: the number of partitions must be a power of two from 1 to 16384, not 63"),
        Mistake(
            "partitions: 64", "partitions: 32768",
            "cluster.yaml:2: partitions: must be a whole number from 1 to 16384, found 32768"),
        Mistake(
            "partitions: 64", "partitions: \"64\"",
            #"cluster.yaml:2: partitions: must be a whole number from 1 to 16384, found "64""#),
        Mistake(
            "partitions: 64", "partitions: 6.4",
            "cluster.yaml:2: partitions: must be a whole number from 1 to 16384, found 6.4"),
        Mistake(
            "partitions: 64", "partitions: 1",
            "cluster.yaml:2: partitions: 1 partitions cannot be split among 2 regions"),
        Mistake(
            "partitions: 64", "partitions: 64\npartitions: 64", #"cluster.yaml:2: the key "partitions" is there twice"#),
        Mistake("replicas: 1", "replicas: 0", "cluster.yaml:3: replicas: must be a whole number from 1 to 7, found 0"),
        Mistake(
            "replicas: 1", "replicas: 2",
            "cluster.yaml:3: replicas: must be 1, found 2: the static keeper cannot replace a replica, so it keeps one only"
        ),
        Mistake(
            "keeper: static", "keeper: etcd",
            #"cluster.yaml:4: keeper: unknown keeper "etcd"; only "static" is known, with replicas: 1"#),
        Mistake("id: n2, ", "", #"cluster.yaml:7: nodes[1]: the key "id" is missing"#),
        Mistake("id: n2", "id: n1", #"cluster.yaml:7: nodes[1].id: the node id "n1" is there twice"#),
        Mistake(
            "zone: b", "zone: b, size: 3",
            #"cluster.yaml:7: nodes[1]: unknown key "size"; known are id, address, region, zone, metrics, weight"#),
        Mistake(
            "7402", "7401",
            "cluster.yaml:7: nodes[1].address: the address 127.0.0.1:7401 is already that of nodes[0].address"),
        Mistake(
            "7402", "7501",
            "cluster.yaml:7: nodes[1].address: the address 127.0.0.1:7501 is already that of nodes[0].metrics"),
        Mistake("7402", "70000", #"cluster.yaml:7: nodes[1].address: the port must be from 1 to 65535, found "70000""#),
        Mistake("7501", "http", #"cluster.yaml:6: nodes[0].metrics: the port must be from 1 to 65535, found "http""#),
        Mistake(
            "127.0.0.1:7402", "localhost", #"cluster.yaml:7: nodes[1].address: must be host:port, found "localhost""#),
        Mistake(
            "weight: 50", "weight: heavy",
            #"cluster.yaml:8: nodes[2].weight: must be a whole number from 1 to 1000, found "heavy""#),
        Mistake(
            "weight: 50", "weight: 0", "cluster.yaml:8: nodes[2].weight: must be a whole number from 1 to 1000, found 0"
        ),
        Mistake(
            "weight: 50", "weight: 1001",
            "cluster.yaml:8: nodes[2].weight: must be a whole number from 1 to 1000, found 1001"),
        Mistake(
            "keeper: static", "keeper: static\nregions: [eu]",
            #"cluster.yaml:8: nodes[1].region: the region "us" is not in regions"#),
        Mistake(
            "keeper: static", "keeper: static\nregions: [eu, us, asia]",
            #"cluster.yaml:5: regions: the region "asia" has no node"#),
        Mistake(
            "keeper: static", "keeper: static\nregions: [eu, us, eu]",
            #"cluster.yaml:5: regions: the region "eu" is named twice"#),
        Mistake("keeper: static", "keeper: static\nregions: []", "cluster.yaml:5: regions: must not be empty"),
        Mistake(
            "keeper: static", "keeper: static\nlimits: {session_days: 0}",
            "cluster.yaml:5: limits.session_days: must be a whole number from 1 to 365, found 0"),
        Mistake(
            "keeper: static", "keeper: static\nlimits: {max_in_flight: many}",
            #"cluster.yaml:5: limits.max_in_flight: must be a whole number from 16 to 1000000, found "many""#),
        Mistake("keeper: static", "keeper: static\nlimits: 7", "cluster.yaml:5: limits: must be a mapping, found 7"),
        Mistake(
            "keeper: static", "keeper: static\nstorage: {sync: maybe}",
            #"cluster.yaml:5: storage.sync: must be true or false, found "maybe""#),
        Mistake(
            "keeper: static", "keeper: static\nstorage: {sync: 'true'}",
            #"cluster.yaml:5: storage.sync: must be true or false, found "true""#),
        Mistake(
            "keeper: static", "keeper: static\ntls: {ca: ca.pem, key: '{id}.key'}",
            #"cluster.yaml:5: tls: the key "certificate" is missing"#),
        Mistake(
            "keeper: static", "keeper: static\ntls: {ca: ca.pem, certificate: n1.pem, key: '{id}.key'}",
            "cluster.yaml:5: tls.certificate: must hold {id}, in whose place each of the 3 nodes puts its id"),
        Mistake(
            "keeper: static", "keeper: static\ntls: {ca: ca.pem, certificate: '{id}.pem', key: node.key}",
            "cluster.yaml:5: tls.key: must hold {id}, in whose place each of the 3 nodes puts its id"),
        Mistake(
            "keeper: static", "keeper: static\ntls: {ca: '', certificate: '{id}.pem', key: '{id}.key'}",
            "cluster.yaml:5: tls.ca: must not be empty"),
        Mistake(
            "keeper: static",
            "keeper: static\ntls: {ca: c, certificate: '{id}', key: '{id}', client_certificates: all}",
            #"cluster.yaml:5: tls.client_certificates: must be "peers" or "none", found "all""#),
        Mistake("keeper: static", "keeper: static\ntls: true", "cluster.yaml:5: tls: must be a mapping, found true"),
        Mistake(
            "  - {id: n2", "\t- {id: n2",
            "cluster.yaml:7: not valid YAML: found character that cannot start any token; a tab cannot indent, use spaces"
        ),
        Mistake("zone: b}", "zone: b", "cluster.yaml:8: not valid YAML: did not find expected ',' or '}'"),
    ])
    func aMistakeIsNamedWithItsLine(mistake: Mistake) throws {
        let text = Self.good.replacing(mistake.from, with: mistake.to, maxReplacements: 1)
        try #require(text != Self.good)
        let error = #expect(throws: ConfigError.self) { try Self.parse(text) }
        #expect(error?.description == mistake.message)
    }

    @Test func aFileThatIsNoConfigurationSaysSo() {
        func message(_ text: String) -> String? {
            #expect(throws: ConfigError.self) { try Self.parse(text) }?.description
        }
        #expect(message("") == "cluster.yaml:1: the file is empty")
        #expect(message("- a") == "cluster.yaml:1: must be a mapping, found a list")
        #expect(message("nodes: {}\n---\nnodes: {}")?.hasPrefix("cluster.yaml:2: not valid YAML: ") == true)
    }

    @Test func aFileThatIsNoTextSaysSo() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "rookery-\(UUID().uuidString).yaml").path
        defer { try? FileManager.default.removeItem(atPath: path) }  // what is left is the system's to clean
        try Data([0x61, 0x3A, 0x20, 0xE9]).write(to: URL(filePath: path))
        let error = #expect(throws: ConfigError.self) { try ClusterConfig.load(path: path) }
        #expect(error?.description == "\(path): is not UTF-8 text")
    }

    @Test func aFileThatIsNotThereSaysSo() {
        let error = #expect(throws: ConfigError.self) { try ClusterConfig.load(path: "/nowhere/cluster.yaml") }
        #expect(error?.description == "/nowhere/cluster.yaml: cannot be read: No such file or directory")
        let folder = #expect(throws: ConfigError.self) { try ClusterConfig.load(path: Self.root) }
        #expect(folder?.description == "\(Self.root): cannot be read: Is a directory")
    }
}

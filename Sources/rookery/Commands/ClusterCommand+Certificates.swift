import ArgumentParser
import Client
import LocalCluster

extension ClusterCommand {
    struct Certificates: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a development CA and a certificate for every node, for TLS.",
            discussion: """
                Prints what to put into cluster.yaml. Keys are readable by their owner alone. Certificates that are \
                there are not overwritten without --force, which renews the nodes' and keeps the CA. Restart the nodes \
                afterwards. For a cluster that others rely on, have a CA of your own sign certificates whose first \
                dNSName is the node's id.
                """)
        @OptionGroup var common: CommonOptions

        @Option(help: "How many days the nodes' certificates are valid: 1 to 3650, and no longer than the CA.")
        var days = 365

        @Option(help: ArgumentHelp("Where to; by default below --data.", valueName: "dir"))
        var out: String?

        @Flag(help: "Renew the nodes' certificates that are there. The CA is kept.")
        var force = false

        func validate() throws {
            guard (1...3650).contains(days) else { throw ValidationError("--days must be from 1 to 3650") }
        }

        func run() async throws {
            let made = try await common.localCluster().makeCertificates(in: out, days: days, force: force)
            if common.json { return Terminal.writeLine(try JSONText.encode(made)) }
            Terminal.writeLine("\(made.isNewAuthority ? "new CA" : "the CA is kept:") \(made.authority)")
            for node in made.nodes {
                Terminal.writeLine("\(node.id) \(node.certificate), valid until \(node.validUntil)")
            }
            Terminal.writeLine("\nThis belongs into \(common.config); then restart the nodes:\n")
            for line in made.configuration { Terminal.writeLine(line) }
        }
    }
}

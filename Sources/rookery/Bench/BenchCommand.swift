import ArgumentParser
import Client
import Cluster
import Glibc

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Put load on the cluster, and measure.",
        discussion: """
            home    one's first home page of 20
            user    somebody's first page of 20
            post    140 bytes of made-up words
            like    a tweet of the preload, which it makes if need be
            search  two words, the newest ten
            top     the ten largest tweets by likes, or users
            read    999 home, 1 post in a thousand
            dsb     60 % home, 30 % user, 10 % post

            The users are those that `rookery import`, or --graph, has made; each call has the session of the one who \
            acts. Posts and likes stay; a like that is there already is made again, and changes nothing.

            closed    connections × in-flight callers, each sends its next when the
                      last was answered
            lockstep  all of them send at once, and again when all were answered
            open      --rate operations a second, answered or not; latency counts
                      from when each was due; what would exceed
                      --max-outstanding is not made, and counted as OVERFLOW

            Latencies are of all that was answered from the measured time on, the rate is of what was answered in it; \
            an open loop counts what was due in it, up to the last answer. Ctrl-C ends the run with what was measured.

            Exit status 1 when no operation succeeded; other errors are counted and shown by their status. An answer \
            that lacks what a node holds is an error, too: INCOMPLETE. After an error a caller of the first two loops \
            waits 20 ms.
            """)
    @OptionGroup var common: CommonOptions
    @OptionGroup var options: BenchOptions

    func run() async throws {
        let settings = try options.settings()
        let config = try common.loadConfig()
        let store = try SessionStore(clusterId: config.clusterId, environment: Variables.process)
        let cores = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let loops = ClientLoops(threads: min(settings.connections, cores))
        let connections = try (0..<settings.connections).map { _ in Connection(try loops.client(config: config)) }
        let progress = ProgressLine(isShown: !common.json)
        let bench = Bench(settings: settings, connections: connections, store: store, progress: progress)
        let result: Result<Bench.Finding, any Error>
        do {
            result = .success(try await bench.run(graph: try options.plan(), preload: options.preload))
        } catch {
            result = .failure(error)
        }
        progress.finish()
        for connection in connections { await connection.client.close() }
        await loops.close()
        try show(try result.get())
    }

    private func show(_ finding: Bench.Finding) throws {
        if common.json {
            Terminal.writeLine(try JSONText.encode(finding.report))
        } else {
            let style = Style(colours: Terminal.colours)
            for line in finding.report.lines(style, finding.failures) { Terminal.writeLine(line) }
        }
        try finding.requireSuccess()
    }
}

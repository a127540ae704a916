import ArgumentParser
import Client

/// What `bench` can be told.
struct BenchOptions: ParsableArguments {
    enum Loop: String, CaseIterable, ExpressibleByArgument {
        case closed, lockstep, open
    }

    @Argument(help: "What to do.") var mix: Mix
    @Option(help: "When to send the next operation.") var loop: Loop = .closed
    @Option(help: ArgumentHelp("With --loop open: operations a second.", valueName: "n")) var rate: UInt64?
    @Option(help: ArgumentHelp("With --loop open: operations under way (default: 1024).", valueName: "n"))
    var maxOutstanding: Int?
    @Option(help: ArgumentHelp("Clients, each with connections of its own.", valueName: "n")) var connections = 8
    @Option(help: ArgumentHelp("Operations under way on each (default: 16).", valueName: "n")) var inFlight: Int?
    @Option(help: ArgumentHelp("How long to measure.", valueName: "s")) var seconds = 10.0
    @Option(help: ArgumentHelp("How long to run before that.", valueName: "s")) var warmup = 1.0
    @Option(
        help: ArgumentHelp("How users are chosen: uniform, zipf, or zipf:EXPONENT.", valueName: "popularity"),
        transform: { try Popularity($0) })
    var users = Popularity.uniform
    @Option(
        help: ArgumentHelp(
            "Repeat the choices of an earlier run (default: others each time). Its likes are there already.",
            valueName: "n"))
    var seed: UInt64?
    @Flag(help: "First make 20 posts of every user, unless they are there.") var preload = false
    @Option(help: ArgumentHelp("First make users and follows from this edge list, as import does.", valueName: "file"))
    var graph: String?

    private static let workers = 1...8192

    func validate() throws { _ = try settings() }

    /// - Throws: `ValidationError` that names the wrong option.
    func settings() throws -> BenchSettings {
        try require((1...256).contains(connections), "--connections must be 1 to 256.")
        try require(seconds > 0 && seconds <= 86_400, "--seconds must be above 0, and at most a day.")
        try require(warmup >= 0 && warmup <= 3600, "--warmup must be 0 to 3600.")
        let loop = try chosenLoop()
        return BenchSettings(
            mix: mix, loop: loop, connections: connections, inFlight: try inFlight(loop), warmup: .seconds(warmup),
            length: .seconds(seconds), popularity: users, seed: seed ?? UInt64.random(in: 0...UInt64(UInt32.max)))
    }

    /// Operations under way at most, a connection.
    private func inFlight(_ loop: BenchSettings.Loop) throws -> Int {
        if case .open(_, let maxOutstanding) = loop { return maxOutstanding / connections }
        let inFlight = inFlight ?? 16
        try require(inFlight >= 1, "--in-flight must be 1 or more.")
        try require(
            inFlight <= Self.workers.upperBound / connections, "--connections times --in-flight must be at most 8192.")
        return inFlight
    }

    private func chosenLoop() throws -> BenchSettings.Loop {
        guard loop == .open else {
            try require(rate == nil, "--rate is for --loop open.")
            try require(maxOutstanding == nil, "--max-outstanding is for --loop open.")
            return loop == .closed ? .closed : .lockstep
        }
        guard let rate else { throw ValidationError("--loop open needs --rate.") }
        try require((1...10_000_000).contains(rate), "--rate must be 1 to 10000000.")
        try require(inFlight == nil, "--in-flight is for the other loops; --loop open has --max-outstanding.")
        let outstanding = maxOutstanding ?? 1024
        try require(
            (connections...Self.workers.upperBound).contains(outstanding),
            "--max-outstanding must be 1 or more for each connection, and at most 8192.")
        return .open(rate: rate, maxOutstanding: outstanding)
    }

    private func require(_ condition: Bool, _ sentence: String) throws {
        guard condition else { throw ValidationError(sentence) }
    }

    /// What `--graph` asks for.
    func plan() throws -> ImportPlan? {
        guard let graph else { return nil }
        guard let bytes = try PrivateFile.read(graph) else {
            throw RookeryError(.notFound, "there is no file \(graph)")
        }
        let nothing = ImportFile(path: "no tweets", bytes: [])
        return try ImportPlan(graph: ImportFile(path: graph, bytes: bytes), tweets: nothing, directed: false)
    }
}

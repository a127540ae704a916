import ArgumentParser
import Client
import Cluster
import Glibc

/// The flags that every command takes.
struct CommonOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The cluster's configuration.", valueName: "file"))
    var config = "./cluster.yaml"

    @Option(name: .customLong("as"), help: ArgumentHelp("Whose stored session to use.", valueName: "name"))
    var user: String?

    @Flag(help: "One JSON document on standard output, and nothing else there.")
    var json = false

    @Option(help: ArgumentHelp("Where the local launcher keeps its state.", valueName: "dir"))
    var data = ".rookery"

    func loadConfig() throws -> ClusterConfig { try ClusterConfig.load(path: config) }

    /// Runs the body with a client of the cluster, and stores what the session has learned.
    func withContext(_ body: (Context) async throws -> Void) async throws {
        let config = try loadConfig()
        let store = try SessionStore(clusterId: config.clusterId, environment: Variables.process)
        let context = Context(
            client: try RookeryClient(config: config), store: store, user: user, json: json,
            session: SessionHolder())
        do {
            try await body(context)
        } catch {
            await context.client.close()
            throw error
        }
        context.saveSession()
        await context.client.close()
    }
}

/// What a command needs while it runs.
struct Context {
    let client: RookeryClient
    let store: SessionStore
    /// `--as`.
    let user: String?
    let json: Bool
    private let session: SessionHolder

    init(client: RookeryClient, store: SessionStore, user: String?, json: Bool, session: SessionHolder) {
        self.client = client
        self.store = store
        self.user = user
        self.json = json
        self.session = session
    }

    /// The session to act with, nil when nobody is logged in and none was named.
    func optionalSession() throws -> Session? {
        if let loaded = session.loaded { return loaded }
        guard let name = try user ?? store.current() else { return nil }
        guard let record = try store.load(name) else {
            throw RookeryError(.unauthenticated, "there is no stored session of @\(name): rookery login \(name)")
        }
        let loaded = Session(record)
        session.keep(loaded, record)
        return loaded
    }

    /// The session to act with.
    func requiredSession() throws -> Session {
        guard let session = try optionalSession() else {
            throw RookeryError(.unauthenticated, "you are not logged in: rookery login NAME, or --as NAME")
        }
        return session
    }

    /// Makes this the session of later commands.
    func adopt(_ new: Session) throws {
        try store.save(new.record)
        if user == nil { try store.setCurrent(new.name) }
        session.keep(new, new.record)
    }

    func forgetSession(_ name: String) throws {
        session.drop()
        try store.remove(name)
    }

    /// The command is done whether this succeeds or not: failing now would make somebody do it again.
    fileprivate func saveSession() {
        guard let changed = session.changedRecord else { return }
        do {
            try store.remember(changed)
        } catch {
            Terminal.writeError("rookery: done, but what this session has seen was not stored: \(error)")
        }
    }

    /// Prints the document with `--json`, else the lines.
    func show(_ document: some Encodable, _ lines: @autoclosure () -> [String]) throws {
        if json {
            Terminal.writeLine(try JSONText.encode(document))
        } else {
            for line in lines() { Terminal.writeLine(line) }
        }
    }

    var style: Style { Style(colours: Terminal.colours) }

    var tweets: TweetText { TweetText(style: style, nowMs: SystemClock().nowMs()) }
}

/// The session that a command has loaded, and what its file holds.
final class SessionHolder {
    private(set) var loaded: Session?
    private var stored: SessionRecord?

    func keep(_ session: Session, _ record: SessionRecord) { (loaded, stored) = (session, record) }

    func drop() { (loaded, stored) = (nil, nil) }

    /// The record when it differs from the stored one.
    var changedRecord: SessionRecord? {
        guard let record = loaded?.record, record != stored else { return nil }
        return record
    }
}

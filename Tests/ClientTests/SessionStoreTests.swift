import Cluster
import Glibc
import Messages
import Testing

@testable import Client

@Suite("Stored sessions")
struct SessionStoreTests {
    private func record(_ name: String = "Ada") -> SessionRecord {
        SessionRecord(
            name: name, userId: Id(rawValue: 99), region: "eu", token: [1, 2, 255],
            expiresAt: Timestamp(unixMs: 1_800_000_000_000))
    }

    private func mode(_ path: String) -> mode_t {
        var info = stat()
        #expect(stat(path, &info) == 0)
        return info.st_mode & 0o777
    }

    @Test("XDG_STATE_HOME decides where, else HOME; a relative one is ignored")
    func directories() throws {
        let own = try SessionStore(clusterId: "c1", environment: ["XDG_STATE_HOME": "/s", "HOME": "/h"])
        #expect(own.directory == "/s/rookery/c1")
        let home = try SessionStore(clusterId: "c1", environment: ["XDG_STATE_HOME": "s", "HOME": "/h"])
        #expect(home.directory == "/h/.local/state/rookery/c1")
        #expect(throws: RookeryError.self) { try SessionStore(clusterId: "c1", environment: [:]) }
        #expect(throws: RookeryError.self) { try SessionStore(clusterId: "c1", environment: ["HOME": ""]) }
    }

    @Test("What is saved is loaded, whatever the name's case; only its owner may read it")
    func roundTrip() throws {
        let directory = TemporaryDirectory()
        let store = SessionStore(directory: directory.path + "/deep/state")
        #expect(try store.load("ada") == nil)
        try store.save(record())
        #expect(try store.load("ADA") == record())
        #expect(mode(store.directory + "/sessions/ada.json") == 0o600)
        for path in [store.directory + "/sessions", store.directory, directory.path + "/deep"] {
            #expect(mode(path) == 0o700, "\(path)")
        }
    }

    @Test("The current session goes with its removal")
    func current() throws {
        let directory = TemporaryDirectory()
        let store = SessionStore(directory: directory.path)
        try store.save(record())
        try store.setCurrent("Ada")
        #expect(try store.current() == "ada")
        try store.remove("ada")
        #expect(try store.current() == nil)
        #expect(try store.load("ada") == nil)
    }

    @Test("Another user's removal leaves the current session")
    func othersRemoval() throws {
        let directory = TemporaryDirectory()
        let store = SessionStore(directory: directory.path)
        for name in ["ada", "bob"] { try store.save(record(name)) }
        try store.setCurrent("ada")
        try store.remove("bob")
        #expect(try store.current() == "ada")
        #expect(try store.load("bob") == nil)
    }

    @Test("What two processes have seen with one session is kept; a session that was replaced stays replaced")
    func twoProcesses() throws {
        let directory = TemporaryDirectory()
        let store = SessionStore(directory: directory.path)
        func seeing(_ index: UInt64, token: [UInt8] = [1, 2, 255]) -> SessionRecord {
            var record = record()
            record.token = token
            record.seen = [SeenWrite(.with { $0.index = index }, atMs: 5)]
            return record
        }
        try store.save(seeing(1))
        try store.remember(seeing(2))
        #expect(try store.load("ada")?.seen.map(\.index) == [1, 2])
        try store.save(seeing(3))
        #expect(try store.load("ada")?.seen.map(\.index) == [1, 2, 3])
        // Another login: nothing of the old session belongs to it, and the old one does not come back.
        try store.save(seeing(4, token: [9]))
        try store.remember(seeing(5))
        #expect(try store.load("ada") == seeing(4, token: [9]))
        // Nor after a logout.
        try store.remove("ada")
        try store.remember(seeing(6))
        #expect(try store.load("ada") == nil)
    }

    @Test("A file that is no session is named, and a new login replaces it")
    func damaged() throws {
        let directory = TemporaryDirectory()
        let store = SessionStore(directory: directory.path)
        try store.save(record())
        let path = directory.path + "/sessions/ada.json"
        try PrivateFile.write(Array("{}".utf8), to: path)
        let error = #expect(throws: RookeryError.self) { try store.load("ada") }
        #expect(error == RookeryError(.dataLoss, "\(path) is not a session file: remove it and log in again"))
        try store.save(record())
        #expect(try store.load("ada") == record())
    }

    @Test("Where nothing can be stored is known before there is something to store")
    func unwritable() throws {
        let directory = TemporaryDirectory()
        try PrivateFile.write([], to: directory.path + "/file")
        let store = SessionStore(directory: directory.path + "/file")
        #expect(throws: PrivateFile.Failure.self) { try store.checkWritable() }
    }

    @Test("A name cannot lead out of the directory")
    func noPaths() {
        let store = SessionStore(directory: "/nowhere")
        #expect(throws: InvalidUsername.self) { try store.load("../../x") }
    }

    @Test("What a session has written lately is bounded, newest first to stay, and forgotten after a minute")
    func seen() {
        var writes = SeenWrites()
        for index in 1...40 as ClosedRange<UInt64> {
            writes.remember(
                .with {
                    $0.seen = [
                        .with {
                            $0.destination = UInt32(index); $0.index = index
                        }
                    ]
                }, nowMs: 1000)
        }
        #expect(writes.entries.count == SeenWrites.limit)
        #expect(writes.entries.last?.index == 40)
        // The same stream again: the newest index covers the older one.
        writes.remember(
            .with {
                $0.seen = [
                    .with {
                        $0.destination = 40; $0.index = 50
                    }
                ]
            }, nowMs: 1000)
        #expect(writes.entries.count { $0.destination == 40 } == 1)
        #expect(writes.list(nowMs: 61_000)?.seen.count == SeenWrites.limit)
        #expect(writes.list(nowMs: 61_001) == nil)
    }
}

import Testing

@testable import Client

@Suite("Import: from files to a plan")
struct ImportPlanTests {
    private func file(_ text: String) -> ImportFile { ImportFile(path: "f", bytes: Array(text.utf8)) }

    private func plan(_ graph: String, _ tweets: String, directed: Bool = false) throws -> ImportPlan {
        try ImportPlan(graph: file(graph), tweets: file(tweets), directed: directed)
    }

    @Test("White space, commas, comments and Windows line ends are all fine")
    func forms() throws {
        let list = try EdgeList(file("# people\n1 0\r\n\n  2,\t0 % note\n%\n10 2"), directed: false)
        #expect(list.nodes == [0, 1, 2, 10])
        #expect(list.edges.map(\.line) == [2, 4, 6])
    }

    @Test("Duplicates and self-loops are harmless and counted")
    func harmless() throws {
        let list = try EdgeList(file("1 2\n2 1\n1 2\n3 3\n"), directed: false)
        #expect(list.edges.count == 1)
        #expect(list.duplicates == 2)
        #expect(list.selfLoops == 1)
        #expect(list.nodes == [1, 2, 3])
        #expect(try EdgeList(file("1 2\n2 1\n1 2\n"), directed: true).edges.count == 2)
    }

    @Test(
        "A bad line is named with its file and number",
        arguments: [
            "1 2\nx 3\n", "1 2\n1\n", "1 2\n1 2 3\n", "1 2\n-1 2\n", "1 2\n1 123456789012345\n", "1 2\n1.5 2",
            "1 2\n1 +2\n",
        ])
    func badLines(text: String) {
        #expect { try EdgeList(file(text), directed: false) } throws: { error in
            String(describing: error).hasPrefix("f:2: ")
        }
    }

    @Test("An empty graph is refused")
    func empty() {
        #expect(throws: ImportFailure.self) { try EdgeList(file("# nothing\n"), directed: false) }
    }

    @Test("Line i belongs to the (i mod users)-th user in ascending n, empty lines counted along")
    func authors() throws {
        let plan = try plan("30 4\n4 100\n", "zero\n one \n\n  \u{00A0}\nfour\r\nfive")
        #expect(plan.users == ["u4", "u30", "u100"])
        #expect(plan.posts[0].map(\.text) == ["zero"])
        #expect(plan.posts[1].map(\.text) == ["one", "four"])
        #expect(plan.posts[2].map(\.text) == ["five"])
        #expect(plan.skipped.empty == 2)
        #expect(plan.follows.count == 4)
    }

    @Test("The same files give the same keys, every write its own")
    func keys() throws {
        let (first, second) = (try plan("1 2\n2 3\n", "a\na\nb\n"), try plan("1 2\n2 3\n", "a\na\nb\n"))
        let keys = first.follows.map(\.key) + first.posts.flatMap { $0.map(\.key) }
        #expect(keys == second.follows.map(\.key) + second.posts.flatMap { $0.map(\.key) })
        #expect(Set(keys).count == keys.count)
        #expect(keys.allSatisfy { $0.isPermanent })
        let secret = [UInt8](repeating: 1, count: 32)
        #expect(
            ImportPlan.registerKey(name: "u1", secret: secret)
                != ImportPlan.registerKey(name: "u1", secret: [UInt8](repeating: 2, count: 32)))
    }

    @Test("With another graph the same line is another author's tweet, and has another key")
    func authorInKey() throws {
        let (first, second) = (try plan("1 2\n", "a\nb\n"), try plan("1 3\n", "a\nb\n"))
        #expect(first.posts[0] == second.posts[0], "u1 is in both")
        #expect(first.posts[1].map(\.text) == second.posts[1].map(\.text))
        #expect(first.posts[1].map(\.key) != second.posts[1].map(\.key))
    }

    @Test("A tweet that is no text is named with its line")
    func noText() {
        let latin = ImportFile(path: "t", bytes: [0x68, 0x69, 0x0A, 0xE9, 0x0A])
        #expect(throws: ImportFailure.line(file: "t", line: 2, problem: "it is not UTF-8 text")) {
            try ImportPlan(graph: file("1 2\n"), tweets: latin, directed: false)
        }
    }

    @Test(
        "A damaged file of secrets is named with its line, and left alone",
        arguments: ["u1", "u1 0g", "u1 00", "u1 " + String(repeating: "0", count: 66), "u1 00 00"])
    func damagedSecrets(line: String) throws {
        let directory = TemporaryDirectory()
        let path = directory.path + "/import-secrets"
        let good = "u0 " + String(repeating: "ab", count: 32)
        try PrivateFile.write(Array((good + "\n" + line + "\n").utf8), to: path)
        #expect(throws: ImportFailure.line(file: path, line: 2, problem: "it is not a name and a secret")) {
            try ImportSecrets(directory: directory.path)
        }
    }

    @Test("Secrets are made once")
    func secrets() throws {
        let directory = TemporaryDirectory()
        var secrets = try ImportSecrets(directory: directory.path)
        #expect(try secrets.complete(["u1", "u2"], .system) == [])
        var again = try ImportSecrets(directory: directory.path)
        #expect(again.secrets == secrets.secrets)
        #expect(try again.complete(["u1", "u2", "u3"], .system) == ["u1", "u2"])
        #expect(again.secrets["u1"] == secrets.secrets["u1"])
    }
}

import Testing

@testable import Cluster

@Suite struct UsernameTests {
    @Test(arguments: ["a", "_", "0", "Alice_99", "ABCDEFGHIJKLMNO"])
    func goodNames(name: String) throws {
        try Username.validate(name)
    }

    @Test func badNamesSayWhatIsWrong() {
        #expect(throws: InvalidUsername.empty) { try Username.validate("") }
        #expect(throws: InvalidUsername.tooLong(characters: 16)) { try Username.validate("ABCDEFGHIJKLMNOP") }
        #expect(throws: InvalidUsername.character(" ")) { try Username.validate("a b") }
        #expect(throws: InvalidUsername.character("ä")) { try Username.validate("bär") }
        #expect(throws: InvalidUsername.character("\r\n")) { try Username.validate("a\r\n") }
        // Looks like an "a", and is a Cyrillic one.
        #expect(throws: InvalidUsername.character("а")) { try Username.validate("аlice") }
        // An "e" with an accent of its own.
        #expect(throws: InvalidUsername.character("e\u{301}")) { try Username.validate("e\u{301}") }
    }

    @Test func foldingLowersAsciiOnly() {
        #expect(Username.folded("Alice_99Z") == "alice_99z")
        // A Turkish capital I with a dot, and a Kelvin sign, which Unicode would lower to ASCII letters.
        #expect(Username.folded("\u{130}\u{212a}") == "\u{130}\u{212a}")
    }
}

@Suite struct AddressTests {
    @Test func hostsAndPorts() {
        #expect(Address("127.0.0.1:7401") == Address(host: "127.0.0.1", port: 7401))
        #expect(Address("[::1]:80") == Address(host: "::1", port: 80))
        #expect(Address("[::1]:80")?.description == "[::1]:80")
        #expect(Address("node-1.example:65535")?.description == "node-1.example:65535")
    }

    @Test(arguments: [
        "", ":", "host", "host:", ":80", "host:0", "host:65536", "host:+80", "host:8o", "::1:80", "a b:80",
    ])
    func noAddresses(text: String) {
        #expect(Address(text) == nil)
    }
}

@Suite struct ChecksumTests {
    @Test func xxh3AsPublished() {
        // xxHash's own test vector for the empty input.
        #expect(Checksum.xxh3([]) == 0x2d06_8005_38d3_94c2)
        #expect(Checksum.xxh3([1, 2, 3]) == Checksum.xxh3([1, 2, 3], seed: 0))
        #expect(Checksum.xxh3([1], seed: 1) != Checksum.xxh3([1], seed: 2))
    }
}

@Suite struct SystemClockTests {
    @Test func theWallClockIsPastTheEpochAndTheOtherOnlyGrows() {
        let clock = SystemClock()
        #expect(clock.nowMs() > 1_700_000_000_000)
        let readings = (0..<1000).map { _ in clock.monotonicNs() }
        #expect(zip(readings, readings.dropFirst()).allSatisfy { $0 <= $1 })
    }
}

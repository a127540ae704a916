import Testing

/// `make test` regenerates and compares; this says which folder is for what, and sees a file that nobody makes.
@Suite struct GeneratedCodeTests {
    @Test func everyProtoHasItsCodeAndNothingElseDoes() throws {
        let protos = try House.files(below: "Protos", ending: ".proto").map { name($0, dropping: ".proto") }
        let own = ["rpc", "services"]
        let messages = protos.filter { !own.contains($0) }
        #expect(!messages.isEmpty && protos.count == messages.count + own.count)
        #expect(try generated("Sources/CRPCMessages", ".pb-c.c") == own)
        #expect(try generated("Sources/CRPCMessages/include", ".pb-c.h") == ["arena.h"] + own)
        #expect(try generated("Sources/CMessages", ".pb-c.c") == messages)
        #expect(try generated("Sources/CMessages/include", ".pb-c.h") == (["arena.h"] + messages).sorted())
        #expect(try generated("Sources/Messages/Generated", "Messages.swift") == messages)
        #expect(try generated("Tests/Fuzz/Targets/Generated", ".swift") == ["messagelist"])
    }

    /// Generated code is cargo: the layers above see the Swift structs, and nobody's C.
    @Test func onlyMessagesAndRPCImportGeneratedC() throws {
        let found = try House.places(
            of: Regex("^\\s*(?:@\\w+ )?import C(?:RPC)?Messages\\b"),
            in: House.files(below: "Sources", ending: ".swift"))
        for place in found {
            let allowed = place.hasPrefix("Sources/Messages/") || place.hasPrefix("Sources/RPC/")
            #expect(allowed, "\(place)")
        }
    }

    /// Names of the files below a folder without their ending; a file with another ending keeps it and is seen.
    private func generated(_ folder: String, _ suffix: String) throws -> [String] {
        try House.files(below: folder).filter { suffix == ".pb-c.h" || !$0.path.contains("/include/") }
            .map { name($0, dropping: suffix) }
    }

    private func name(_ file: House.File, dropping suffix: String) -> String {
        let last = file.path.split(separator: "/").last ?? ""
        return (last.hasSuffix(suffix) ? String(last.dropLast(suffix.count)) : String(last)).lowercased()
    }
}

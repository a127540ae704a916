import Testing

/// What a review should not have to look for.
@Suite struct TidyTests {
    /// Lines at most, generated code apart. It only ever goes down.
    private static let longestFile = 500

    /// Patterns are put together from pieces, so that this file does not hold what it looks for.
    @Test func noFileNamesAPlaceOfOneMachine() throws {
        let folders = ["home", "root", "work", "farm", "Users", "opt/swift"].joined(separator: "|")
        let pattern = try Regex<Substring>("(?:^|[\\s\"'`=:(\\[,])/(?:" + folders + ")(?:/|\\b)")
        let found = try House.places(of: pattern, in: House.files())
        #expect(found.isEmpty, "\(found.joined(separator: "\n"))")
    }

    @Test func nothingIsLeftForLater() throws {
        let words = ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"].joined(separator: "|")
        let found = try House.places(of: Regex("\\b(?:" + words + ")\\b"), in: House.files())
        #expect(found.isEmpty, "\(found.joined(separator: "\n"))")
    }

    /// A test that sleeps to be right is wrong on a slow day: wait for the condition, or pass the time in.
    @Test func noTestSleeps() throws {
        let found = try House.places(of: Regex("sle" + "ep\\("), in: House.files(below: "Tests", ending: ".swift"))
        #expect(found.isEmpty, "\(found.joined(separator: "\n"))")
    }

    @Test func noFileIsTooLong() throws {
        for file in try House.files(ending: ".swift") where !file.isGenerated {
            let lines = try file.lines().count - 1
            #expect(lines <= Self.longestFile, "\(file.path) has \(lines) lines; it tells two stories")
        }
    }

    @Test func whatToolsMakeIsIgnoredByGit() throws {
        let ignored = try House.File(path: ".gitignore").lines()
        for entry in [".build/", "Package.resolved", ".rookery/"] {
            #expect(ignored.contains { $0 == entry }, ".gitignore does not hold \(entry)")
        }
    }
}

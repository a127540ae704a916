/// Tells whether a whole text is one valid thing: the validations of twitter-text.
public enum Validator {
    /// Can the text be a tweet?
    public static func isValidTweet(_ text: String, rules: WeighingRules = .v3) -> Bool {
        WeighedText(text, rules: rules).isValid
    }

    /// Is it `@name`, with a name of 1 to 20 ASCII letters, digits and underscores?
    public static func isValidUsername(_ text: String) -> Bool {
        let text = CodePoints(text)
        guard let match = wholeMatch(text) else { return false }
        return match.slug.isEmpty
    }

    /// Is it `@name/list`, with a list's name of 1 to 25 characters that begins with a letter?
    public static func isValidList(_ text: String) -> Bool {
        let text = CodePoints(text)
        guard let match = wholeMatch(text) else { return false }
        return !match.slug.isEmpty
    }

    /// Is it `#tag`, with a letter or mark among the letters, marks, digits and special characters of the tag?
    public static func isValidHashtag(_ text: String) -> Bool {
        let text = CodePoints(text)
        return HashtagScanner(text: text).ranges() == [0..<text.count]
    }

    /// Is it a web address by RFC 3986, as twitter-text narrows it? Not what the extractor would find in a text: hosts
    /// may be IP addresses, users may be named, top-level domains need not exist.
    ///
    /// - Parameters:
    ///   - allowsUnicodeDomains: May labels hold what is not ASCII?
    ///   - requiresProtocol: Must it begin with `http://` or `https://`?
    public static func isValidURL(
        _ text: String, allowsUnicodeDomains: Bool = true, requiresProtocol: Bool = true
    ) -> Bool {
        URLValidation(CodePoints(text), allowsUnicodeDomains: allowsUnicodeDomains, requiresProtocol: requiresProtocol)
            .isValid
    }

    private static func wholeMatch(_ text: CodePoints) -> MentionScanner.Match? {
        guard text.at(0)?.isAtSign == true, let match = MentionScanner(text: text).match(at: 0),
            match.range == 0..<text.count
        else { return nil }
        return match
    }
}

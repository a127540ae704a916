import Cluster

/// The secrets of all users that this person's imports made on one cluster: `NAME HEX` a line, in one private file.
/// A secret is on disk before it is sent: a user whose secret is lost could never be logged in again.
struct ImportSecrets: Sendable {
    private let directory: String
    private var path: String { directory + "/import-secrets" }
    private(set) var secrets: [String: [UInt8]] = [:]

    /// Reads what is there.
    init(directory: String) throws {
        self.directory = directory
        guard let bytes = try PrivateFile.read(path) else { return }
        for (index, line) in ImportFile(path: path, bytes: bytes).lines.enumerated() {
            let words = line.split(separator: UInt8(ascii: " "))
            guard words.count == 2, let secret = Self.bytes(hex: words[1]), secret.count == 32 else {
                throw ImportFailure.line(file: path, line: index + 1, problem: "it is not a name and a secret")
            }
            secrets[String(decoding: words[0], as: UTF8.self)] = secret
        }
    }

    /// Makes the secrets that are missing, and returns when they are on disk.
    /// - Returns: the names that had one already.
    mutating func complete(_ names: [String], _ environment: Environment) throws -> Set<String> {
        let known = Set(names.filter { secrets[$0] != nil })
        guard known.count < names.count else { return known }
        for name in names where secrets[name] == nil { secrets[name] = environment.randomBytes(32) }
        let text = secrets.sorted { $0.key < $1.key }.map { "\($0.key) \(Self.hex($0.value))\n" }.joined()
        try PrivateFile.makeDirectory(directory)
        try PrivateFile.write(Array(text.utf8), to: path, synced: true)
        return known
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    private static func bytes(hex: ArraySlice<UInt8>) -> [UInt8]? {
        let values = hex.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        guard values.count == hex.count, values.count.isMultiple(of: 2) else { return nil }
        return stride(from: 0, to: values.count, by: 2).map { UInt8(values[$0] << 4 | values[$0 + 1]) }
    }
}

import Foundation

/// The frames of Tests/Vectors/frames.txt, as they stand there.
struct GoldenFrames {
    let name: String
    let bytes: [UInt8]

    var payload: [UInt8] { Array(bytes.dropFirst(20)) }

    private static let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Vectors/frames.txt")

    /// All but the preface, which is no frame.
    static func read() throws -> [GoldenFrames] {
        let text = try String(contentsOf: path, encoding: .utf8)
        return text.split(separator: "\n\n").map(frame).filter { $0.bytes.count >= 20 }
    }

    private static func frame(_ block: Substring) -> GoldenFrames {
        let lines = block.split(separator: "\n").filter { !$0.hasPrefix("#") }
        let digits = lines.dropFirst().joined().filter(\.isHexDigit)
        return GoldenFrames(name: String(lines.first ?? ""), bytes: bytes(Array(digits)))
    }

    private static func bytes(_ digits: [Character]) -> [UInt8] {
        stride(from: 0, to: digits.count - 1, by: 2).compactMap { UInt8(String(digits[$0...$0 + 1]), radix: 16) }
    }
}

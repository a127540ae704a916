import Cluster
import Foundation

/// Where a page ended: opaque to the caller, tied to the list it came from. It holds an id and never a position, so
/// that it stays right while new tweets arrive.
struct PageToken: Equatable {
    enum List: UInt8 {
        case home = 1
        case user = 2
        case followers = 3
        case following = 4
        case requests = 5
        case thread = 6
    }

    var list: List
    /// Whose list: a user, or a thread's root.
    var subject: UInt64
    /// The last id of the page before.
    var last: UInt64

    func encode() -> String {
        var bytes: [UInt8] = [list.rawValue]
        withUnsafeBytes(of: last.bigEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: check.bigEndian) { bytes.append(contentsOf: $0) }
        return Data(bytes).base64EncodedString().replacingOccurrences(of: "+", with: "-")
            .replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
    }

    /// - Returns: the last id of the page before; nil for the first page.
    /// - Throws: `Refusal` when the token is not one of this list.
    static func last(in text: String, list: List, subject: UInt64) throws -> UInt64? {
        guard !text.isEmpty else { return nil }
        let padded = text.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        let data = Data(base64Encoded: padded + String(repeating: "=", count: (4 - padded.count % 4) % 4))
        guard let bytes = data.map(Array.init), bytes.count == 13, bytes[0] == list.rawValue else { throw invalid }
        let last = bytes[1..<9].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let token = PageToken(list: list, subject: subject, last: last)
        // Ids have 63 bits; the check below is against mistakes, not against forgers.
        guard last < 1 << 63, token.encode() == text else { throw invalid }
        return last
    }

    private static let invalid = Refusal(.invalidArgument, "the page token does not belong to this list")

    private var check: UInt32 {
        var bytes: [UInt8] = [list.rawValue]
        withUnsafeBytes(of: subject.bigEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: last.bigEndian) { bytes.append(contentsOf: $0) }
        return UInt32(truncatingIfNeeded: bytes.withUnsafeBytes { Checksum.xxh3($0) })
    }
}

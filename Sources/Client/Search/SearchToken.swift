import Cluster
import Foundation

/// Where a page of a search ended: opaque to the caller, tied to the search it came from. It holds an id or a score and
/// never a position, so that it stays right while new tweets arrive. By score it holds for scores as they were: a tweet
/// that gains a like between two pages may rise past the place and be on neither, one that loses a like may be on both.
struct SearchToken: Hashable {
    /// Only what lies below is still to come; 0: from the start.
    var below: UInt64 = 0
    /// Sorted by score: what ranks below (score, id).
    var belowScore: UInt64 = 0
    /// Sorted by score: newer tweets than the first page knew would push others across page ends; 0: no bound.
    var ceiling: UInt64 = 0

    func encode(_ query: String, _ options: SearchOptions) -> String {
        let body = [below, belowScore, ceiling].flatMap { Array($0.bytes) }
        return Data(body + Self.check(body, query, options).bytes).base64EncodedString()
            .replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
    }

    /// - Throws: INVALID_ARGUMENT for a token of another search.
    init(_ text: String?, _ query: String, _ options: SearchOptions) throws {
        guard let text, !text.isEmpty else { return }
        let standard = text.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        guard let bytes = Data(base64Encoded: standard).map(Array.init), bytes.count == 32,
            Self.check(Array(bytes[..<24]), query, options).bytes == Array(bytes[24...])
        else { throw RookeryError(.invalidArgument, "the page token does not belong to this search") }
        below = UInt64(bytes[0..<8])
        belowScore = UInt64(bytes[8..<16])
        ceiling = UInt64(bytes[16..<24])
    }

    init(below: UInt64 = 0, belowScore: UInt64 = 0, ceiling: UInt64 = 0) {
        self.below = below
        self.belowScore = belowScore
        self.ceiling = ceiling
    }

    /// Against mistakes, not against forgers: a token says nothing that its bearer may not ask for.
    private static func check(_ body: [UInt8], _ query: String, _ options: SearchOptions) -> UInt64 {
        let flags = options.sort.rawValue | (options.archive ? 2 : 0) | (options.excludeReplies ? 4 : 0)
        return Checksum.xxh3(body + [flags] + Array(query.utf8))
    }
}

extension UInt64 {
    fileprivate var bytes: [UInt8] { withUnsafeBytes(of: bigEndian) { Array($0) } }

    fileprivate init(_ bytes: ArraySlice<UInt8>) { self = bytes.reduce(0) { $0 << 8 | UInt64($1) } }
}

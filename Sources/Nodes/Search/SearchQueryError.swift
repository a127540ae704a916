/// Why a query is not understood.
struct SearchQueryError: Error, Equatable, CustomStringConvertible {
    /// Where, from 1, in characters.
    var column: Int
    /// One clear clause in English.
    var reason: String

    var description: String { "column \(column): \(reason)" }
}

/// A server's load at the moment of an answer; rides in every response's trailer.
public struct LoadReport: Hashable, Sendable {
    /// Requests whose handlers run now, over all connections; stays at 65,535 above that.
    public var inFlight: UInt16
    /// How much of what the server takes at once is in use, in thousandths.
    public var utilisationPermille: UInt16
    /// Median of the last 128 answered calls, in microseconds.
    public var medianLatencyUs: UInt32
    /// The server wants no new work.
    public var draining: Bool

    public init(
        inFlight: UInt16 = 0, utilisationPermille: UInt16 = 0, medianLatencyUs: UInt32 = 0, draining: Bool = false
    ) {
        self.inFlight = inFlight
        self.utilisationPermille = utilisationPermille
        self.medianLatencyUs = medianLatencyUs
        self.draining = draining
    }
}

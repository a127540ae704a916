/// Where something listens: a host name or IP address, and a TCP port.
public struct Address: Hashable, Sendable, CustomStringConvertible {
    /// Without the brackets of an IPv6 address.
    public var host: String
    public var port: Int

    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads `host:port` or `[IPv6]:port`; nil when the host is empty or the port is not a number from 1 to 65,535.
    public init?(_ text: String) {
        guard let (host, portText) = Address.split(text), let port = Int(portText) else { return nil }
        guard Address.ports.contains(port), portText.utf8.allSatisfy(Address.isDigit) else { return nil }
        self.init(host: host, port: port)
    }

    public var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// It leads to this machine.
    public var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }

    static let ports = 1...65535

    /// The host and the text behind the last colon; nil when there is no host or no port, or when it is unclear which
    /// is which.
    static func split(_ text: String) -> (host: String, port: String)? {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        var host = text[..<colon]
        let port = text[text.index(after: colon)...]
        if host.first == "[", host.last == "]" {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        return host.isEmpty || port.isEmpty || host.contains(where: \.isWhitespace) ? nil : (String(host), String(port))
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}

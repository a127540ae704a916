import Client
import Cluster
import Glibc

/// Whether an address can be listened on, and who has it when it cannot.
enum PortCheck {
    /// Throws when another process has it.
    static func requireFree(_ address: Address, for node: NodeId) throws {
        guard !isFree(address) else { return }
        throw LocalClusterError.portTaken(node: node, address: address, pid: holder(ofPort: address.port))
    }

    private static func isFree(_ address: Address) -> Bool {
        withSocketAddress(address, passive: true) { family, pointer, length in
            let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            guard descriptor >= 0 else { return true }
            defer { close(descriptor) }
            // As servers do: old connections that linger do not count as taken.
            var yes: Int32 = 1
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
            return bind(descriptor, pointer, length) == 0 || errno != EADDRINUSE
        } ?? true  // an address that cannot be resolved is the node's to complain about
    }

    /// Whether something takes connections there.
    static func answers(_ address: Address) -> Bool {
        withSocketAddress(address, passive: false) { family, pointer, length in
            let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            guard descriptor >= 0 else { return false }
            defer { close(descriptor) }
            return connect(descriptor, pointer, length) == 0
        } ?? false
    }

    private static func withSocketAddress<Result>(
        _ address: Address, passive: Bool, _ body: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result? {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = passive ? AI_PASSIVE : 0
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(address.host, String(address.port), &hints, &found) == 0, let found else { return nil }
        defer { freeaddrinfo(found) }
        guard let pointer = found.pointee.ai_addr else { return nil }
        return body(found.pointee.ai_family, pointer, found.pointee.ai_addrlen)
    }

    /// The process that listens on the port, as far as /proc tells this user.
    private static func holder(ofPort port: Int) -> Int32? {
        let inodes = listeningInodes(port)
        guard !inodes.isEmpty else { return nil }
        for pid in ProcFS.names(in: "/proc").compactMap({ Int32($0) }) {
            for descriptor in ProcFS.names(in: "/proc/\(pid)/fd") {
                if let link = ProcFS.link("/proc/\(pid)/fd/\(descriptor)"), inodes.contains(link) { return pid }
            }
        }
        return nil
    }

    /// `socket:[INODE]` of each socket that listens on the port: state 0A in /proc/net/tcp, the port in hexadecimal.
    private static func listeningInodes(_ port: Int) -> Set<String> {
        var inodes: Set<String> = []
        let suffix = ":" + String(port, radix: 16, uppercase: true).leftPadded(to: 4)
        for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
            // No IPv6, no table: nobody listens there.
            guard let bytes = try? PrivateFile.read(table) else { continue }
            for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n").dropFirst() {
                let fields = line.split(separator: " ")
                guard fields.count > 9, fields[1].hasSuffix(suffix), fields[3] == "0A" else { continue }
                inodes.insert("socket:[\(fields[9])]")
            }
        }
        return inodes
    }
}

extension String {
    fileprivate func leftPadded(to width: Int) -> String {
        String(repeating: "0", count: max(0, width - utf8.count)) + self
    }
}

import Foundation

/// A directory for one test. With it go, also when the test fails or this process is killed, all processes whose
/// command line names the directory: nodes outlive the launcher that started them.
final class Playground: Sendable {
    let path: String
    private let broom: Process
    private let line: Pipe

    /// Reads until the other end of the line is closed, then sweeps.
    private static let sweep = """
        read -r nothing
        for process in /proc/[0-9]*; do
            tr '\\0' ' ' 2>/dev/null <"$process/cmdline" | grep -qF -- "$PLAYGROUND" && kill -9 "${process#/proc/}"
        done
        for attempt in 1 2 3 4 5 6 7 8 9; do rm -rf "$PLAYGROUND" && break; done
        """

    init() throws {
        let base = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
        path = base.appendingPathComponent("rookery-e2e-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        (broom, line) = (Process(), Pipe())
        broom.executableURL = URL(fileURLWithPath: "/bin/sh")
        broom.arguments = ["-c", Self.sweep]
        // Not as an argument: the broom must not find itself.
        broom.environment = ProcessInfo.processInfo.environment.merging(["PLAYGROUND": path]) { $1 }
        broom.standardInput = line
        broom.standardError = FileHandle.nullDevice
        try broom.run()
    }

    deinit {
        // Closed already only if the broom is gone, too.
        try? line.fileHandleForWriting.close()
        broom.waitUntilExit()
    }

    func write(_ text: String, to name: String) throws -> String {
        let file = "\(path)/\(name)"
        try text.write(toFile: file, atomically: false, encoding: .utf8)
        return file
    }

    /// Ports that nothing listens on. They are below those that the system gives to outgoing connections, so that no
    /// connection takes one while its node is down.
    static func freePorts(_ count: Int) throws -> [Int] {
        var ports: [Int] = []
        for port in (20_000..<32_000).shuffled() where ports.count < count {
            if isFree(UInt16(port)) { ports.append(port) }
        }
        guard ports.count == count else { throw Unexpected("there are no \(count) free ports") }
        return ports
    }

    private static func isFree(_ port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}

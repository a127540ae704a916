import Client
import Glibc

/// Standard input, output and error.
enum Terminal {
    static let outputIsTerminal = isatty(STDOUT_FILENO) == 1
    static let errorIsTerminal = isatty(STDERR_FILENO) == 1

    /// https://no-color.org: set and not empty means none.
    static let colours: Bool = {
        let variables = Variables.process
        return outputIsTerminal && (variables["NO_COLOR"] ?? "").isEmpty && variables["TERM"] != "dumb"
    }()

    static func writeLine(_ line: String) { write(line + "\n", to: STDOUT_FILENO) }

    static func writeError(_ line: String) { write(line + "\n", to: STDERR_FILENO) }

    static func write(_ text: String, to descriptor: Int32) { write(Array(text.utf8), to: descriptor) }

    static func write(_ bytes: [UInt8], to descriptor: Int32) {
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                written += count
            } else if errno == EPIPE {
                return  // nobody reads any more: there is nobody left to tell
            } else if errno != EINTR {
                stop("the output could not be written: \(String(cString: strerror(errno)))", unlessFailing: descriptor)
            }
        }
    }

    /// Half a document must not look like a whole one.
    private static func stop(_ message: String, unlessFailing descriptor: Int32) -> Never {
        if descriptor != STDERR_FILENO { writeError("rookery: \(message)") }
        exit(1)
    }

    /// All of standard input.
    static func readInput() throws -> [UInt8] {
        guard let bytes = try PrivateFile.read("/dev/stdin") else {
            throw UsageFailure("there is no standard input to read")
        }
        return bytes
    }

    /// A line typed on the terminal, without showing it; nil when there is no terminal.
    static func readSecret(prompt: String) -> String? {
        let descriptor = open("/dev/tty", O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var settings = termios()
        guard tcgetattr(descriptor, &settings) == 0 else { return nil }
        var silent = settings
        silent.c_lflag &= ~tcflag_t(ECHO)
        guard tcsetattr(descriptor, TCSAFLUSH, &silent) == 0 else { return nil }
        defer {
            tcsetattr(descriptor, TCSAFLUSH, &settings)
            write("\n", to: descriptor)
        }
        write(prompt, to: descriptor)
        return readLine(descriptor)
    }

    private static func readLine(_ descriptor: Int32) -> String? {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while read(descriptor, &byte, 1) == 1, byte != UInt8(ascii: "\n") { bytes.append(byte) }
        return String(validating: bytes, as: UTF8.self)
    }
}

/// The process's environment variables.
enum Variables {
    static let process: [String: String] = {
        var variables: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let pair = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if pair.count == 2 { variables[String(pair[0])] = String(pair[1]) }
            entry += 1
        }
        return variables
    }()
}

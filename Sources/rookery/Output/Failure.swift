import ArgumentParser
import Client
import Cluster
import Glibc
import LocalCluster

/// Wrong usage that only shows while a command runs.
struct UsageFailure: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}

/// A failed command as its user sees it: one line on standard error, or with `--json` one document there.
struct Failure {
    let status: String
    let message: String
    let json: Bool
    let exitStatus: Int32

    /// Whether this is for us to show; the rest is the argument parser's (help, version, wrong arguments).
    static func isOurs(_ error: any Error) -> Bool {
        !(error is ExitCode || error is CleanExit || error is ValidationError)
            && !String(reflecting: type(of: error)).hasPrefix("ArgumentParser.")
    }

    init(_ error: any Error, json: Bool) {
        self.json = json
        (status, message, exitStatus) = Self.describe(error)
    }

    private static func describe(_ error: any Error) -> (String, String, Int32) {
        switch error {
        case let error as RookeryError: (error.status.rawValue, error.message, 1)
        case let error as UsageFailure: ("INVALID_ARGUMENT", error.description, 64)
        case let error as ConfigError: ("INVALID_ARGUMENT", error.description, 1)
        case let error as InvalidUsername: ("INVALID_ARGUMENT", String(describing: error), 1)
        case ImportFailure.busy: ("FAILED_PRECONDITION", String(describing: error), 1)
        case let error as ImportFailure: ("INVALID_ARGUMENT", error.description, 1)
        case let error as LocalClusterError: ("FAILED_PRECONDITION", error.description, 1)
        case let error as PrivateFile.Failure: ("INTERNAL", error.description, 1)
        default: ("UNKNOWN", String(describing: error), 1)
        }
    }

    func exit() -> Never {
        // A server's words, a file's: they may hold what a terminal would obey.
        let line = Style.harmless(message.split(whereSeparator: \.isNewline).joined(separator: " "))
        Terminal.writeError(json ? document(line) : "rookery: \(line)")
        Glibc.exit(exitStatus)
    }

    private func document(_ line: String) -> String {
        struct Document: Encodable {
            struct Body: Encodable { var status, message: String }
            var error: Body
        }
        // Two strings always have a JSON form.
        return (try? JSONText.encode(Document(error: .init(status: status, message: line)))) ?? line
    }
}

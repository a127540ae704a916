import ArgumentParser
import Client
import Glibc

/// Where a password comes from: `--password-file`, `ROOKERY_PASSWORD`, or a prompt.
struct PasswordOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Read the password from this file (its first line).", valueName: "file"))
    var passwordFile: String?

    /// - Parameter confirmed: on a terminal, ask twice.
    func password(prompt: String = "Password: ", confirmed: Bool = false) throws -> String {
        try Password.read(file: passwordFile, variable: "ROOKERY_PASSWORD", prompt: prompt, confirmed: confirmed)
    }
}

enum Password {
    static func read(file: String?, variable: String, prompt: String, confirmed: Bool) throws -> String {
        if let file { return try fromFile(file) }
        if let password = Variables.process[variable] { return try notEmpty(password) }
        guard let password = Terminal.readSecret(prompt: prompt) else {
            throw UsageFailure("there is no terminal to ask for a password: use --password-file or \(variable)")
        }
        if confirmed, Terminal.readSecret(prompt: "Once more: ") != password {
            throw UsageFailure("the two passwords differ")
        }
        return try notEmpty(password)
    }

    private static func fromFile(_ path: String) throws -> String {
        guard let bytes = try PrivateFile.read(path) else { throw UsageFailure("there is no file \(path)") }
        let line = bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        guard let password = String(validating: line, as: UTF8.self) else {
            throw UsageFailure("\(path) does not hold UTF-8 text")
        }
        return try notEmpty(password)
    }

    private static func notEmpty(_ password: String) throws -> String {
        guard !password.isEmpty else { throw UsageFailure("the password is empty") }
        return password
    }
}

/// What this program calls itself in the list of sessions.
func sessionLabel() -> String {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "rookery" }
    return "rookery on " + String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

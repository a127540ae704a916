import Foundation

/// libFuzzer's driver (llvm.org/docs/LibFuzzer.html, "Using libFuzzer as a library").
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
    _ callback: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

// SAFETY: set once, before the driver runs on the same thread.
nonisolated(unsafe) private var chosen: FuzzTarget?

/// usage: fuzzer list | seeds TARGET FOLDER | run TARGET LIBFUZZER-ARGUMENT…
@main enum Fuzzer {
    /// libFuzzer starts this program again, with arguments of its own, to make a corpus smaller; the target is here then.
    private static let inherited = "ROOKERY_FUZZ_TARGET"

    static func main() throws {
        let arguments = CommandLine.arguments
        if let name = ProcessInfo.processInfo.environment[inherited] { exit(run(target(name), arguments)) }
        switch arguments.dropFirst().first {
        case "list": FuzzTarget.all.forEach { print($0.name) }
        case "seeds" where arguments.count == 4: try writeSeeds(of: target(arguments[2]), to: arguments[3])
        case "run" where arguments.count > 2: exit(run(target(arguments[2]), arguments[..<1] + arguments[3...]))
        default: quit("usage: fuzzer list | seeds TARGET FOLDER | run TARGET LIBFUZZER-ARGUMENT…")
        }
    }

    private static func target(_ name: String) -> FuzzTarget {
        guard let target = FuzzTarget.all.first(where: { $0.name == name }) else {
            quit("there is no target \(name); there are \(FuzzTarget.all.map(\.name).joined(separator: ", "))")
        }
        return target
    }

    private static func quit(_ sentence: String) -> Never {
        FileHandle.standardError.write(Data("fuzzer: \(sentence)\n".utf8))
        exit(2)
    }

    private static func writeSeeds(of target: FuzzTarget, to folder: String) throws {
        for (index, seed) in try target.seeds().enumerated() {
            try Data(seed).write(to: URL(filePath: folder).appending(path: "seed-\(index)"))
        }
    }

    private static func run(_ target: FuzzTarget, _ arguments: some Collection<String>) -> CInt {
        chosen = target
        setenv(inherited, target.name, 1)
        // The driver catches what ends the process and keeps the input, unless Swift's backtraces got there first.
        for number in [SIGABRT, SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE] { signal(number, SIG_DFL) }
        let all = arguments.prefix(1) + ["-max_len=\(target.mostBytes)"] + arguments.dropFirst()
        var list = all.map { strdup($0) } + [nil]
        var count = CInt(list.count - 1)
        return list.withUnsafeMutableBufferPointer { buffer in
            var base = buffer.baseAddress
            return withUnsafeMutablePointer(to: &base) { pointer in
                runDriver(&count, pointer, check)
            }
        }
    }

    /// A broken property ends the process, which is how the driver learns of it.
    private static let check: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt = { data, size in
        do {
            try chosen?.run(UnsafeRawBufferPointer(start: data, count: size))
            return 0
        } catch {
            FileHandle.standardError.write(Data("broken: \(error)\n".utf8))
            abort()
        }
    }
}

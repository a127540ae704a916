import Foundation

/// The package as it lies on disk, for tests that read it.
enum House {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Folders that tools make; nothing in them is ours.
    private static let foreign: Set<String> = [".build", ".git", ".rookery", ".swiftpm", "Corpus", "__pycache__"]

    /// One file of the package.
    struct File {
        /// Seen from the package's root.
        let path: String

        var isGenerated: Bool {
            ["Sources/CMessages/", "Sources/CRPCMessages/"].contains(where: path.hasPrefix)
                || path.contains("/Generated/")
        }

        /// Its lines, or none when it is not text.
        func lines() throws -> [Substring] {
            let data = try Data(contentsOf: House.root.appendingPathComponent(path))
            guard let text = String(validating: data, as: UTF8.self) else { return [] }
            return text.split(separator: "\n", omittingEmptySubsequences: false)
        }
    }

    /// Every file that is part of the project, sorted by path; below `folder` only, when one is given.
    static func files(below folder: String = "", ending suffix: String = "") throws -> [File] {
        var found: [String] = []
        var folders = [folder]
        while let next = folders.popLast() {
            for name in try FileManager.default.contentsOfDirectory(atPath: root.appendingPathComponent(next).path) {
                guard !foreign.contains(name), name != "Package.resolved" else { continue }
                let path = next.isEmpty ? name : "\(next)/\(name)"
                if try isFolder(path) { folders.append(path) } else if name.hasSuffix(suffix) { found.append(path) }
            }
        }
        return found.sorted().map(File.init)
    }

    /// Places in the project's text where a pattern is found, as `path:line: the line`.
    static func places(of pattern: Regex<Substring>, in files: [File]) throws -> [String] {
        try files.flatMap { file in
            try file.lines().enumerated().filter { $0.element.contains(pattern) }
                .map { "\(file.path):\($0.offset + 1): \($0.element)" }
        }
    }

    private static func isFolder(_ path: String) throws -> Bool {
        let url = root.appendingPathComponent(path)
        let kind = try FileManager.default.attributesOfItem(atPath: url.path)[.type] as? FileAttributeType
        return kind == .typeDirectory
    }
}

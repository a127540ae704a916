import Foundation

/// The part of `swift package dump-package` that the tests look at.
struct PackageDescription: Decodable {
    struct Target: Decodable {
        let name: String
        let type: String
        let dependencies: [Dependency]
        let settings: [Setting]
    }

    /// A target of this package, or a product of another one.
    struct Dependency: Decodable {
        let target: String?
        /// Of another package.
        let product: String?

        private enum Key: String, CodingKey {
            case byName, target, product
        }

        init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: Key.self)
            if fields.contains(.product) {
                var parts = try fields.nestedUnkeyedContainer(forKey: .product)  // name, package, …
                product = try parts.decode(String.self)
            } else {
                product = nil
            }
            let key: Key = fields.contains(.byName) ? .byName : .target
            target = fields.contains(.product) ? nil : try fields.decode([String?].self, forKey: key).first ?? nil
        }
    }

    struct Setting: Decodable {
        struct Kind: Decodable {
            struct Level: Decodable {
                let _0: String
            }
            let treatAllWarnings: Level?
        }
        let kind: Kind
    }

    let targets: [Target]

    /// Asks SwiftPM for the package as it understood it. A scratch folder of its own keeps the question from waiting
    /// for the lock that the running `swift test` holds on `.build`.
    static func dumped() throws -> PackageDescription {
        let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("rookery-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: scratch) }  // SwiftPM makes it only when it has to
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "swift", "package", "--package-path", House.root.path, "--scratch-path", scratch.path, "dump-package",
        ]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let json = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(status: process.terminationStatus) }
        return try JSONDecoder().decode(PackageDescription.self, from: json)
    }

    struct Failure: Error {
        let status: Int32
    }
}

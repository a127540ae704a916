/// `rookery.Health/Check`: whether a server takes work. Its answer is one byte; its trailer says the load.
public enum Health: UInt8, Sendable {
    case serving = 1
    /// It answers, but wants no new work.
    case draining = 2

    public static let method = "rookery.Health/Check"

    /// Reads an answer of ``method``; nil when it is none.
    public init?(_ message: [UInt8]) {
        guard message.count == 1 else { return nil }
        self.init(rawValue: message[0])
    }

    static func register(in methods: inout MethodTable, meter: LoadMeter) {
        methods.immediate(method) { _ in
            Answer([(meter.report.draining ? Health.draining : .serving).rawValue])
        }
    }
}

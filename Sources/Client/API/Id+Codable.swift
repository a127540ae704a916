import Cluster

/// In JSON an id is a decimal string: 64 bits do not survive every reader's numbers.
extension Id: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let id = Id(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(text) is not an id")
        }
        self = id
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

import Crypto

/// Shows that a side knows the cluster's secret without saying it (rule G2). Both nonces are in each proof, so none
/// can be replayed, and the labels differ, so none can be reflected.
enum ClusterProof {
    static let nonceBytes = 16

    enum Side: String {
        case server = "rookery server"
        case peer = "rookery peer"
    }

    static func make(
        _ side: Side, secret: [UInt8], clientNonce: [UInt8], serverNonce: [UInt8], nodeId: String
    ) -> [UInt8] {
        let said = message(side, clientNonce: clientNonce, serverNonce: serverNonce, nodeId: nodeId)
        return Array(HMAC<SHA256>.authenticationCode(for: said, using: SymmetricKey(data: secret)))
    }

    /// Compares in constant time. An empty secret proves nothing.
    static func isValid(
        _ mac: [UInt8], _ side: Side, secret: [UInt8], clientNonce: [UInt8], serverNonce: [UInt8], nodeId: String
    ) -> Bool {
        guard !secret.isEmpty else { return false }
        let said = message(side, clientNonce: clientNonce, serverNonce: serverNonce, nodeId: nodeId)
        return HMAC<SHA256>.isValidAuthenticationCode(mac, authenticating: said, using: SymmetricKey(data: secret))
    }

    private static func message(
        _ side: Side, clientNonce: [UInt8], serverNonce: [UInt8], nodeId: String
    ) -> [UInt8] {
        Array(side.rawValue.utf8) + clientNonce + serverNonce + Array(nodeId.utf8)
    }
}

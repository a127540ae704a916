import NIOSSL

/// TLS failures in words. BoringSSL tells them apart only by the names in its texts.
enum TLSFailure {
    /// What BoringSSL's text names, and the sentence that follows "the connection was lost: ".
    private static let sentences = [
        ("CERTIFICATE_VERIFY_FAILED", "its certificate is not of the cluster's CA, or not valid now"),
        ("ALERT_UNKNOWN_CA", "it refused this side's certificate: not of its CA"),
        ("ALERT_CERTIFICATE_EXPIRED", "it refused this side's certificate: expired"),
        ("ALERT_BAD_CERTIFICATE", "it refused this side's certificate"),
        ("ALERT_CERTIFICATE", "it refused this side's certificate"),
        ("WRONG_VERSION_NUMBER", "it does not speak TLS"),
        ("HTTP_REQUEST", "it does not speak TLS"),
        ("UNSUPPORTED_PROTOCOL", "it does not speak TLS 1.3"),
        ("PROTOCOL_VERSION", "it does not speak TLS 1.3"),
        ("failedToLoadPrivateKey", "the key is not the certificate's"),
        ("EOF during", "it ended the connection during the TLS handshake"),
    ]

    static func isTLS(_ error: any Error) -> Bool {
        error is NIOSSLError || error is BoringSSLError || error is NIOSSLExtraError
            || error is NIOSSLCloseTimedOutError
    }

    static func isEndDuringHandshake(_ error: any Error) -> Bool {
        error as? NIOSSLError == .handshakeFailed(.sslError([.eofDuringHandshake]))
    }

    /// Speaks of the other side as "it".
    static func sentence(_ error: any Error) -> String {
        if error as? NIOSSLError == .uncleanShutdown { return "it broke off" }
        let text = "\(error)"
        return sentences.first { text.contains($0.0) }?.1 ?? "TLS failed: \(text)"
    }
}

@testable import RPC

extension MethodTable {
    /// A method that says when it runs and answers when it may.
    mutating func holding(_ name: String, entered: Gate, leave: Gate) {
        unary(name) { call in
            entered.open()
            try await leave.wait()
            return Answer(call.message)
        }
    }

    /// A method that ends only by being cancelled, and says so.
    mutating func sleeping(_ name: String, entered: Gate, stopped: Gate) {
        unary(name) { _ in
            entered.open()
            do {
                try await Gate().wait()
            } catch {
                stopped.open()
                throw error
            }
            return Answer()
        }
    }
}

// A server in a process of its own, for tests that need to see what connections and calls cost one. It prints its port,
// answers the test service and `contract.Server/Connections`, with the number of connections that it has, and ends with
// its standard input.
import Foundation
import Logging
import NIOPosix
import RPC
import Synchronization
import TestService

/// A connection takes a descriptor; the limit that a shell is given is often a tenth of what it may have.
func raiseDescriptorLimit() {
    var limit = rlimit()
    let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    guard getrlimit(files, &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    // Where it may not be raised, the test sees that connections are missing.
    _ = setrlimit(files, &limit)
}

raiseDescriptorLimit()
let running = Mutex<Server?>(nil)
var methods = MethodTable()
TestService.register(in: &methods)
methods.immediate("contract.Server/Connections") { _ in
    let count = running.withLock { $0?.connectionCount ?? 0 }
    return Answer(Array("\(count)".utf8))
}
let server = Server(
    configuration: ServerConfiguration(clusterId: "nest", nodeId: "n1", maxConnections: 20_000), methods: methods,
    transport: TCPTransport(group: MultiThreadedEventLoopGroup.singleton), group: MultiThreadedEventLoopGroup.singleton,
    logger: Logger(label: "contract-server"))
running.withLock { $0 = server }
let port = try await server.start(host: "127.0.0.1", port: 0)
FileHandle.standardOutput.write(Data("\(port)\n".utf8))
while readLine() != nil {}

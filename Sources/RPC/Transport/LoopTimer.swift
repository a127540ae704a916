import NIOCore

/// One scheduled callback for the earliest of many deadlines. A deadline that goes away leaves the callback to fire
/// for nothing, which is cheaper than to move it with every call.
struct LoopTimer {
    private var armed: (due: NIODeadline, callback: Scheduled<Void>)?

    mutating func arm(for due: NIODeadline?, on loop: any EventLoop, fire: @escaping @Sendable () -> Void) {
        guard let due else { return }
        if let armed, armed.due <= due { return }
        armed?.callback.cancel()
        armed = (due, loop.scheduleTask(deadline: due, fire))
    }

    mutating func fired() {
        armed = nil
    }

    mutating func cancel() {
        armed?.callback.cancel()
        armed = nil
    }
}

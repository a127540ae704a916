import Cluster
import Messages
import RPC

extension RookeryClient {
    /// A wrong-owner answer may be followed by another while the map is changing, but not for ever.
    static let maxRedirects = 4
    /// The metadata under which writes on their way ride along (`SeenList`).
    static let seenKey = "rookery-seen-bin"

    /// Calls until it succeeds, may not be tried again, or the time is up. The only loop over tries there is.
    func invoke(_ invocation: Invocation) async throws -> [UInt8] {
        let startNs = options.environment.clock.monotonicNs()
        budget.withLock { $0.called(nowNs: startNs) }
        var (tries, redirects) = (0, 0)
        while true {
            let remaining = invocation.timeout - elapsed(since: startNs)
            let (nodes, revision) = table.nodes(for: invocation.target)
            let choice = try pool.choose(from: nodes)
            tries += 1
            let error: RPCError
            do {
                return try await attempt(invocation, choice, revision: revision, remaining: remaining)
            } catch let failure as RPCError {
                error = failure
            } catch {
                throw RookeryError(RPCError(.cancelled, "the call was given up", ran: .unknown), node: choice.node)
            }
            if table.follow(error) {
                // Who asks one node for what it owns must ask differently now.
                if case .node = invocation.target { throw RookeryError(error, node: choice.node) }
                if redirects < Self.maxRedirects {
                    (redirects, tries) = (redirects + 1, tries - 1)
                    continue
                }
            }
            try await waitForRetry(invocation, after: error, tries: tries, startNs: startNs, node: choice.node)
        }
    }

    private func attempt(
        _ invocation: Invocation, _ choice: Pool.Choice, revision: UInt64, remaining: Duration
    ) async throws -> [UInt8] {
        do {
            let reply = try await choice.channel.unary(
                invocation.method, invocation.message,
                options: callOptions(invocation, revision: revision, remaining: remaining))
            pool.finished(choice, .answered, load: reply.load)
            remember(reply.metadata, invocation.session)
            return reply.message
        } catch let error as RPCError {
            pool.finished(choice, NodeTracker.Outcome(error), load: error.load)
            throw error
        } catch {
            pool.finished(choice, .abandoned, load: nil)
            throw error
        }
    }

    /// Returns when the next try may start; throws the typed error when there is none.
    private func waitForRetry(
        _ invocation: Invocation, after error: RPCError, tries: Int, startNs: UInt64, node: NodeInfo
    ) async throws {
        let failure = RookeryError(error, node: node)
        guard !pool.isClosed else { throw Pool.closed }
        let decision = options.retry.decide(
            error, invocation.repeatability, tries: tries,
            remaining: invocation.timeout - elapsed(since: startNs), jitter: options.environment.random())
        guard case .retry(let wait) = decision,
            budget.withLock({ $0.takeRetry(nowNs: options.environment.clock.monotonicNs()) })
        else { throw failure }
        do {
            try await options.environment.sleep(wait)
        } catch {
            throw failure
        }
    }

    private func callOptions(_ invocation: Invocation, revision: UInt64, remaining: Duration) -> CallOptions {
        var call = CallOptions()
        call.timeout = max(remaining, .milliseconds(1))
        call.partition = invocation.target.partition?.rawValue
        call.revision = revision
        if let key = invocation.key { call.key = IdempotencyKey(high: key.timeMs, low: key.random) }
        if let session = invocation.session {
            call.session = session.token
            if invocation.repeatability == .read {
                call.metadata[Self.seenKey] = session.seenList(nowMs: options.environment.clock.nowMs())
            }
        }
        return call
    }

    private func remember(_ metadata: Metadata, _ session: Session?) {
        // A list that cannot be read costs a wait that reads could have had, not the answer.
        guard let session, let bytes = metadata[Self.seenKey], let list = try? SeenList.decode(bytes) else { return }
        session.remember(list, nowMs: options.environment.clock.nowMs())
    }

    func elapsed(since startNs: UInt64) -> Duration {
        .nanoseconds(Int64(clamping: options.environment.clock.monotonicNs() &- startNs))
    }
}

extension RookeryClient {
    /// A call that changes nothing.
    func read<Request: WireMessage, Answer: WireMessage>(
        _ method: String, _ request: Request, as type: Answer.Type, at target: Target, session: Session? = nil,
        timeout: Duration? = nil
    ) async throws -> Answer {
        // The same on every try: what a reader is shown twice counts as one view (rule F3).
        try await ask(
            method, request, as: type, at: target, session: session, key: options.environment.requestId(), .read,
            timeout: timeout)
    }

    /// A write: carries its request id on every try.
    func write<Request: WireMessage, Answer: WireMessage>(
        _ method: String, _ request: Request, as type: Answer.Type, session: Session, key: RequestId?
    ) async throws -> Answer {
        try await ask(
            method, request, as: type, at: .primary(session.partition), session: session,
            key: key ?? options.environment.requestId(), .keyed)
    }

    func ask<Request: WireMessage, Answer: WireMessage>(
        _ method: String, _ request: Request, as type: Answer.Type, at target: Target, session: Session?,
        key: RequestId?, _ repeatability: Repeatability, timeout: Duration? = nil
    ) async throws -> Answer {
        let answer = try await invoke(
            Invocation(
                method: method, message: request.encode(), target: target, session: session, key: key,
                repeatability: repeatability, timeout: timeout ?? options.timeout))
        do {
            return try Answer.decode(answer)
        } catch {
            throw RookeryError(.dataLoss, "the answer to \(method) cannot be read: \(error)")
        }
    }

    /// Where a read goes: with a session to the node that proves it, else to where the thing lives.
    func target(for id: Id, _ session: Session?, what: String) throws -> Target {
        if let session { return .member(session.partition) }
        guard table.partitioning.contains(id.partition) else {
            throw RookeryError(.notFound, "there is no \(what) \(id)")
        }
        return .member(id.partition)
    }
}

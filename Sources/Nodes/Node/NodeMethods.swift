import Cluster
import CoreMetrics
import Logging
import Messages
import Metrics
import NIOCore
import RPC

/// The methods of a node: what clients may call, and what only peers may.
struct NodeMethods {
    let node: NodeContext
    let search: SearchIndex
    let tops: TopHomes
    let budgets: LookBudgets

    func table(status: @escaping @Sendable () async -> NodeStatusReply) -> MethodTable {
        var table = MethodTable()
        addAccounts(to: &table)
        addGraph(to: &table)
        addTweets(to: &table)
        addFinding(to: &table)
        addCluster(to: &table, status: status)
        addPeers(to: &table)
        return table
    }

    private func addAccounts(to table: inout MethodTable) {
        let accounts = AccountService(node: node)
        let profiles = ProfileService(node: node)
        add("rookery.Accounts/Register", to: &table, accounts.register)
        add("rookery.Accounts/Login", to: &table, accounts.login)
        add("rookery.Accounts/Renew", to: &table, accounts.renew)
        add("rookery.Accounts/Logout", to: &table, accounts.logout)
        add("rookery.Accounts/Sessions", to: &table, accounts.sessions)
        add("rookery.Accounts/Revoke", to: &table, accounts.revoke)
        add("rookery.Accounts/ChangePassword", to: &table, accounts.changePassword)
        add("rookery.Accounts/Resolve", reads: true, to: &table, profiles.resolve)
        add("rookery.Accounts/WhoAmI", reads: true, to: &table, profiles.whoAmI)
        add("rookery.Accounts/Profile", reads: true, to: &table, profiles.profile)
        add("rookery.Accounts/UpdateProfile", to: &table, profiles.update)
    }

    private func addGraph(to table: inout MethodTable) {
        let graph = GraphService(node: node)
        add("rookery.Graph/Follow", to: &table, graph.follow)
        add("rookery.Graph/Followers", reads: true, to: &table, graph.followers)
        add("rookery.Graph/Following", reads: true, to: &table, graph.following)
        add("rookery.Graph/Requests", to: &table, graph.requests)
        add("rookery.Graph/AnswerRequest", to: &table, graph.answerRequest)
    }

    private func addTweets(to table: inout MethodTable) {
        let posts = PostService(node: node)
        let tweets = TweetService(node: node)
        let timelines = TimelineService(node: node)
        add("rookery.Tweets/Post", to: &table, posts.post)
        add("rookery.Tweets/Delete", to: &table, posts.delete)
        add("rookery.Tweets/Retweet", to: &table, posts.retweet)
        add("rookery.Tweets/React", to: &table, ReactionService(node: node).react)
        add("rookery.Tweets/Show", reads: true, to: &table, tweets.show)
        add("rookery.Tweets/Thread", reads: true, to: &table, tweets.thread)
        add("rookery.Tweets/Lookup", reads: true, to: &table, tweets.lookUp)
        add("rookery.Timelines/Home", reads: true, to: &table, timelines.home)
        add("rookery.Timelines/User", reads: true, to: &table, timelines.user)
        add("rookery.Counters/Read", reads: true, to: &table, CounterService(node: node).read)
    }

    private func addFinding(to table: inout MethodTable) {
        let top = TopService(node: node, homes: tops)
        let tweets = SearchService(node: node, index: search, budgets: budgets)
        add("rookery.Search/Tweets", reads: true, to: &table, tweets.tweets)
        add(
            "rookery.Search/Users", reads: true, to: &table,
            UserSearchService(node: node, budget: budgets.people).search)
        add("rookery.Top/Top", reads: true, to: &table, top.top)
        add("rookery.Top/Trends", reads: true, to: &table, top.trends)
    }

    private func addCluster(
        to table: inout MethodTable, status: @escaping @Sendable () async -> NodeStatusReply
    ) {
        add("rookery.Cluster/Status", to: &table) { (_: StatusRequest, _) in await status() }
        add("rookery.Cluster/Map", to: &table) { [node] (request: MapRequest, _) in
            MapReply(node.map, since: request.since)
        }
    }

    private func addPeers(to table: inout MethodTable) {
        let peers = PeerService(node: node)
        add(PeerMethod<PeerGatherRequest, PeerGatherReply>.gather, to: &table, peers)
        add(PeerMethod<PeerUsersRequest, PeerUsersReply>.users, to: &table, peers)
        add(PeerMethod<PullRequest, PullReply>.pull, to: &table, peers)
        add(PeerMethod<PeerThreadRequest, PeerThreadReply>.thread, to: &table, peers)
        add(PeerMethod<ResolveRequest, ResolveReply>.resolve, to: &table, peers)
        add(PeerMethod<PeerSessionRequest, PeerSessionReply>.session, to: &table, peers)
        add("rookery.Peer/Greet", role: .peer, to: &table) { [node] (_: Empty, context) in
            node.channel(to: NodeId(context.call.peer.nodeId))?.forgetFailures()
            return Empty()
        }
        add("rookery.Peer/Deliver", role: .peer, to: &table) { (request: DeliverRequest, _) in
            try await peers.deliver(request)
        }
    }

    private func add<Request, Reply>(
        _ method: PeerMethod<Request, Reply>, to table: inout MethodTable, _ peers: PeerService
    ) {
        add(method.name, role: .peer, reads: true, to: &table) { (request: Request, context) in
            try await method.serve(peers, request, context)
        }
    }

    /// Decode, serve, measure, encode; whatever goes wrong becomes one status and one sentence.
    ///
    /// - Parameter reads: it carries out no command, so its task may run on the connection's event loop.
    private func add<Request: WireMessage, Reply: WireMessage>(
        _ name: String, role: Role = .client, reads: Bool = false, to table: inout MethodTable,
        _ serve: @escaping @Sendable (Request, CallContext) async throws -> Reply
    ) {
        let meter = MethodMeter(name)
        let timeout = TimeAmount.milliseconds(Int64(node.config.limits.requestTimeoutMs))
        let logger = node.logger
        let messages = MethodMessages(request: Request.descriptor, reply: Reply.descriptor)
        table.unary(name, role: role, messages: messages, onLoop: reads) { call in
            let start = NIODeadline.now()
            do {
                let context = try CallContext(call, now: start, timeout: timeout)
                let answer = context.answer(try await serve(try Request.decode(call.message), context))
                meter.finished(.ok, after: .now() - start)
                return answer
            } catch {
                let failure = RPCError(answering: error)
                meter.finished(failure.code, after: .now() - start)
                if failure.code == .internalError || failure.code == .dataLoss {
                    logger.error("a call failed", metadata: ["method": "\(name)", "error": "\(error)"])
                }
                throw failure
            }
        }
    }
}

/// Counts and times the calls of one method.
private final class MethodMeter: Sendable {
    private let timer: CoreMetrics.Timer
    private let outcomes: [StatusCode: CoreMetrics.Counter]

    init(_ method: String) {
        timer = Timer(label: "rookery_call_duration", dimensions: [("method", method)])
        let codes = (UInt8(0)...16).compactMap(StatusCode.init(rawValue:))
        outcomes = Dictionary(
            uniqueKeysWithValues: codes.map { code in
                (code, Counter(label: "rookery_calls", dimensions: [("method", method), ("status", code.name)]))
            })
    }

    func finished(_ code: StatusCode, after time: TimeAmount) {
        timer.recordNanoseconds(time.nanoseconds)
        outcomes[code]?.increment()
    }
}

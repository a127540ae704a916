import Messages

/// Every method that clients may call, with requests that hold one number in every field that is an id.
enum Requests {
    static let session = [
        "rookery.Accounts/Renew", "rookery.Accounts/Logout", "rookery.Accounts/WhoAmI", "rookery.Accounts/Sessions",
    ]

    static let all =
        session + withIds(0).map(\.method) + [
            "rookery.Accounts/Register", "rookery.Accounts/Resolve", "rookery.Accounts/UpdateProfile",
            "rookery.Accounts/ChangePassword", "rookery.Timelines/Home", "rookery.Cluster/Map",
            "rookery.Cluster/Status",
        ]

    static let peers = ["Gather", "Users", "Pull", "Thread", "Resolve", "Session", "Deliver"].map {
        "rookery.Peer/\($0)"
    }

    static func withIds(_ id: UInt64) -> [(method: String, message: [UInt8])] {
        accounts(id) + graph(id) + tweets(id) + reads(id) + finding(id)
    }

    private static func accounts(_ id: UInt64) -> [(method: String, message: [UInt8])] {
        let login = LoginRequest.with {
            $0.userId = id
            $0.secret = [UInt8](repeating: 2, count: 32)
        }
        return [
            ("rookery.Accounts/Login", login.encode()),
            ("rookery.Accounts/Profile", ProfileRequest.with { $0.userId = id }.encode()),
            ("rookery.Accounts/Revoke", RevokeRequest.with { $0.sessionId = max(id, 1) }.encode()),
        ]
    }

    private static func graph(_ id: UInt64) -> [(method: String, message: [UInt8])] {
        let list = AccountListRequest.with {
            $0.userId = id
            $0.maxResults = .max
        }.encode()
        let follows = [false, true].map { undo in
            FollowRequest.with {
                $0.userId = id
                $0.undo = undo
            }.encode()
        }
        let answers = [false, true].map { accept in
            AnswerFollowRequest.with {
                $0.userId = id
                $0.accept = accept
            }.encode()
        }
        return follows.map { ("rookery.Graph/Follow", $0) } + answers.map { ("rookery.Graph/AnswerRequest", $0) }
            + ["Followers", "Following", "Requests"].map { ("rookery.Graph/\($0)", list) }
    }

    private static func tweets(_ id: UInt64) -> [(method: String, message: [UInt8])] {
        var posts = [PostRequest](repeating: PostRequest.with { $0.text = "x" }, count: 3)
        posts[0].inReplyTo = max(id, 1)
        posts[1].quoteOf = max(id, 1)
        posts[2].media = [id]
        let retweets = [false, true].map { undo in
            RetweetRequest.with {
                $0.id = id
                $0.undo = undo
            }.encode()
        }
        let reactions = Reaction.allCases.flatMap { reaction in
            [false, true].map { undo in
                ReactRequest.with {
                    $0.id = id
                    $0.reaction = reaction
                    $0.undo = undo
                }.encode()
            }
        }
        return posts.map { ("rookery.Tweets/Post", $0.encode()) }
            + [("rookery.Tweets/Delete", TweetRequest.with { $0.id = id }.encode())]
            + retweets.map { ("rookery.Tweets/Retweet", $0) } + reactions.map { ("rookery.Tweets/React", $0) }
    }

    private static func finding(_ id: UInt64) -> [(method: String, message: [UInt8])] {
        let number = UInt32(truncatingIfNeeded: id)
        let lookup = LookupRequest.with {
            $0.ids = [id, id]
            $0.query = "x"
        }
        let searches = SearchSort.allCases.map { sort in
            SearchRequest.with {
                $0.query = "x OR -y since:2026-01-01"
                $0.partitions = [number]
                $0.limit = .max
                $0.sort = sort
                ($0.below, $0.belowScore, $0.ceiling) = (id, id, id)
            }
        }
        let people = UserSearchRequest.with {
            $0.prefix = "a"
            $0.partitions = [number]
            $0.limit = .max
            ($0.afterWord, $0.afterUser) = ("a", id)
        }
        let tops = TopKind.allCases.flatMap { kind in
            TopMetric.allCases.map { metric in
                TopRequest.with {
                    ($0.kind, $0.by, $0.limit, $0.partitions) = (kind, metric, .max, [number])
                }
            }
        }
        let trends = TrendsRequest.with { ($0.limit, $0.partitions, $0.window) = (.max, [number], .windowHour) }
        return [("rookery.Tweets/Lookup", lookup.encode()), ("rookery.Search/Users", people.encode())]
            + searches.map { ("rookery.Search/Tweets", $0.encode()) } + tops.map { ("rookery.Top/Top", $0.encode()) }
            + [("rookery.Top/Trends", trends.encode())]
    }

    private static func reads(_ id: UInt64) -> [(method: String, message: [UInt8])] {
        let thread = ThreadRequest.with {
            $0.id = id
            $0.maxResults = .max
        }
        let timeline = TimelineRequest.with {
            $0.userId = id
            $0.maxResults = .max
        }
        return [
            ("rookery.Tweets/Show", TweetRequest.with { $0.id = id }.encode()),
            ("rookery.Tweets/Thread", thread.encode()),
            ("rookery.Timelines/User", timeline.encode()),
            ("rookery.Counters/Read", CounterRequest.with { $0.tweetId = id }.encode()),
            ("rookery.Counters/Read", CounterRequest.with { $0.userId = id }.encode()),
        ]
    }
}

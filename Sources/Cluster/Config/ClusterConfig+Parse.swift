extension ClusterConfig {
    /// Reads the text of a `cluster.yaml`; the first thing that is wrong is thrown, with its line.
    ///
    /// - Parameter file: how errors name the file.
    public static func parse(_ text: String, file: String) throws(ConfigError) -> ClusterConfig {
        let root = try YamlValue.root(of: text, file: file)
        let values = try root.mapping(
            required: ["cluster", "partitions", "replicas", "keeper", "nodes"],
            optional: ["regions", "limits", "storage", "tls"])
        return try ConfigReader(root: root, values: values).config()
    }
}

/// Takes the parts of a `cluster.yaml` one after the other; `mapping` has seen to it that the required keys are there.
private struct ConfigReader {
    let root: YamlValue
    let values: [String: YamlValue]

    func config() throws(ConfigError) -> ClusterConfig {
        let clusterId = try value("cluster").name()
        let entries = try nodeEntries()
        let partitioning = try partitioning(nodes: entries.map(\.info))
        let replicas = try value("replicas").wholeNumber(in: ClusterConfig.replicaRange)
        let keeper = try keeper(replicas: replicas)
        try checkRegions(entries, partitioning, replicas: replicas)
        return ClusterConfig(
            clusterId: clusterId, nodes: entries.map(\.info), metrics: metrics(entries), partitioning: partitioning,
            replicas: replicas, keeper: keeper, limits: try limits(), storage: try storage(),
            tls: try values["tls"].map { (tls) throws(ConfigError) in
                try ClusterConfig.TLS(tls, nodes: entries.count)
            })
    }

    private func value(_ key: String) throws(ConfigError) -> YamlValue {
        guard let value = values[key] else { throw root.error("the key \"\(key)\" is missing") }
        return value
    }

    // MARK: Nodes

    private struct Entry {
        var region: YamlValue
        var info: NodeInfo
        var metrics: Address?
    }

    private func nodeEntries() throws(ConfigError) -> [Entry] {
        var entries: [Entry] = []
        var ids: Set<NodeId> = []
        var addresses: [Address: String] = [:]
        for value in try value("nodes").list() {
            let keys = try value.mapping(
                required: ["id", "address", "region", "zone"], optional: ["metrics", "weight"])
            let entry = try entry(value, keys)
            guard ids.insert(entry.info.id).inserted else {
                throw (keys["id"] ?? value).error("the node id \"\(entry.info.id)\" is there twice")
            }
            for (key, address) in [("address", entry.info.address), ("metrics", entry.metrics)] {
                guard let address, let keyed = keys[key] else { continue }
                if let other = addresses.updateValue(keyed.path, forKey: address) {
                    throw keyed.error("the address \(address) is already that of \(other)")
                }
            }
            entries.append(entry)
        }
        return entries
    }

    private func entry(_ value: YamlValue, _ keys: [String: YamlValue]) throws(ConfigError) -> Entry {
        func key(_ name: String) throws(ConfigError) -> YamlValue {
            guard let found = keys[name] else { throw value.error("the key \"\(name)\" is missing") }
            return found
        }
        let region = try key("region")
        let info = NodeInfo(
            id: NodeId(try key("id").name()), address: try key("address").address(), region: try region.name(),
            zone: try key("zone").name(), weight: try keys["weight"]?.wholeNumber(in: NodeInfo.weights) ?? 100)
        return Entry(region: region, info: info, metrics: try keys["metrics"]?.address())
    }

    private func metrics(_ entries: [Entry]) -> [NodeId: Address] {
        var metrics: [NodeId: Address] = [:]
        for entry in entries { metrics[entry.info.id] = entry.metrics }
        return metrics
    }

    // MARK: Partitions

    private func partitioning(nodes: [NodeInfo]) throws(ConfigError) -> Partitioning {
        let partitions = try value("partitions")
        let count = try partitions.wholeNumber(in: 1...PartitionId.limit)
        let names = try regionNames(nodes)
        do {
            return try Partitioning(count: count, regionNames: names)
        } catch .duplicateRegion(let name) {
            throw (values["regions"] ?? root).error("the region \"\(name)\" is named twice")
        } catch {
            throw partitions.error("\(error)")
        }
    }

    /// The regions of the file; by default those that the nodes name, in order.
    private func regionNames(_ nodes: [NodeInfo]) throws(ConfigError) -> [String] {
        if let regions = values["regions"] {
            return try regions.list().map { (region) throws(ConfigError) in try region.name() }
        }
        var names: [String] = []
        for node in nodes where !names.contains(node.region) { names.append(node.region) }
        return names
    }

    private func keeper(replicas: Int) throws(ConfigError) -> ClusterConfig.Keeper {
        let value = try value("keeper")
        guard let keeper = ClusterConfig.Keeper(rawValue: try value.text()) else {
            throw value.error("unknown keeper \"\(try value.text())\"; only \"static\" is known, with replicas: 1")
        }
        if keeper == .static, replicas != 1 {
            throw try self.value("replicas").error(
                "must be 1, found \(replicas): the static keeper cannot replace a replica, so it keeps one only")
        }
        return keeper
    }

    private func checkRegions(
        _ entries: [Entry], _ partitioning: Partitioning, replicas: Int
    ) throws(ConfigError) {
        for entry in entries where partitioning.region(named: entry.info.region) == nil {
            throw entry.region.error("the region \"\(entry.info.region)\" is not in regions")
        }
        for region in partitioning.regions {
            let count = entries.count { $0.info.region == region.name }
            if count == 0 {
                throw (values["regions"] ?? root).error("the region \"\(region.name)\" has no node")
            }
            if count < replicas {
                throw try value("replicas").error(
                    "\(replicas) replicas need as many nodes, but the region \"\(region.name)\" has \(count)")
            }
        }
    }

    // MARK: How nodes run

    private func limits() throws(ConfigError) -> Limits {
        var limits = Limits()
        guard let value = values["limits"] else { return limits }
        let given = try value.mapping(required: [], optional: Limits.all.map(\.key))
        for definition in Limits.all {
            guard let number = given[definition.key] else { continue }
            limits[keyPath: definition.field] = try number.wholeNumber(in: definition.range)
        }
        return limits
    }

    private func storage() throws(ConfigError) -> ClusterConfig.Storage {
        guard let value = values["storage"] else { return ClusterConfig.Storage() }
        let given = try value.mapping(required: [], optional: ["sync", "index"])
        return ClusterConfig.Storage(
            sync: try given["sync"]?.flag() ?? true, index: try given["index"]?.flag() ?? true)
    }
}

extension YamlValue {
    fileprivate func address() throws(ConfigError) -> Address {
        let text = try text()
        if let address = Address(text) { return address }
        guard let (_, port) = Address.split(text) else {
            throw error("must be host:port, found \"\(text)\"")
        }
        throw error("the port must be from 1 to 65535, found \"\(port)\"")
    }
}

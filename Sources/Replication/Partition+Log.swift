import Cluster
import Messages
import Storage

// From proposals to applied entries: the log, commit and apply.
extension Partition {
    func propose(_ proposal: Proposal) {
        proposals.append(proposal)
        startEntry()
    }

    /// What came of a command, nil for nothing; one that has drawn ids waits for those that drew before it.
    func enter(_ proposal: Proposal?, _ turn: IdTurns<Proposal>.Ticket?) {
        guard let turn else {
            if let proposal { propose(proposal) }
            return
        }
        for released in turns.finish(turn, with: proposal) { propose(released) }
        if turns.isEmpty, !drainWaiters.isEmpty { noteProgress() }
    }

    /// One entry at a time is on its way to the disk; what is proposed meanwhile shares the next one.
    private func startEntry() {
        guard !isAppending, !proposals.isEmpty else { return }
        isAppending = true
        let taken = takeProposals()
        let entry = makeEntry(of: taken)
        inLog[entry.index] = InLog(entry: entry, waiting: taken.map(\.committed))
        var effects = Effects()
        effects.put(.log, ReplicationKeys.log(id, index: entry.index), StoredEntry.encode(entry))
        log.append(effects) { [self] in
            onLoop { $0.appended(entry.index) }
        }
    }

    private func takeProposals() -> [Proposal] {
        var bytes = 0
        let count = proposals.prefix { proposal in
            defer { bytes += proposal.size }
            return bytes < settings.maxEntryBytes
        }.count
        defer { proposals.removeFirst(count) }
        return Array(proposals.prefix(count))
    }

    private func makeEntry(of taken: [Proposal]) -> LogEntry {
        let position = core.propose()
        var entry = LogEntry()
        entry.epoch = position.epoch
        entry.index = position.index
        entry.previousEpoch = position.previousEpoch
        entry.timeMs = clock.nowMs()
        entry.highestId = taken.map(\.highestId).max() ?? 0
        var effects = Effects()
        for proposal in taken {
            effects.append(proposal.effects)
            entry.events += proposal.events
            if let request = proposal.request {
                entry.requests.append(
                    .with {
                        $0.requestId = request.bytes
                        $0.answer = proposal.answer
                        $0.destinations = Self.destinations(of: proposal.events).map { UInt32($0.rawValue) }
                    })
            }
        }
        entry.effects = effects.encode()
        return entry
    }

    private func appended(_ index: UInt64) {
        isAppending = false
        perform(core.madeDurable(by: node, upTo: index))
        startEntry()
    }

    private func perform(_ actions: [PrimaryCore.Action]) {
        for case .apply(let last) in actions where submittedApply < last {
            for index in submittedApply + 1...last { apply(index) }
            submittedApply = last
        }
    }

    private func apply(_ index: UInt64) {
        guard let waiting = inLog[index] else { preconditionFailure("a committed entry is in the log's tail") }
        do {
            let (effects, newMeta) = try StoredEntry.applying(waiting.entry, partition: id, previous: meta)
            meta = newMeta
            log.apply(effects) { [self] in
                onLoop { $0.applied(index) }
            }
        } catch {
            // The effects were encoded by this process a moment ago.
            preconditionFailure("partition \(id): entry \(index) cannot be applied: \(error)")
        }
    }

    private func applied(_ index: UInt64) {
        guard let done = inLog.removeValue(forKey: index) else { return }
        core.applied(upTo: index)
        do {
            try announce(done.entry)
        } catch {
            log.failed(error)
        }
        for waiting in done.waiting { waiting.resume(returning: index) }
        tidyLog()
        if !drainWaiters.isEmpty { noteProgress() }
    }

    /// Whether at least as many entries can go as stay.
    private func surplus(below index: UInt64) -> Bool {
        index >= firstIndex && (index - firstIndex) / 2 >= settings.keepEntries
    }

    func announce(_ entry: LogEntry) throws {
        let told = outbox.applied(index: entry.index, events: entry.events)
        if !told.isEmpty { hasNews(id, told) }
        for observer in observers { try observer.applied(entry, in: self) }
    }

    /// Now and then: notes how far the log is applied, which entries that remember requests do not, and drops entries
    /// that nobody needs.
    private func tidyLog() {
        guard core.appliedIndex % 64 == 0 else { return }
        var effects = Effects()
        noteFigures(in: &effects)
        trimLog(in: &effects)
        log.apply(effects) {}
    }

    /// Of all that was handed over to be applied; what is handed over from now on is written after it (rule B5).
    func noteFigures(in effects: inout Effects) {
        effects.put(.meta, ReplicationKeys.meta(id), meta.encode())
    }

    /// Drops applied entries that no stream and no observer needs any more (rule D4). The figures are noted in the same
    /// batch, so that every entry above the stored ones stays in the log, with its mark and its highest id (rule A2).
    private func trimLog(in effects: inout Effects) {
        // The floors cost a walk over all destinations.
        guard surplus(below: core.appliedIndex) else { return }
        let needed = observers.map { $0.floor(in: id, appliedIndex: core.appliedIndex) }.min() ?? core.appliedIndex
        let floor = min(outbox.floor, needed, core.appliedIndex)
        guard surplus(below: floor) else { return }
        let newFirst = floor - settings.keepEntries
        effects.deleteRange(
            .log, from: ReplicationKeys.log(id, index: firstIndex), to: ReplicationKeys.log(id, index: newFirst))
        firstIndex = newFirst
    }
}

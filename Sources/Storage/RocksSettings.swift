import CRocksDB

/// How much memory and how many files and threads a store may use. The defaults suit three nodes on one laptop.
public struct RocksSettings: Hashable, Sendable {
    /// Blocks, their indexes and filters, uncompressed.
    public var blockCacheBytes = 64 << 20
    /// A family's memtable is written out at this size.
    public var writeBufferBytes = 16 << 20
    /// All families' memtables together; beyond it the fullest is written out.
    public var totalWriteBufferBytes = 64 << 20
    /// Families whose oldest change is in an older write-ahead log are written out beyond this.
    public var walBytes: UInt64 = 128 << 20
    public var maxOpenFiles: Int32 = 256
    public var backgroundJobs: Int32 = 2

    public init() {}

    /// One options object serves the database and every family. The caller destroys it after opening.
    func makeOptions() -> OpaquePointer? {
        let options = rocksdb_options_create()
        rocksdb_options_set_create_if_missing(options, 1)
        rocksdb_options_set_create_missing_column_families(options, 1)
        rocksdb_options_set_merge_operator(options, CounterMerge.makeOperator())
        setDurability(options)
        setResources(options)
        let table = makeTableOptions()
        defer { rocksdb_block_based_options_destroy(table) }
        rocksdb_options_set_block_based_table_factory(options, table)
        return options
    }

    /// Recovery is point-in-time: what comes back is a prefix of what was written, across all families, and a torn
    /// end of the write-ahead log is no error. Tolerating a torn tail per log file instead could replay a later
    /// file over a hole in an earlier one. A log damaged in its middle thus also comes back as a shorter prefix:
    /// the replication above sees that it is shorter than what it acknowledged (rule C7). Before a family is
    /// written out RocksDB syncs the older log files, so no file of rows is ever ahead of the prefix, and no merge
    /// is replayed twice (rule B5).
    private func setDurability(_ options: OpaquePointer?) {
        rocksdb_options_set_wal_recovery_mode(options, Int32(rocksdb_point_in_time_recovery))
        rocksdb_options_set_paranoid_checks(options, 1)
        // Recycled log files could show old records behind a torn end.
        rocksdb_options_set_recycle_log_file_num(options, 0)
    }

    private func setResources(_ options: OpaquePointer?) {
        rocksdb_options_set_write_buffer_size(options, writeBufferBytes)
        rocksdb_options_set_db_write_buffer_size(options, totalWriteBufferBytes)
        rocksdb_options_set_max_write_buffer_number(options, 3)
        // Most counters that a page asks for are missing: a filter says so before a memtable is searched.
        rocksdb_options_set_memtable_prefix_bloom_size_ratio(options, Self.memtableFilterShare)
        rocksdb_options_set_memtable_whole_key_filtering(options, 1)
        rocksdb_options_set_max_total_wal_size(options, walBytes)
        rocksdb_options_set_max_open_files(options, maxOpenFiles)
        rocksdb_options_set_max_background_jobs(options, backgroundJobs)
        rocksdb_options_set_bytes_per_sync(options, 1 << 20)
        rocksdb_options_set_level_compaction_dynamic_level_bytes(options, 1)
        rocksdb_options_set_compression(options, Int32(rocksdb_lz4_compression))
        // RocksDB's own text log: warnings, and little of it.
        rocksdb_options_set_info_log_level(options, 2)
        rocksdb_options_set_max_log_file_size(options, 4 << 20)
        rocksdb_options_set_keep_log_file_num(options, 3)
        rocksdb_options_set_stats_dump_period_sec(options, 0)
        rocksdb_options_set_stats_persist_period_sec(options, 0)
    }

    /// Whole keys are filtered. Prefixes are not: a key's prefix is its partition, and every file has all of them.
    private func makeTableOptions() -> OpaquePointer? {
        let table = rocksdb_block_based_options_create()
        let cache = rocksdb_cache_create_lru(blockCacheBytes)
        defer { rocksdb_cache_destroy(cache) }
        rocksdb_block_based_options_set_block_cache(table, cache)
        rocksdb_block_based_options_set_filter_policy(table, rocksdb_filterpolicy_create_bloom_full(10))
        rocksdb_block_based_options_set_whole_key_filtering(table, 1)
        rocksdb_block_based_options_set_block_size(table, 8 << 10)
        rocksdb_block_based_options_set_format_version(table, 5)
        rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1)
        rocksdb_block_based_options_set_cache_index_and_filter_blocks_with_high_priority(table, 1)
        rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(table, 1)
        rocksdb_block_based_options_set_checksum(table, Self.xxh3)
        return table
    }

    /// Of a memtable's size; some sixteen bits a row of a hundred bytes.
    private static let memtableFilterShare = 0.02

    /// `kXXH3` of RocksDB's `ChecksumType`.
    private static let xxh3: CChar = 4
}

// The table that faultydisk.so writes and faultydisk-drop reads: for each file, by inode, the length that is durable.
// It is a shared mapping of a file, so it outlives kill -9 of the processes that write it. It has no locks, which a
// killed process could leave locked: a slot is claimed by exchanging its inode, and its length is one atomic word.
#ifndef FAULTYDISK_H
#define FAULTYDISK_H

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define FAULTYDISK_SLOTS (1u << 16)

struct faultydisk_slot {
    _Atomic uint64_t inode;       // 0: free
    _Atomic uint64_t durable;     // length + 1; 0: not known yet, so the file is left alone
};

struct faultydisk_table {
    struct faultydisk_slot slots[FAULTYDISK_SLOTS];
};

// The inode's slot; a free one becomes its own when `claim`, else NULL is returned for an unknown inode.
static inline struct faultydisk_slot *faultydisk_find(struct faultydisk_table *table, uint64_t inode, int claim) {
    uint64_t start = (inode * 0x9e3779b97f4a7c15ull) >> 48;
    for (uint64_t step = 0; step < FAULTYDISK_SLOTS; step++) {
        struct faultydisk_slot *slot = &table->slots[(start + step) % FAULTYDISK_SLOTS];
        uint64_t found = atomic_load(&slot->inode);
        if (found == inode) return slot;
        if (found != 0) continue;
        if (!claim) return NULL;
        if (atomic_compare_exchange_strong(&slot->inode, &found, inode) || found == inode) return slot;
    }
    fprintf(stderr, "faultydisk: more than %u files\n", FAULTYDISK_SLOTS);
    abort();
}

#endif

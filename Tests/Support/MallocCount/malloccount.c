// Counts a process's heap allocations, for a test to read while it runs.
//
//     cc -shared -fPIC -O2 -o malloccount.so malloccount.c                 (build.sh DIRECTORY does it)
//     MALLOCCOUNT_FILE=$PWD/counters LD_PRELOAD=$PWD/malloccount.so contract-server
//
// The file is made if it is missing and holds three numbers of 64 bits, least byte first: allocations since the start,
// blocks that are not freed yet, and their bytes. It is mapped, so a reader finds the state of that moment. A
// realloc counts as an allocation whether the block moves or not: the caller could not know.
//
// With MALLOCCOUNT_SHOW=N, one allocation in N writes its stack to standard error: whose allocations are they?
//
// What asks the kernel for pages itself is not counted. A block's bytes are what it can hold, not what was asked for.
// Several processes must not share a file. Needs glibc, under whose own names the real functions are found: with
// dlsym, which allocates, they could not be found before the first allocation.
#define _GNU_SOURCE
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

struct counters {
    _Atomic uint64_t allocations;
    _Atomic int64_t live_blocks;
    _Atomic int64_t live_bytes;
};

static struct counters before_start;  // what the loader allocates before a constructor can run
static struct counters *_Atomic counters = &before_start;
static long show_every;
static _Thread_local int is_showing __attribute__((tls_model("initial-exec")));  // any other model allocates

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("MALLOCCOUNT_FILE"), *show = getenv("MALLOCCOUNT_SHOW");
    if (show) show_every = atol(show);
    if (!path) return;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 || ftruncate(fd, sizeof(struct counters)) != 0) { perror("malloccount: file"); abort(); }
    struct counters *map = mmap(NULL, sizeof *map, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) { perror("malloccount: mmap"); abort(); }
    close(fd);
    // One thread runs: nothing is counted between these lines.
    map->allocations = before_start.allocations;
    map->live_blocks = before_start.live_blocks;
    map->live_bytes = before_start.live_bytes;
    counters = map;
}

static void show(uint64_t number) {
    if (show_every <= 0 || is_showing || number % (uint64_t)show_every != 0) return;
    is_showing = 1;
    void *frames[32];
    int count = backtrace(frames, 32);
    if (write(STDERR_FILENO, "allocation\n", 11) == 11) backtrace_symbols_fd(frames, count, STDERR_FILENO);
    is_showing = 0;
}

static void *allocated(void *block) {
    if (!block) return NULL;
    struct counters *now = counters;
    uint64_t number = atomic_fetch_add_explicit(&now->allocations, 1, memory_order_relaxed) + 1;
    atomic_fetch_add_explicit(&now->live_blocks, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&now->live_bytes, (int64_t)malloc_usable_size(block), memory_order_relaxed);
    show(number);
    return block;
}

static void freed(size_t bytes) {
    struct counters *now = counters;
    atomic_fetch_sub_explicit(&now->live_blocks, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&now->live_bytes, (int64_t)bytes, memory_order_relaxed);
}

void *malloc(size_t size) { return allocated(__libc_malloc(size)); }

void *calloc(size_t count, size_t size) { return allocated(__libc_calloc(count, size)); }

void *realloc(void *block, size_t size) {
    size_t before = block ? malloc_usable_size(block) : 0;
    void *moved = __libc_realloc(block, size);
    // A failed one leaves the old block; one to nothing frees it.
    if (block && (moved || size == 0)) freed(before);
    return allocated(moved);
}

void free(void *block) {
    if (!block) return;
    freed(malloc_usable_size(block));
    __libc_free(block);
}

void *memalign(size_t alignment, size_t size) { return allocated(__libc_memalign(alignment, size)); }

void *aligned_alloc(size_t alignment, size_t size) { return allocated(__libc_memalign(alignment, size)); }

int posix_memalign(void **block, size_t alignment, size_t size) {
    if (alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0) return EINVAL;
    void *made = allocated(__libc_memalign(alignment, size));
    if (!made) return ENOMEM;
    *block = made;
    return 0;
}

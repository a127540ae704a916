// A disk that forgets what was not synced.
//
// kill -9 alone does not test fsync: what a process wrote stays in the kernel's cache, synced or not. This library,
// preloaded into a process, notes for every regular file below FAULTYDISK_DIR the length that the last
// fsync or fdatasync made durable; after the kill, faultydisk-drop cuts each file down to it.
//
//     cc -shared -fPIC -O2 -o faultydisk.so faultydisk.c -ldl -lpthread
//     cc -O2 -o faultydisk-drop faultydisk-drop.c                          (build.sh DIRECTORY does both)
//     FAULTYDISK_DIR=/data FAULTYDISK_TABLE=$PWD/table LD_PRELOAD=$PWD/faultydisk.so rookeryd …
//     kill -9 …; faultydisk-drop $PWD/table /data
//
// FAULTYDISK_DIR must be a canonical path (no links in it), on one file system; the table is made if missing and must
// lie outside. Several processes may share a table. With FAULTYDISK_FSYNC_FAILS_AFTER=N, all but the first N syncs
// of files below the directory fail with EIO in each process, and make nothing durable.
//
// The model. A file that was empty when it was opened for writing is durable up to 0. A sync makes durable what the
// file held when the sync began. Cutting a file with ftruncate or O_TRUNC is durable at once. sync_file_range makes
// nothing durable. Files are known by inode, so renames and hard links need no care. Faithful for files that
// only grow, which is all that RocksDB and the data directory write. Not modelled: making, renaming and unlinking
// are durable at once, with or without a sync of the directory; bytes overwritten in place survive; a file written
// through mmap, or made elsewhere and moved in, is left alone; sync() and syncfs() make nothing durable. Of an
// unsynced tail a real crash may spare anything; here it spares nothing.
#undef _FORTIFY_SOURCE  // its inline versions of open would be in the way
#define _GNU_SOURCE
#include "faultydisk.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct faultydisk_table *table;      // NULL: switched off
static char directory[PATH_MAX];
static size_t directory_length;
static long syncs_allowed = -1;             // -1: all
static _Atomic long syncs_seen;
static pthread_once_t started = PTHREAD_ONCE_INIT;

static void start(void) {
    const char *dir = getenv("FAULTYDISK_DIR"), *path = getenv("FAULTYDISK_TABLE");
    const char *allowed = getenv("FAULTYDISK_FSYNC_FAILS_AFTER");
    if (!dir || !path) return;
    if (allowed) syncs_allowed = atol(allowed);
    directory_length = strlen(dir);
    if (directory_length == 0 || directory_length >= sizeof directory) return;
    memcpy(directory, dir, directory_length + 1);
    // A plain system call: open() is ours.
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) != 0) { perror("faultydisk: table"); abort(); }
    if ((size_t)info.st_size < sizeof *table && syscall(SYS_ftruncate, fd, (long)sizeof *table) != 0) abort();
    void *map = mmap(NULL, sizeof *table, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) { perror("faultydisk: mmap"); abort(); }
    close(fd);
    table = map;
}

// The slot of an open regular file below the directory, else NULL. Leaves errno alone.
static struct faultydisk_slot *slot_of(int fd, struct stat *info) {
    int saved = errno;
    char link[64], path[PATH_MAX];
    struct faultydisk_slot *slot = NULL;
    pthread_once(&started, start);
    if (table && fd >= 0 && fstat(fd, info) == 0 && S_ISREG(info->st_mode)) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, path, sizeof path - 1);
        if (length > (ssize_t)directory_length && memcmp(path, directory, directory_length) == 0
            && path[directory_length] == '/')
            slot = faultydisk_find(table, info->st_ino, 1);
    }
    errno = saved;
    return slot;
}

static int opened(int fd, int flags) {
    struct stat info;
    if ((flags & O_ACCMODE) == O_RDONLY) return fd;
    struct faultydisk_slot *slot = slot_of(fd, &info);
    if (!slot) return fd;
    // An empty file starts anew, also where the inode was another file's before; a filled one that is seen for the
    // first time was there before the layer was.
    if (info.st_size == 0) atomic_store(&slot->durable, 1);
    uint64_t unknown = 0;
    atomic_compare_exchange_strong(&slot->durable, &unknown, (uint64_t)info.st_size + 1);
    return fd;
}

static int synced(int (*real)(int), int fd) {
    struct stat info;
    struct faultydisk_slot *slot = slot_of(fd, &info);
    if (slot && syncs_allowed >= 0 && atomic_fetch_add(&syncs_seen, 1) >= syncs_allowed) {
        errno = EIO;
        return -1;
    }
    int result = real(fd);
    if (!slot || result != 0) return result;
    uint64_t durable = (uint64_t)info.st_size + 1, before = atomic_load(&slot->durable);
    while (before < durable && !atomic_compare_exchange_weak(&slot->durable, &before, durable)) {}
    return result;
}

static int cut(int (*real)(int, off64_t), int fd, off64_t length) {
    struct stat info;
    struct faultydisk_slot *slot = slot_of(fd, &info);
    int result = real(fd, length);
    if (!slot || result != 0) return result;
    uint64_t limit = (uint64_t)length + 1, before = atomic_load(&slot->durable);
    while (before > limit && !atomic_compare_exchange_weak(&slot->durable, &before, limit)) {}
    return result;
}

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)
#define MODE(flags, last) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { \
        va_list rest; \
        va_start(rest, last); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }
#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        MODE(flags, flags) \
        REAL(name); \
        return opened(real(path, flags, mode), flags); \
    }
#define OPENAT(name) \
    int name(int at, const char *path, int flags, ...) { \
        MODE(flags, flags) \
        REAL(name); \
        return opened(real(at, path, flags, mode), flags); \
    }
// What fortified callers use instead of open without a mode.
#define OPEN_2(name) \
    int name(const char *path, int flags) { \
        REAL(name); \
        return opened(real(path, flags), flags); \
    }
#define OPENAT_2(name) \
    int name(int at, const char *path, int flags) { \
        REAL(name); \
        return opened(real(at, path, flags), flags); \
    }
#define CREAT(name) \
    int name(const char *path, mode_t mode) { \
        REAL(name); \
        return opened(real(path, mode), O_WRONLY); \
    }
#define FOPEN(name) \
    FILE *name(const char *path, const char *mode) { \
        REAL(name); \
        FILE *file = real(path, mode); \
        if (file && strpbrk(mode, "wa+")) opened(fileno(file), O_WRONLY); \
        return file; \
    }
#define SYNC(name) \
    int name(int fd) { \
        REAL(name); \
        return synced(real, fd); \
    }
#define CUT(name) \
    int name(int fd, off64_t length) { \
        REAL(name); \
        return cut(real, fd, length); \
    }

int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int at, const char *path, int flags);
int __openat64_2(int at, const char *path, int flags);

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
OPEN_2(__open_2)
OPEN_2(__open64_2)
OPENAT_2(__openat_2)
OPENAT_2(__openat64_2)
CREAT(creat)
CREAT(creat64)
FOPEN(fopen)
FOPEN(fopen64)
SYNC(fsync)
SYNC(fdatasync)
CUT(ftruncate)
CUT(ftruncate64)

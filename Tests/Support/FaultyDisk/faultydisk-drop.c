// faultydisk-drop TABLE DIRECTORY: what a power cut does. Run after every process that used faultydisk.so is dead;
// cuts each file below DIRECTORY down to the length that TABLE knows as durable, and prints what it cut.
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include "faultydisk.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct faultydisk_table *table;

static int visit(const char *path, const struct stat *info, int type, struct FTW *where) {
    (void)where;
    if (type != FTW_F || !S_ISREG(info->st_mode)) return 0;
    struct faultydisk_slot *slot = faultydisk_find(table, info->st_ino, 0);
    uint64_t durable = slot ? atomic_load(&slot->durable) : 0;
    if (durable == 0 || (uint64_t)info->st_size <= durable - 1) return 0;
    if (truncate(path, (off_t)(durable - 1)) != 0) { perror(path); return 1; }
    printf("%s: %lld -> %llu\n", path, (long long)info->st_size, (unsigned long long)(durable - 1));
    return 0;
}

int main(int argc, char **argv) {
    if (argc != 3) { fprintf(stderr, "usage: faultydisk-drop TABLE DIRECTORY\n"); return 64; }
    int fd = open(argv[1], O_RDONLY);
    if (fd < 0) { perror(argv[1]); return 1; }
    void *map = mmap(NULL, sizeof *table, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) { perror("mmap"); return 1; }
    table = map;
    return nftw(argv[2], visit, 32, FTW_PHYS) == 0 ? 0 : 1;
}

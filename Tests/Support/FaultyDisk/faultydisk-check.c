// What the model promises, played through on small files in DIRECTORY (argv[1]), which the test then drops and looks
// at. Ends by killing itself, as everything that is tested under faultydisk does.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void need(int ok, const char *what) {
    if (!ok) { perror(what); exit(1); }
}

static int make(const char *name) {
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    need(fd >= 0, name);
    return fd;
}

static void put(int fd, const char *text) {
    need(write(fd, text, strlen(text)) == (ssize_t)strlen(text), "write");
}

int main(int argc, char **argv) {
    need(argc == 2 && chdir(argv[1]) == 0, "chdir");

    put(make("never-synced"), "lost");

    int half = make("half-synced");
    put(half, "kept");
    need(fdatasync(half) == 0, "fdatasync");
    put(half, "lost");

    // Synced under its first name, which it then gives up.
    int renamed = make("first-name");
    put(renamed, "kept");
    need(fsync(renamed) == 0, "fsync");
    put(renamed, "lost");
    need(rename("first-name", "second-name") == 0, "rename");

    int shortened = make("cut-then-grown");
    put(shortened, "kept----");
    need(fsync(shortened) == 0, "fsync");
    need(ftruncate(shortened, 4) == 0, "ftruncate");
    need(lseek(shortened, 0, SEEK_END) == 4, "lseek");
    put(shortened, "lost");

    int older = open("older", O_WRONLY | O_APPEND);
    need(older >= 0, "older");
    put(older, "lost");

    kill(getpid(), SIGKILL);
    return 1;
}

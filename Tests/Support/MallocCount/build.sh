#!/bin/sh
# build.sh DIRECTORY: compiles the counter of allocations (see malloccount.c) into DIRECTORY.
set -e
here=$(cd "$(dirname "$0")" && pwd)
cc -Wall -Wextra -Werror -shared -fPIC -O2 -o "$1/malloccount.so" "$here/malloccount.c"

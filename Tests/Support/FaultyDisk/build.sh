#!/bin/sh
# build.sh DIRECTORY: compiles the disk that forgets (see faultydisk.c) into DIRECTORY.
set -e
here=$(cd "$(dirname "$0")" && pwd)
cc -Wall -Wextra -Werror -shared -fPIC -O2 -o "$1/faultydisk.so" "$here/faultydisk.c" -ldl -lpthread
cc -Wall -Wextra -Werror -O2 -o "$1/faultydisk-drop" "$here/faultydisk-drop.c"
cc -Wall -Wextra -Werror -O2 -o "$1/faultydisk-check" "$here/faultydisk-check.c"

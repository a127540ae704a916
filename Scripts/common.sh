# Read by the other scripts: where the project is, and how a step is told.
# shellcheck shell=bash

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# step TEXT COMMAND…: says what is done, does it, says how long it took; ends the script with TEXT when it fails.
step() {
    local what=$1 began=$SECONDS
    shift
    echo "==> $what"
    "$@" || fail "'$what' failed; the lines above say why."
    echo "    done in $((SECONDS - began)) s"
}

# fail SENTENCE: the last line of a script that did not do what it should.
fail() {
    echo "error: $1" >&2
    exit 1
}

# install_packages PACKAGE…: Debian's packages. A service that one of them brings is not started.
install_packages() {
    local as_root=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || fail "These packages are missing, and installing them needs root: $*."
        as_root=(sudo)
    fi
    command -v apt-get >/dev/null || fail "Please install what these Debian packages hold, there is no apt-get here: $*."
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# Swift sources that people write: what the formatter and the linter look at.
written_sources() {
    local folders=(Sources Tests)
    [ ! -d Benchmarks ] || folders+=(Benchmarks)
    echo Package.swift
    find "${folders[@]}" -name '*.swift' -not -path '*/Generated/*' | sort
}

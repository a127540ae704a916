#!/usr/bin/env bash
# Installs what the build needs and does not fetch by itself. Does nothing when all is there.
set -euo pipefail
source "$(dirname "$0")/common.sh"

# The library or tool that shows that a package is there, so that any distribution's own packages will do.
have() {
    case $1 in
        libprotobuf-c-dev) pkg-config --exists libprotobuf-c 2>/dev/null ;;
        protobuf-c-compiler) command -v protoc-c >/dev/null ;;
        liblz4-dev) pkg-config --exists liblz4 2>/dev/null ;;
        librocksdb-dev) pkg-config --exists rocksdb 2>/dev/null ;;
        libxxhash-dev) pkg-config --exists libxxhash 2>/dev/null ;;
        python3-venv) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
        pkg-config | python3) command -v "$1" >/dev/null ;;
    esac
}

missing_packages() {
    local package
    for package in pkg-config python3 python3-venv protobuf-c-compiler libprotobuf-c-dev liblz4-dev librocksdb-dev \
        libxxhash-dev; do
        have "$package" || echo "$package"
    done
}

command -v swift >/dev/null || fail "There is no 'swift' on the PATH: install Swift 6.2 or newer from swift.org."
read -r -d '' -a missing < <(missing_packages) || true
[ ${#missing[@]} = 0 ] && exit 0
step "installing ${missing[*]} (about a minute)" install_packages "${missing[@]}"
read -r -d '' -a missing < <(missing_packages) || true
[ ${#missing[@]} = 0 ] || fail "Still missing after the installation: ${missing[*]}."

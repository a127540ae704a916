#!/usr/bin/env bash
# Measures Rookery beside Twitter on Redis, in turns on the same machine. Prints medians and ratios, and ends with them as
# one line of JSON. Everything runs in a temporary folder, on free ports of the loopback, and is taken down at the end.
# About ten minutes after the build.
#
# usage: bench-peers.sh [--rounds N] [--seconds S] [MIX…]
#
# ROOKERY_PEERS names the folder with redis-retwis/bench.cc, ROOKERY_DATA the one with graphs/.
set -euo pipefail
source "$(dirname "$0")/common.sh"

source_file=${ROOKERY_PEERS:-}/redis-retwis/bench.cc
graph=${ROOKERY_DATA:-}/graphs/socfb-Reed98.edges
[ -n "${ROOKERY_PEERS:-}" ] || fail "Set ROOKERY_PEERS to the folder that holds redis-retwis/bench.cc."
[ -f "$source_file" ] || fail "There is no $source_file: ROOKERY_PEERS must name the folder that holds it."
[ -n "${ROOKERY_DATA:-}" ] || fail "Set ROOKERY_DATA to the folder that holds graphs/socfb-Reed98.edges."
[ -f "$graph" ] || fail "There is no $graph: ROOKERY_DATA must name the folder that holds graphs/."

missing=()
command -v redis-server >/dev/null || missing+=(redis-server)
command -v g++ >/dev/null || missing+=(g++)
[ -f /usr/include/hiredis/hiredis.h ] || missing+=(libhiredis-dev)
[ ${#missing[@]} = 0 ] || step "installing ${missing[*]}" install_packages "${missing[@]}"

peer=.build/peers/redis-retwis
mkdir -p .build/peers
step "building the peer" g++ -O2 -std=c++17 "$source_file" -o "$peer" -lhiredis
step "building for release (several minutes the first time)" swift build -c release --product rookery
step "building the node for release" swift build -c release --product rookeryd
exec python3 Scripts/bench_peers.py --program .build/release/rookery --peer "$peer" --graph "$graph" "$@"

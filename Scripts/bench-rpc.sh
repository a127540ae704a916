#!/usr/bin/env bash
# Measures Rookery's RPC layer, in a rookeryd, beside gRPC C++ and beside bare SwiftNIO, in turns on the same two cores,
# with server and client as two processes. Prints medians and ratios, and ends with them as one line of JSON. Everything
# runs on free ports of the loopback, and is taken down at the end. Ten to fifteen minutes after the build, most of it
# the tail row.
#
# usage: bench-rpc.sh [--rounds 5] [--seconds 5] [--tail-seconds 30] [--rate R] [--only ROW]…
#
# ROOKERY_PEERS names the folder with grpc-cpp/bench.cc and grpc-cpp/echo.proto; without it gRPC's column stays empty.
# Scripts/bench_rpc.py describes the rows, and what it asks of the rpc-bench program in Benchmarks/RPC.
set -euo pipefail
source "$(dirname "$0")/common.sh"

built=.build/peers/grpc-cpp

# Debian's packages for what is not there yet, so that any distribution's own will do.
missing_packages() {
    command -v g++ >/dev/null || echo g++
    command -v protoc >/dev/null || echo protobuf-compiler
    command -v grpc_cpp_plugin >/dev/null || echo protobuf-compiler-grpc
    pkg-config --exists grpc++ 2>/dev/null || echo libgrpc++-dev
    pkg-config --exists protobuf 2>/dev/null || echo libprotobuf-dev
}

generate_messages() {
    protoc --proto_path="$1" --cpp_out="$built" --grpc_out="$built" \
        --plugin=protoc-gen-grpc="$(command -v grpc_cpp_plugin)" echo.proto
}

compile() { # compile SOURCE PROGRAM
    local flags
    read -r -a flags < <(pkg-config --cflags --libs grpc++ protobuf)
    g++ -O3 -std=c++17 -I"$built" "$1" "$built"/echo.pb.cc "$built"/echo.grpc.pb.cc "${flags[@]}" -o "$2"
}

build_peer() {
    local source=$1 missing file
    for file in "$source"/{bench.cc,echo.proto}; do
        [ -f "$file" ] || fail "There is no $file: ROOKERY_PEERS must name the folder that holds grpc-cpp/."
    done
    read -r -d '' -a missing < <(missing_packages) || true
    [ ${#missing[@]} = 0 ] || step "installing ${missing[*]} (about a minute)" install_packages "${missing[@]}"
    mkdir -p "$built"
    step "generating the peer's messages" generate_messages "$source"
    step "building the peer (a quarter of a minute)" compile "$source/bench.cc" "$built/bench"
    step "building its client for a fixed rate" compile Benchmarks/RPC/peer/open_loop.cc "$built/open-loop"
}

arguments=(--program .build/release/rpc-bench --node .build/release/rookeryd)
if [ -n "${ROOKERY_PEERS:-}" ]; then
    build_peer "$ROOKERY_PEERS/grpc-cpp"
    arguments+=(--peer "$built")
else
    echo "warning: gRPC is not measured: set ROOKERY_PEERS to the folder that holds grpc-cpp/." >&2
fi
step "building the node for release (several minutes the first time)" swift build -c release --product rookeryd
step "building its client for release" swift build -c release --product rpc-bench
exec python3 Scripts/bench_rpc.py "${arguments[@]}" "$@"

#!/usr/bin/env bash
# Counts the heap allocations of a call on a server, and fails above Tests/RPCTests/Thresholds/allocations.txt.
# Half a minute after two builds: the tests, and the server for release (several minutes the first time).
set -euo pipefail
source "$(dirname "$0")/common.sh"

# The flags of test.sh, so that nothing is built twice.
flags=(--explicit-target-dependency-import-check error)
step "building the server for release" swift build -c release --product contract-server
step "building the tests" swift build --build-tests "${flags[@]}"
release=$(swift build -c release --show-bin-path)
ROOKERY_RELEASE_SERVER=$release/contract-server \
    step "counting" swift test --skip-build --filter RPCTests.AllocationTests "${flags[@]}"

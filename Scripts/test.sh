#!/usr/bin/env bash
# Everything that must hold before a change is taken, cheapest first.
set -euo pipefail
source "$(dirname "$0")/common.sh"

# An import that Package.swift does not list would work by accident of build order.
flags=(--explicit-target-dependency-import-check error)
began=$SECONDS

step "looking for what the build needs" Scripts/setup.sh
step "looking for what the client in another language needs" Scripts/foreign-client.sh
step "comparing generated code with Protos/ (a second)" Scripts/generate.sh --check
step "linting (a few seconds)" Scripts/format.sh --check
step "running the examples in the benchmark's own arithmetic" python3 -m doctest Scripts/bench_rpc.py Scripts/rpc_sides.py
step "building everything, with its tests (several minutes the first time)" swift build --build-tests "${flags[@]}"
# Not for its figures; without data, and with what was built for the tests, it takes seconds.
step "trying the benchmark that nothing else runs" env ROOKERY_DATA=/none Benchmarks/startup.sh "$(swift build --show-bin-path)"
# One after the other: on two cores, tests that wait for processes would starve those that answer calls.
step "running the tests (a few minutes)" swift test --no-parallel "${flags[@]}"
echo "==> all is well: generated code, format, build and tests, in $((SECONDS - began)) s"

#!/usr/bin/env bash
# Builds for release and runs every benchmark in Benchmarks/, or those that are named.
#
# usage: bench.sh [NAME…]    NAME is a script's name without .sh
set -euo pipefail
source "$(dirname "$0")/common.sh"

shopt -s nullglob
scripts=(Benchmarks/*.sh)
if [ $# != 0 ]; then
    scripts=("${@/#/Benchmarks/}")
    scripts=("${scripts[@]/%/.sh}")
fi
[ ${#scripts[@]} != 0 ] || fail "There is no benchmark yet: a benchmark is a script Benchmarks/NAME.sh."
for script in "${scripts[@]}"; do
    [ -x "$script" ] || fail "There is no executable benchmark $script."
done
step "looking for what the build needs" Scripts/setup.sh
step "building for release (several minutes the first time)" swift build -c release --product rookery
step "building the node for release" swift build -c release --product rookeryd
for script in "${scripts[@]}"; do step "running $script" "$script"; done

#!/usr/bin/env bash
# usage: format.sh [--check]    formats what people write; --check only says what is not as it should be
set -euo pipefail
source "$(dirname "$0")/common.sh"

if [ "${1:-}" = --check ]; then
    written_sources | xargs swift format lint --strict --parallel ||
        fail "The sources are not formatted as .swift-format says: run 'make format', and mend by hand what it leaves."
else
    written_sources | xargs swift format --in-place --parallel
fi

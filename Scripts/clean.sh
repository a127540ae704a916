#!/usr/bin/env bash
# Removes what was built. A cluster's data under .rookery/ is not built, and stays: 'rookery cluster wipe' removes it.
set -euo pipefail
source "$(dirname "$0")/common.sh"
step "removing what was built" swift package clean

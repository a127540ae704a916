#!/usr/bin/env bash
# Makes the virtual environment of Tests/Contract/foreign, the client in another language. Does nothing when it is
# there.
set -euo pipefail
source "$(dirname "$0")/common.sh"

environment=.build/foreign-client
wanted=Tests/Contract/foreign/requirements.txt

# The copy of what was installed is written last: where it is, and the same, all is there.
"$environment/bin/python" -c '' 2>/dev/null && cmp -s "$wanted" "$environment/installed.txt" && exit 0

python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
    || fail "The foreign client needs Python 3.11 or newer; 'python3' is $(python3 --version)."
rm -rf "$environment"
python3 -m venv "$environment"
"$environment/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --retries 1 --timeout 20 \
    --requirement "$wanted" \
    || fail "pip could not install what $wanted names: is PyPI, or the index that pip is told of, within reach?"
cp "$wanted" "$environment/installed.txt"

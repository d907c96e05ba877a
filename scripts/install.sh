#!/usr/bin/env bash
# Bring .venv to what the lock says, hash by hash: install.sh run | install.sh test
set -euo pipefail
cd "$(dirname "$0")/.."

usable() { .venv/bin/python -c '' && grep -qF "$(pwd -P)/.venv/bin/python" .venv/bin/pip; } 2>/dev/null
has() { [ "$(cat ".venv/$1.stamp")" = "$wanted" ]; } 2>/dev/null

# By content, not by date: a checkout changes dates alone.  The test lock contains the other two.
wanted=$(cat requirements/{run,build,test}.txt pyproject.toml proxy/__init__.py | cksum)
if usable && { has test || has "$1"; }; then exit 0; fi

usable || scripts/venv.sh
locks=(--requirement "requirements/$1.txt")
[ "$1" = test ] || locks+=(--requirement requirements/build.txt)
echo "Installing requirements/$1.txt into .venv ..." >&2
.venv/bin/python -m pip install -qq --require-hashes "${locks[@]}"
# The build's own requirements are locked too: no isolated environment that would fetch others.
.venv/bin/python -m pip install -qq --no-deps --no-build-isolation --editable .
echo "$wanted" >".venv/$1.stamp"

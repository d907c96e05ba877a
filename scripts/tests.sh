#!/usr/bin/env bash
# Every test: those that watch a clock one after the other, when the others have left the machine to them.
set -euo pipefail
cd "$(dirname "$0")/.."

# Tests start some hundred processes of ours: what was compiled once must not be compiled again by each of them.
unset PYTHONDONTWRITEBYTECODE

# 5 is "no test was chosen", which is fine for one of the two halves.
chosen() {
  .venv/bin/pytest "$@" || { local code=$?; [ "$code" -eq 5 ] || exit "$code"; return 5; }
}

none=0 clocked=()
chosen --numprocesses auto --maxprocesses 8 --dist loadgroup -m "not clocked" "$@" || none=$?
# To collect twelve thousand tests for the sake of a hundred takes a minute: only files that have some are looked at.
[ "$#" -gt 0 ] || mapfile -t clocked < <(grep -rl --include='test_*.py' 'mark\.clocked' tests)
chosen -m clocked "${clocked[@]}" "$@" || { [ "$none" -eq 0 ] || { echo "no test has been chosen: $*" >&2; exit 5; }; }

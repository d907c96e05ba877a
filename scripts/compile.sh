#!/usr/bin/env bash
# Lay out a copy of the program with its hottest modules compiled: compile.sh [FOLDER [-O0]], build/compiled by default.
# Run it with `cd FOLDER && PATH_TO_CHECKOUT/.venv/bin/python -m proxy serve --config …`.  Needs a C compiler.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v "${CC:-cc}" >/dev/null || { echo "No C compiler (cc): apt-get install gcc libc6-dev, or run without." >&2; exit 1; }
.venv/bin/python -c 'import Cython, setuptools' 2>/dev/null ||
  .venv/bin/python -m pip install -qq --require-hashes --requirement requirements/compile.txt
exec .venv/bin/python hatch_build.py "${1:-build/compiled}" "${@:2}"

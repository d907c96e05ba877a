#!/usr/bin/env bash
# Make .venv with the first Python that will do.  PYTHON names one of your own.
set -euo pipefail
cd "$(dirname "$0")/.."

will_do() { "$1" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

candidates=(python3.11 python3.12 python3.13 python3.14 python3)
[ -z "${PYTHON:-}" ] || candidates=("$PYTHON")
for python in "${candidates[@]}"; do
  if will_do "$python"; then
    exec "$python" -m venv --clear .venv
  fi
done
echo "dvc-edge needs Python 3.11 or newer with its venv module; tried: ${candidates[*]}." >&2
echo "Debian and Ubuntu: apt-get install python3.11 python3.11-venv.  Or name one: make run PYTHON=/path/to/python3" >&2
exit 1

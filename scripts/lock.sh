#!/usr/bin/env bash
# Write the lock files anew from pyproject.toml.  Pins already there stay unless --upgrade is given.
set -euo pipefail
cd "$(dirname "$0")/.."

[ -x .venv/bin/python ] || scripts/venv.sh
[ -x .venv/lock/bin/uv ] || { .venv/bin/python -m venv .venv/lock && .venv/lock/bin/pip install -qq "uv>=0.9"; }
compile=(.venv/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes
  --no-emit-index-url --no-emit-find-links --no-header "$@")
# A release that is withdrawn after a day never gets in.
[ "${1:-}" != --upgrade ] || compile+=(--exclude-newer "7 days")

"${compile[@]}" pyproject.toml --output-file requirements/run.txt
.venv/bin/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' |
  "${compile[@]}" - --output-file requirements/build.txt
"${compile[@]}" --group compile --constraint requirements/build.txt --output-file requirements/compile.txt
# Constrained by the others, so that tests run on what ships.
"${compile[@]}" pyproject.toml --group test --constraint requirements/run.txt --constraint requirements/build.txt \
  --constraint requirements/compile.txt --output-file requirements/test.txt

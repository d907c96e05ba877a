#!/usr/bin/env bash
# Bring axe-core, which the browser tests load into pages, in the version of the lock file.
set -euo pipefail
cd "$(dirname "$0")/../tests/browser"

if ! command -v npm >/dev/null; then
  echo "npm is missing: the accessibility tests in tests/browser cannot pass without axe-core." >&2
  exit 0
fi
npm ci --silent --no-audit --no-fund --ignore-scripts
touch node_modules/.package-lock.json

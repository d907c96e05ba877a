#!/usr/bin/env bash
# Bring openid-client, which the tests sign in with as systems do, in the version of the lock file.
set -euo pipefail
cd "$(dirname "$0")/../tests/clients"

if ! command -v npm >/dev/null; then
  echo "npm is missing: the tests in tests/clients cannot pass without openid-client." >&2
  exit 0
fi
npm ci --silent --no-audit --no-fund --ignore-scripts
touch node_modules/.package-lock.json

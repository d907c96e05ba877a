#!/usr/bin/env bash
# Bring the Debian packages of the peers that `make bench` measures beside us; where that is not allowed, the bench skips
# who is absent and says so.
set -euo pipefail

missing=()
for server in nginx haproxy caddy; do
  PATH="$PATH:/usr/sbin" command -v "$server" >/dev/null || missing+=("$server")
done
command -v wrk >/dev/null || missing+=(wrk)
command -v redis-server >/dev/null || missing+=(redis-server)
command -v npm >/dev/null || missing+=(npm)
compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null || missing+=(postgresql)
# oidc-provider, in the version of its lock file; sign-in is measured beside it.
peer() {
  [ -d "$(dirname "$0")/../bench/node_modules/oidc-provider" ] || ! command -v npm >/dev/null ||
    (cd "$(dirname "$0")/../bench" && npm ci --silent --no-audit --no-fund --ignore-scripts) || true
}
[ ${#missing[@]} -gt 0 ] || { peer; exit 0; }
[ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null || exit 0

echo "Installing Debian packages: ${missing[*]} ..." >&2
# Not started: the measurements start their own, on ports of their own.
install() {
  env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install --yes --quiet=2 --no-install-recommends "$1" >/dev/null 2>&1
}
updated=
for package in "${missing[@]}"; do
  install "$package" && continue
  [ -n "$updated" ] || apt-get update --quiet=2 >/dev/null 2>&1 || true
  updated=yes
  install "$package" || echo "$package could not be installed: the bench goes on without it." >&2
done
peer
exit 0

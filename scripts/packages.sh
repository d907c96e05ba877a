#!/usr/bin/env bash
# Bring the Debian packages that the tests lean on; where that is not allowed, say what will be missing.
set -euo pipefail

missing=()
command -v chromium >/dev/null || missing+=(chromium)
command -v git >/dev/null || missing+=(git)
command -v npm >/dev/null || missing+=(npm)
for server in haproxy nginx; do
  [ -x "/usr/sbin/$server" ] || missing+=("$server")
done
[ -e /usr/lib/apache2/modules/mod_auth_openidc.so ] || missing+=(apache2 libapache2-mod-auth-openidc)
compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null || missing+=(postgresql)
command -v redis-server >/dev/null || missing+=(redis-server)
command -v php >/dev/null || missing+=(php-cli)
[ -e /usr/lib/nginx/modules/ngx_http_js_module.so ] || missing+=(libnginx-mod-http-js)
command -v shellcheck >/dev/null || missing+=(shellcheck)
[ -e /usr/share/fonts/truetype/noto/NotoSans-Regular.ttf ] || missing+=(fonts-noto-core)
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=(env DEBIAN_FRONTEND=noninteractive)
[ "$(id -u)" -eq 0 ] || as_root=(sudo -n "${as_root[@]}")
install=("${as_root[@]}" apt-get install --yes --quiet=2 --no-install-recommends "${missing[@]}")
echo "Installing Debian packages: ${missing[*]} ..." >&2
"${install[@]}" >/dev/null 2>&1 && exit 0
"${as_root[@]}" apt-get update --quiet=2 && "${install[@]}" >/dev/null && exit 0

cat >&2 <<MESSAGE
Could not install: ${missing[*]}
Ask an administrator for: apt-get install ${missing[*]}
Until then, without chromium, fonts-noto-core or npm (it brings axe-core) the tests in tests/browser cannot pass;
without haproxy and nginx the exports are not compared with the real servers; without postgresql the store is tried on
SQLite alone; without apache2 with mod_auth_openidc, and npm, nobody signs in with what systems use (tests/clients);
without php-cli and libnginx-mod-http-js those examples of the verify kit are not run; without redis-server what sign-in
remembers is tried on the embedded Valkey alone; without shellcheck the shell scripts go unchecked; without git the
hygiene tests read the folder instead of the index.
MESSAGE

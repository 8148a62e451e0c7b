#!/bin/sh
# Installs the browser that the tests open reports with.
#
#   scripts/install-chromium.sh       Debian's chromium and a font; about 450 MB unpacked, half a minute; needs root
#
# Does nothing where there is a chromium on the PATH.
set -eu

fail() { echo "install-chromium: $*" >&2; exit 1; }

if command -v chromium >/dev/null; then
  exit 0
fi
command -v apt-get >/dev/null || fail "chromium is missing, and apt-get to install it with: put chromium on the PATH"
[ "$(id -u)" = 0 ] || fail "chromium is missing, and only root can install it: apt-get install chromium"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
get() { DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends chromium fonts-dejavu-core >>"$log" 2>&1; }
# A machine that never asked for package lists has none.
get || { apt-get update -q >>"$log" 2>&1 && get; } || { cat "$log" >&2; fail "cannot install the package chromium"; }
echo "install-chromium: $(chromium --version 2>/dev/null)"

#!/bin/sh
# Installs the queue that the tests of the cluster use.
#
#   scripts/install-redis.sh       Debian's redis-server, redis-cli and openssl; about 2 MB, some seconds; needs root
#
# Does nothing where they are on the PATH. The package's own service is not started by hawkeye, nor used: each test
# has a Redis of its own.
set -eu

fail() { echo "install-redis: $*" >&2; exit 1; }

if command -v redis-server >/dev/null && command -v redis-cli >/dev/null && command -v openssl >/dev/null; then
  exit 0
fi
command -v apt-get >/dev/null || fail "redis-server is missing, and apt-get to install it with: put redis-server and redis-cli on the PATH"
[ "$(id -u)" = 0 ] || fail "redis-server is missing, and only root can install it: apt-get install redis-server openssl"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
get() { DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends redis-server openssl >>"$log" 2>&1; }
# A machine that never asked for package lists has none.
get || { apt-get update -q >>"$log" 2>&1 && get; } || { cat "$log" >&2; fail "cannot install the package redis-server"; }
echo "install-redis: $(redis-server --version)"

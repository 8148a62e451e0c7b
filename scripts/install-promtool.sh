#!/bin/sh
# Puts promtool, which the tests check our metrics with, where they look for it.
#
#   scripts/install-promtool.sh       into ${HAWKEYE_ZOO:-target/zoo}/prometheus; about 46 MB, some seconds
#
# Does nothing where there is one already. Takes Debian's package apart instead of installing it: nothing
# needs root, and no Prometheus server is started. Elsewhere: install promtool so that it is on the PATH.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
place=${HAWKEYE_ZOO:-$root/target/zoo}/prometheus

fail() { echo "install-promtool: $*" >&2; exit 1; }

if [ -x "$place/usr/bin/promtool" ] || command -v promtool >/dev/null; then
  exit 0
fi
for program in apt-get dpkg-deb; do
  command -v "$program" >/dev/null || fail "promtool is missing, and $program to fetch it with: put promtool on the PATH"
done
mkdir -p "$place"
download=$(mktemp -d)
trap 'rm -rf "$download"' EXIT
cd "$download"
# A machine that never asked for package lists has none; only root can fetch them.
apt-get download -q prometheus >log 2>&1 || { apt-get update -q >>log 2>&1 && apt-get download -q prometheus >>log 2>&1; } ||
  { cat log >&2; fail "cannot download the package prometheus"; }
dpkg-deb -x prometheus_*.deb parts
# Only what the tests run, and in one step: a broken-off copy must not look like an installed one.
mkdir -p "$place/usr/bin"
cp parts/usr/bin/promtool "$place/usr/bin/.promtool.$$"
mv "$place/usr/bin/.promtool.$$" "$place/usr/bin/promtool"
echo "install-promtool: $("$place/usr/bin/promtool" --version 2>&1 | head -n 1)"

#!/bin/sh
# Installs what the tests talk to: the real MCP servers of tests/zoo and the official conformance suite.
#
#   scripts/install-test-servers.sh       into ${HAWKEYE_ZOO:-target/zoo}; about 900 MB, 2 to 4 minutes
#
# Does nothing when that folder already holds exactly these versions. Needs node 20 with npm, python3 with pip.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
source=$root/tests/zoo
zoo=${HAWKEYE_ZOO:-$root/target/zoo}

fail() { echo "install-test-servers: $*" >&2; exit 1; }
for program in node npm python3 cksum flock; do
  command -v "$program" >/dev/null || fail "$program is missing"
done
python3 -m pip --version >/dev/null 2>&1 || fail "python3 has no pip (Debian: apt-get install python3-pip)"

mkdir -p "$zoo/node/tiny" "$zoo/tiny" "$zoo/conformance" "$zoo/data/fs"
zoo=$(cd "$zoo" && pwd)
exec 9>"$zoo/.lock"
flock 9

# Our own servers are cheap: always fresh. Node finds packages from where the file lies.
cp "$source"/tiny/*.py "$zoo/tiny/"
cp "$source"/tiny/*.mjs "$zoo/node/tiny/"
echo hello > "$zoo/data/fs/hello.txt"

stamp=$(cat "$0" "$source"/package*.json "$source"/conformance/package*.json "$source"/requirements-*.txt | cksum)
if [ "$(cat "$zoo/.stamp" 2>/dev/null)" = "$stamp" ]; then
  exit 0
fi
rm -f "$zoo/.stamp"
echo "install-test-servers: installing into $zoo"

# A registry that hiccups is asked once more.
twice() { "$@" || { echo "once more: $1" >&2; sleep 5; "$@"; }; }

npm_tree() { # npm_tree FROM TO FLAG...
  from=$1 to=$2
  shift 2
  cp "$from/package.json" "$from/package-lock.json" "$to/"
  (cd "$to" && twice npm ci --ignore-scripts --no-audit --no-fund --no-progress --prefer-offline \
    --loglevel=error "$@")
}

node_side() {
  # Some servers disagree about the peers they would like; each works with what is locked.
  npm_tree "$source" "$zoo/node" --legacy-peer-deps
  npm_tree "$source/conformance" "$zoo/conformance"
}

python_side() {
  for requirements in "$source"/requirements-*.txt; do
    name=$(basename "$requirements" .txt)
    venv=$zoo/python-${name#requirements-}
    # Debian's venv cannot put a pip into the environment; ours works from outside.
    rm -rf "$venv"
    python3 -m venv --without-pip "$venv"
    twice python3 -m pip --python "$venv/bin/python" install --quiet --disable-pip-version-check \
      --no-input --no-deps --no-compile --requirement "$requirements"
    # Otherwise the first start of each server pays for it, all at once.
    "$venv/bin/python" -m compileall -q -j 0 "$venv/lib" >/dev/null 2>&1 || true
  done
}

(node_side) >"$zoo/node.log" 2>&1 9>&- &
node_job=$!
(python_side) >"$zoo/python.log" 2>&1 9>&- &
python_job=$!
status=0
wait "$node_job" || { status=1; tail -n 30 "$zoo/node.log" >&2; }
wait "$python_job" || { status=1; tail -n 30 "$zoo/python.log" >&2; }
[ "$status" = 0 ] || fail "not everything could be installed"
echo "$stamp" > "$zoo/.stamp"
echo "install-test-servers: done"

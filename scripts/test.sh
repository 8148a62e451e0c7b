#!/bin/sh
# Sets up and passes all tests: everything CI runs, and all that a change has to pass.
#
#   scripts/test.sh
#
# Needs Rust, Node 20 and Python 3. The first run installs the real servers the tests scan (see
# install-test-servers.sh), promtool, the checkers of our reports and, as root, Chromium and Redis
# (install-promtool.sh, install-report-checkers.sh, install-chromium.sh, install-redis.sh); later runs find them.
set -eu
cd "$(dirname "$0")/.."
export CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-never}"

step() { echo "== $*"; }
fail() { echo "test.sh: $*" >&2; exit 1; }

# Installing waits for the network and compiling for the processor: side by side.
install_log=$(mktemp)
{
  scripts/install-chromium.sh && scripts/install-redis.sh && scripts/install-promtool.sh && scripts/install-report-checkers.sh &&
    scripts/install-test-servers.sh
} >"$install_log" 2>&1 &
install_job=$!
trap 'kill "$install_job" 2>/dev/null || true; rm -f "$install_log"' EXIT

step "format"
cargo fmt --check

step "shell scripts"
for script in scripts/*.sh .ci/run; do
  sh -n "$script"
done
if command -v shellcheck >/dev/null; then
  shellcheck scripts/*.sh .ci/run
fi

step "dependencies"
for runtime in tokio async-std smol async-executor futures-executor; do
  if grep -qx "name = \"$runtime\"" Cargo.lock; then
    fail "$runtime is in Cargo.lock: hawkeye has no async runtime"
  fi
done
crates() { cargo tree --locked --edges normal,build --prefix none --format '{p}' "$@" | cut -d' ' -f1,2 | sort -u | wc -l; }
default=$(crates) cluster=$(crates --features cluster)
echo "$default crates, $cluster with the cluster"
[ "$default" -le 75 ] || fail "$default crates in the default build, 75 at most"
[ "$cluster" -le 107 ] || fail "$cluster crates with --features cluster, 107 at most"

step "lints"
cargo clippy --locked --all-targets --features cluster -- -D warnings
# The default build lacks a part of the program, and what only that part uses.
cargo clippy --locked --lib --bins -- -D warnings

step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --quiet --features cluster

step "test servers"
wait "$install_job" || { cat "$install_log" >&2; fail "the test servers could not be installed"; }
cat "$install_log"

step "tests"
# To the end also where a test fails: whoever reads what came out wants to know all that did.
# Signals that whoever called us ignores, as nohup does, would stay ignored in what the tests interrupt.
env --default-signal=HUP,INT cargo test --locked --features cluster --no-fail-fast

#!/bin/sh
# Puts what the tests check our SARIF, JUnit and Markdown reports with where they look for it.
#
#   scripts/install-report-checkers.sh       into ${HAWKEYE_ZOO:-target/zoo}/reports; about 3 MB, some seconds
#
# The schema of SARIF 2.1.0 is OASIS's, which grants no licence to ship it in a repository: it is taken from a
# package that has it, and must be the very file. JUnit reports are held against the schema of Jenkins (MIT,
# tests/fixtures) by xmlschema, Markdown is read by markdown-it-py; both are pure Python. Needs cargo, python3 with
# pip.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
place=${HAWKEYE_ZOO:-$root/target/zoo}/reports
crate=serde-sarif-0.8.0
sha256=af47e7b67f24efe74076621fd3a5fbe7398add9e84fe820c971219a385895cea

fail() { echo "install-report-checkers: $*" >&2; exit 1; }

stamp=$(cksum <"$0")
if [ "$(cat "$place/.stamp" 2>/dev/null)" = "$stamp" ]; then
  exit 0
fi
for program in cargo python3 sha256sum; do
  command -v "$program" >/dev/null || fail "$program is missing"
done
mkdir -p "$place"
# cargo info fetches one crate and none of those that it depends on. Away from our Cargo.toml, which is not asked.
(cd / && cargo info --quiet --registry crates-io serde-sarif@0.8.0 >/dev/null 2>&1) || fail "cannot fetch $crate"
schema=
for found in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/"$crate"/src/schema.json; do
  schema=$found
done
[ -f "$schema" ] || fail "$crate has no schema"
echo "$sha256  $schema" | sha256sum --check --quiet || fail "$schema is not the schema of OASIS that we know"
cat >"$place/requirements.txt" <<'END'
markdown-it-py==4.3.0 --hash=sha256:7aa1511a46c39138de78d9eba92ce47e63124d8003fc98b3a351909e04239efa
mdurl==0.1.2 --hash=sha256:84008a41e51615a49fc9966191ff91509e3c40b939176e643fd50a5c2196b8f8
elementpath==5.1.4 --hash=sha256:5ec8d7bb44b16c98414a6a95e20cb150f3cbfc3cac65edc14773288c7a937376
xmlschema==4.3.2 --hash=sha256:cf5c970a30f6ebcb3da35260e694704cc0b6794d8ace46125bb2a95e38ed9307
END
python3 -m pip install --quiet --disable-pip-version-check --no-input --no-deps --no-compile --upgrade \
  --root-user-action=ignore --require-hashes --target "$place/python" --requirement "$place/requirements.txt"
cp "$schema" "$place/sarif-schema-2.1.0.json"
echo "$stamp" >"$place/.stamp"
echo "install-report-checkers: done"

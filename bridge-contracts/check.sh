#!/bin/sh
# Checks that the contracts are formatted and fit their size, that the committed artefacts and gas tables are fresh, that a
# test expects each custom error, and that all tests pass. One compilation; about 2,000 calls of each invariant (deep.sh: more).
set -eu
cd "$(dirname "$0")"
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
[ -d node_modules ] || npm install --no-save --no-audit --no-fund
node tools/forge.js fmt --check
node tools/errors.js
# tools/artifact.js refuses code that is too large to be deployed.
./build.sh "$fresh"
diff -r "$fresh" artifacts > /dev/null || {
  echo "bridge-contracts/artifacts is stale: run bridge-contracts/build.sh and commit the result" >&2
  exit 1
}
# CourtGas and BatchGas hold gas/disputes.md and gas/batches.md equal to what they measure; gas/steps.md is held by dispute/.
node tools/forge.js test

#!/bin/sh
# Checks that the contracts are formatted, that their tests pass and that the committed artefacts are fresh.
set -eu
cd "$(dirname "$0")"
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
./build.sh "$fresh"
diff -r "$fresh" artifacts > /dev/null || {
  echo "bridge-contracts/artifacts is stale: run bridge-contracts/build.sh and commit the result" >&2
  exit 1
}
./node_modules/.bin/forge fmt --check
./node_modules/.bin/forge test

#!/bin/sh
# Checks that the contracts are formatted, that their tests pass, and that the committed artefacts and gas tables are
# fresh.
set -eu
cd "$(dirname "$0")"
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
mkdir "$fresh/artifacts" "$fresh/snapshots"
./build.sh "$fresh/artifacts"
./node_modules/.bin/forge fmt --check
# The tests write the tables anew.
cp snapshots/* "$fresh/snapshots"
./node_modules/.bin/forge test
for folder in artifacts snapshots; do
  diff -r "$fresh/$folder" "$folder" > /dev/null || {
    echo "bridge-contracts/$folder was stale: run bridge-contracts/build.sh, forge test, and commit the result" >&2
    exit 1
  }
done

#!/bin/sh
# Compiles the contracts and writes artifacts/, which Rust reads. Usage: build.sh [directory for the artefacts]
set -eu
cd "$(dirname "$0")"
artifacts=${1:-artifacts}
# Not `npm ci`: it refuses a lock that lacks forge's binaries for some other platforms, and not every registry has those.
[ -d node_modules ] || npm install --no-save --no-audit --no-fund
# All of it, whatever the cache holds: what is committed comes from one compilation.
node tools/forge.js build --force
mkdir -p "$artifacts"
for contract in StepVerifier Bonds Programs Batches Court Examiner Faults ResultConsumer; do
  node tools/artifact.js "out/$contract.sol/$contract.json" > "$artifacts/$contract.json"
done

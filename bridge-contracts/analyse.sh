#!/bin/sh
# Static analysis by slither (pip install slither-analyzer==0.11.6); slither.md answers what it finds. Works offline.
set -eu
cd "$(dirname "$0")"
PATH="$PWD/node_modules/.bin:$PATH"
rm -rf out/slither cache/slither
forge build --build-info --build-info-path out/slither/build-info --skip test --skip script \
  --out out/slither --cache-path cache/slither
slither . "$@"

#!/bin/sh
# Drives invariants with 10,000 calls for each seed from FIRST to LAST, each in a run of its own that can be repeated alone, and
# prints the sum. Usage: deep.sh CONTRACT [FIRST LAST]; ten seeds, 100,000 calls, where none are named.
set -eu
cd "$(dirname "$0")"
contract=$1
first=${2:-1}
last=${3:-10}
calls=0
for seed in $(seq "$first" "$last"); do
  # Colours and progress are for terminals; a failure prints the calls that led to it.
  report=$(FOUNDRY_PROFILE=deep node tools/forge.js test --color never --fuzz-seed "$seed" \
    --match-contract "^$contract" --match-test invariant_) || { echo "$report"; exit 1; }
  echo "$report" | sed -n "s/.*\\(invariant_[^ ]*\\) (runs: \\([0-9]*\\), calls: \\([0-9]*\\), reverts: \\([0-9]*\\)).*/seed $seed: \\1, \\3 calls, \\4 reverts/p"
  made=$(echo "$report" | sed -n 's/.*(runs: [0-9]*, calls: \([0-9]*\), reverts: 0).*/\1/p' | sort -n | head -1)
  calls=$((calls + ${made:?no run without reverts is reported}))
done
echo "$contract: $calls calls of each invariant, seeds $first to $last"

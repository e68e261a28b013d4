#!/usr/bin/env bash
# Jobs submitted and read by every kind of client, on a devnet of its own: viem, cast and curl, which know nothing of Assay but its
# specification, and the command line, which is the client crate on an alloy provider. What comes out is held against digests by other
# hands. Last comes what a newcomer does: a project from the template, made into a program that nobody has seen, to a contract that acts
# on its result.
#
# Usage: sdk/check.sh [BINARY]      BINARY is `assay`, by default that of the target folder's debug build
# Needs Node, and `npm install --no-save` in bridge-contracts/, which brings anvil and cast.
set -euo pipefail
cd "$(dirname "$0")/.."
assay="$(realpath --no-symlinks "${1:-${CARGO_TARGET_DIR:-target}/debug/assay}")"
tools="$PWD/bridge-contracts/node_modules/.bin"
[ -x "$assay" ] || { echo "there is no $assay: cargo build --package assay" >&2; exit 1; }
[ -x "$tools/cast" ] || { echo "there is no cast: npm install --no-save in bridge-contracts" >&2; exit 1; }
[ -d sdk/viem/node_modules ] || (cd sdk/viem && npm install --no-save --no-audit --no-fund --silent)

work="$(mktemp -d)"
devnet=
stop() {
    [ -z "$devnet" ] || { kill "$devnet" 2> /dev/null && wait "$devnet" 2> /dev/null; } || true
    rm -rf "$work"
}
trap stop EXIT
passed=0 failed=0

# Counts one expectation.
same() {
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
        echo "ok: $1"
    else
        failed=$((failed + 1))
        echo "FAILED: $1: got $2, wanted $3" >&2
    fi
}

# A field of a JSON text, by its path: field a.b TEXT.
field() { node -e 'let value = JSON.parse(process.argv[2]); for (const name of process.argv[1].split(".")) value = value?.[name]; console.log(value ?? "null")' "$1" "$2"; }

ASSAY_ANVIL="${ASSAY_ANVIL:-$tools/anvil}" "$assay" devnet up --json --l1-port 0 --port 0 --telemetry 0 --data "$work/devnet" > "$work/up.json" 2> "$work/up.log" &
devnet=$!
for _ in $(seq 600); do
    node -e 'JSON.parse(require("fs").readFileSync(process.argv[1]))' "$work/up.json" 2> /dev/null && break
    kill -0 "$devnet" 2> /dev/null || { cat "$work/up.log" >&2; exit 1; }
    sleep 0.2
done
up="$(cat "$work/up.json")"
url="$(field sequencer "$up")"
echo "a devnet is up, its sequencer at $url"
# A key that is worth nothing.
key=0x0000000000000000000000000000000000000000000000000000000000a55a01

# viem: whatever it submits, the digest is that of Node's own library.
printf 'an input that nobody has written down before: %s' "$RANDOM$RANDOM" > "$work/input"
got="$(ASSAY_KEY=$key node sdk/viem/submit.mjs "$url" jobs/wasm/sha256.wasm "$work/input" posted 2> "$work/viem.log")" || cat "$work/viem.log" >&2
wanted="$(node -e 'console.log(require("crypto").createHash("sha256").update(require("fs").readFileSync(process.argv[1])).digest("hex"))' "$work/input")"
same "viem: SHA-256 of an input, on L1" "${got:0:64}" "$wanted"

code=0
ASSAY_KEY=$key node sdk/viem/submit.mjs "$url" jobs/wasm/sha256.wasm "$work/input" soft 2> "$work/viem.log" || code=$?
same "viem: a state that there is not is refused, with those that there are" "$code $(grep -c 'executed, posted, attested, final' "$work/viem.log")" "2 1"
reached() { (cd sdk/viem && node --input-type=module -e 'import { reaches } from "./assay.mjs"; const [state, ...wanted] = process.argv.slice(1); await reaches(async () => ({ state }), "0x", wanted, 0).then(() => console.log("yes"), () => console.log("no"));' "$@"); }
same "viem: what is further than wanted is enough, the rest is not" \
    "$(reached final posted) $(reached challenged posted) $(reached posted posted) $(reached executed posted) $(reached attested final) $(reached expired posted)" "yes yes yes no no no"

# cast signs what it is given, and calls; the input is empty, whose name is in the specification.
status="$("$tools/cast" rpc --rpc-url "$url" assay_status)"
module="$(od -An -v -tx1 jobs/wasm/sha256.wasm | tr -d ' \n')"
program="$(field program "$(printf '["0x%s"]' "$module" | "$tools/cast" rpc --rpc-url "$url" --raw assay_registerProgram)")"
client="$("$tools/cast" wallet address "$key")"
empty=0xb6fb73fc46938c981e2b0b4b1ef282adcfc89854d01bfe3972fdc4785b41b2c7
deadline=$(($(field l1Time "$status") + 3600))
fuel=1000000000 output=1048576 nonce=1
node - "$status" "$client" "$program" "$empty" "$fuel" "$output" "$deadline" "$nonce" > "$work/typed.json" <<'JS'
const [status, client, program, root, fuelLimit, outputLengthMax, deadline, nonce] = process.argv.slice(2);
const { chainId, batchesContract, region } = JSON.parse(status);
const field = (name, type) => ({ name, type });
console.log(JSON.stringify({
  types: {
    EIP712Domain: [field("name", "string"), field("version", "string"), field("chainId", "uint256"), field("verifyingContract", "address")],
    BlobRef: [field("root", "bytes32"), field("length", "uint64")],
    TaskRequest: [
      field("client", "address"), field("region", "bytes32"), field("program", "bytes32"), field("input", "BlobRef"), field("fuelLimit", "uint64"),
      field("outputLengthMax", "uint64"), field("feeMax", "uint128"), field("deadline", "uint64"), field("nonce", "uint64"),
    ],
  },
  primaryType: "TaskRequest",
  domain: { name: "Assay", version: "1", chainId: Number(chainId), verifyingContract: batchesContract },
  message: { client, region, program, input: { root, length: 0 }, fuelLimit, outputLengthMax, feeMax: 0, deadline, nonce },
}));
JS
signature="$("$tools/cast" wallet sign --private-key "$key" --data --from-file "$work/typed.json")"
hex() { printf '0x%x' "$1"; }
request="{\"client\":\"$client\",\"region\":\"$(field region "$status")\",\"program\":\"$program\",\"input\":{\"root\":\"$empty\",\"length\":\"0x0\"},\"fuelLimit\":\"$(hex $fuel)\",\"outputLengthMax\":\"$(hex $output)\",\"feeMax\":\"0x0\",\"deadline\":\"$(hex $deadline)\",\"nonce\":\"$(hex $nonce)\"}"
receipt="$("$tools/cast" rpc --rpc-url "$url" --raw assay_submitTask "[$request,\"$signature\",\"0x\"]")"
task="$(field receipt.task "$receipt")"

# curl reads what cast has submitted.
call() { curl --silent --show-error --header 'content-type: application/json' --data "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"$1\",\"params\":$2}" "$url"; }
for _ in $(seq 600); do
    view="$(call assay_getTask "[\"$task\"]")"
    [ "$(field result.state "$view")" != final ] || break
    sleep 0.2
done
same "cast: a task becomes final" "$(field result.state "$view")" final
root="$(field result.result.result.output.root "$view")"
got="$(curl --silent --show-error --fail "$url/v1/blobs/$root-$(($(field result.result.result.output.length "$view")))")"
same "curl: SHA-256 of nothing" "${got:0:64}" e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
again="$(call assay_submitTask "[$request,\"$signature\",\"0x\"]")"
same "curl: the same task again gets the same receipt" "$(field result.signature "$again")" "$(field signature "$receipt")"
other="${request/\"nonce\":\"0x1\"/\"nonce\":\"0x2\"}"
same "curl: a signature of another request is refused by name" "$(field error.data.code "$(call assay_submitTask "[$other,\"$signature\",\"0x\"]")")" INVALID_SIGNATURE

# The command line.
got="$(ASSAY__PASSWORD_FILE="$(field password_file "$up")" "$assay" job submit jobs/wasm/sha256.wasm --input "$work/input" --sequencer "$url" \
    --keystore "$(field keystore "$up")" --wait soft 2> "$work/cli.log")" || cat "$work/cli.log" >&2
same "assay job submit: SHA-256 of an input" "${got:0:64}" "$wanted"

# The newcomer.
if rustup target list --installed 2> /dev/null | grep -qx wasm32-wasip1; then
    "$assay" job new wordcount --within "$work" > /dev/null
    # Other bytes than any module that was built before.
    sep="<$RANDOM$RANDOM>"
    sed -i "s/{count}\\\\t{word}/{count}$sep{word}/" "$work/wordcount/src/main.rs"
    grep -q "$sep" "$work/wordcount/src/main.rs" || { echo "the template has no separator to replace" >&2; exit 1; }
    cargo build --quiet --release --target wasm32-wasip1 --manifest-path "$work/wordcount/Cargo.toml" --target-dir "$work/target"
    printf 'to be or not To be\n' > "$work/words"
    export ASSAY__L1__URL="$(field l1 "$up")" ASSAY__DEPLOYMENT="$(field deployment "$up")" ASSAY__SEQUENCER="$url" \
        ASSAY__KEYSTORE="$(field keystore "$up")" ASSAY__PASSWORD_FILE="$(field password_file "$up")"
    wasm="$work/target/wasm32-wasip1/release/wordcount.wasm"
    "$assay" job submit "$wasm" --input "$work/words" --wait final --output "$work/counted" --json > "$work/final.json" 2> "$work/new.log" || cat "$work/new.log" >&2
    same "assay job new: words are counted, for ever" "$(tr '\n' ' ' < "$work/counted")" "2${sep}be 1${sep}not 1${sep}or 2${sep}to "
    consumer="$(field consumer "$("$assay" job consumer --program "$wasm" --json 2> "$work/new.log")")" || cat "$work/new.log" >&2
    proven="$("$assay" job prove "$(field task "$(cat "$work/final.json")")" --wait --consumer "$consumer" --json 2> "$work/new.log")" || cat "$work/new.log" >&2
    same "assay job prove: a contract acts on it" "$(field fate "$proven")" final
else
    echo "skipped: a program from the template: the target wasm32-wasip1 is not installed (rustup target add wasm32-wasip1)"
fi

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]

#!/bin/sh
# Checks that the committed jobs are the ones that digests.txt pins; with --rebuild also that the sources give these very
# bytes. The rebuild needs the toolchain that build.sh describes.
#
# Usage: check.sh [--rebuild]
set -eu

jobs=$(cd "$(dirname "$0")" && pwd)

cd "$jobs/wasm"
sha256sum --check --strict --quiet ../digests.txt
pinned=$(cut -c 67- ../digests.txt)
present=$(ls)
if [ "$pinned" != "$present" ]; then
    echo "digests.txt pins other files than jobs/wasm holds:" $pinned "/" $present >&2
    exit 1
fi
echo "$(wc -l <../digests.txt) jobs have their pinned digests"

case ${1:-} in
--rebuild)
    rebuilt=$(mktemp -d)
    trap 'rm -rf "$rebuilt"' EXIT
    # A fresh target directory: nothing that an earlier build left can hide a difference.
    CARGO_TARGET_DIR=$rebuilt/target "$jobs/build.sh" "$rebuilt/wasm"
    cd "$rebuilt/wasm"
    sha256sum --check --strict "$jobs/digests.txt"
    ;;
"") ;;
*)
    echo "usage: check.sh [--rebuild]" >&2
    exit 2
    ;;
esac

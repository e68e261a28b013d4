#!/bin/sh
# Rebuilds every sample job from source into jobs/wasm.
#
# Needs, for Rust, either rustup's toolchain RUST_VERSION below with the target wasm32-wasip1 (installed if missing), or
# Debian's packages rustc-web cargo-web rust-web-src lld-14 wasi-libc (JOBS_TOOLCHAIN=debian). Needs, for C and Zig, PyPI's
# ziglang ZIG_VERSION (PYTHON names the interpreter that has it). The committed binaries come from rustup and ziglang of
# exactly these versions: other compilers give working jobs with other bytes.
#
# Usage: build.sh [output directory]
set -eu

RUST_VERSION=1.95.0
ZIG_VERSION=0.17.0
PYTHON=${PYTHON:-python3}
JOBS_TOOLCHAIN=${JOBS_TOOLCHAIN:-rustup}

jobs=$(cd "$(dirname "$0")" && pwd)
mkdir -p "${1:-$jobs/wasm}"
wasm=$(cd "${1:-$jobs/wasm}" && pwd)
target=${CARGO_TARGET_DIR:-$jobs/rust/target}

# Panic messages name source files: they must not name the directories of the machine that built them.
remapped() {
    printf '%s' "--remap-path-prefix=$jobs=jobs"
    for source in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
        printf ' %s' "--remap-path-prefix=$source=crates"
    done
}

build_rust() {
    cd "$jobs/rust"
    case $JOBS_TOOLCHAIN in
    rustup)
        rustup target add --toolchain $RUST_VERSION wasm32-wasip1
        cargo +$RUST_VERSION fetch --locked
        RUSTFLAGS=$(remapped) CARGO_TARGET_DIR=$target \
            cargo +$RUST_VERSION build --release --locked --target wasm32-wasip1
        ;;
    debian)
        libc=/usr/lib/wasm32-wasi
        link="-Clinker=wasm-ld-14 -Clink-self-contained=no -L$libc -Ctarget-feature=+crt-static"
        PATH=/usr/bin:$PATH /usr/bin/cargo fetch --locked
        # RUSTC_BOOTSTRAP only lets cargo build the standard library, which Debian ships as source.
        PATH=/usr/bin:$PATH RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=$target \
            RUSTFLAGS="$(remapped) --remap-path-prefix=/usr/src=std $link -Clink-arg=$libc/crt1-command.o" \
            /usr/bin/cargo build --release --locked --target wasm32-wasip1 -Zbuild-std=std,panic_abort
        ;;
    *)
        echo "JOBS_TOOLCHAIN: rustup or debian wanted, got $JOBS_TOOLCHAIN" >&2
        exit 2
        ;;
    esac
    for built in "$target"/wasm32-wasip1/release/job-*.wasm; do
        name=$(basename "$built" .wasm)
        install -m 644 "$built" "$wasm/${name#job-}.wasm"
    done
}

build_c_and_zig() {
    found=$("$PYTHON" -m ziglang version 2>/dev/null || echo none)
    if [ "$found" != $ZIG_VERSION ]; then
        echo "ziglang $ZIG_VERSION wanted, got $found: $PYTHON -m pip install ziglang==$ZIG_VERSION" >&2
        exit 2
    fi
    # Relative paths and stripping keep this machine's directories out of the binaries.
    cd "$jobs/c"
    "$PYTHON" -m ziglang cc --target=wasm32-wasi -std=c11 -O2 -s -Wall -Wextra -Werror -o "$wasm/lz.wasm" lz.c
    cd "$jobs/zig"
    "$PYTHON" -m ziglang build-exe -target wasm32-wasi -O ReleaseFast -fstrip -fsingle-threaded \
        -femit-bin="$wasm/primes.wasm" primes.zig
    chmod 644 "$wasm/lz.wasm" "$wasm/primes.wasm"
}

build_rust
build_c_and_zig

//! Tells the interpreter whether calls in tail position become jumps: with optimisation on the architectures below, and
//! without debug assertions, whose checks keep values on the stack across the call; the code asks for those itself.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(sibling_calls)");
    let variable = |name| std::env::var(name).unwrap_or_default();
    let optimised = matches!(variable("OPT_LEVEL").as_str(), "2" | "3" | "s" | "z");
    let known = matches!(variable("CARGO_CFG_TARGET_ARCH").as_str(), "x86_64" | "aarch64");
    if optimised && known && variable("CARGO_CFG_MIRI").is_empty() {
        println!("cargo::rustc-cfg=sibling_calls");
    }
    println!("cargo::rerun-if-changed=build.rs");
}

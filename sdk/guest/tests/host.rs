//! A job that uses this crate, on the host: what it writes and how it ends.
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// The example, which cargo builds for tests.
fn sum(input: &[u8]) -> Output {
    let tests = std::env::current_exe().unwrap();
    let target: PathBuf =
        tests.ancestors().nth(2).unwrap().join("examples").join(format!("sum{}", std::env::consts::EXE_SUFFIX));
    let mut child =
        Command::new(target).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn a_job_reads_all_writes_once_and_says_how_it_ended() {
    let good = sum(b"1 2\n39");
    assert_eq!((good.status.code(), &good.stdout[..]), (Some(0), &b"42\n"[..]));
    let bad = sum(b"1 two");
    assert_eq!((bad.status.code(), &bad.stdout[..]), (Some(1), &b""[..]));
    assert!(String::from_utf8_lossy(&bad.stderr).contains("invalid digit"));
    assert_eq!(sum(&[0xff]).status.code(), Some(1));
}

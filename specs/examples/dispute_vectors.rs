//! Writes specs/vectors/dispute.json: whole runs, as the dispute court's tests play them.
//!
//!     cargo run -p assay-specs --example dispute_vectors > specs/vectors/dispute.json

#[path = "../tests/dispute/costliest.rs"]
mod costliest;
#[path = "../tests/dispute/run.rs"]
mod run;

fn main() {
    print!("{}", run::vectors());
}

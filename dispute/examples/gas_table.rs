//! Writes bridge-contracts/gas/steps.md: the most gas that a step of each opcode was found to burn.
//!
//!     cargo run -p assay-dispute --example gas_table > bridge-contracts/gas/steps.md

#[allow(dead_code)]
#[path = "../../machine/tests/hostile/mod.rs"]
mod hostile;
#[allow(dead_code)]
#[path = "../../machine/tests/images/mod.rs"]
mod images;
#[allow(dead_code)]
#[path = "../tests/gas/table.rs"]
mod table;

fn main() {
    print!("{}", table::Table::measure().to_markdown());
}

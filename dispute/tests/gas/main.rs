//! The gas that steps burn on L1: within its bounds, and as committed in bridge-contracts/gas/steps.md.

#[allow(dead_code)]
#[path = "../../../machine/tests/hostile/mod.rs"]
mod hostile;
#[allow(dead_code)]
#[path = "../../../machine/tests/images/mod.rs"]
mod images;
mod table;

use assay_machine::isa::op;
use table::{Table, is_access, is_on_slots_alone};

/// Bounds of the machine's design.
const SLOTS_ALONE_MAX: u64 = 80_000;
const ACCESS_MAX: u64 = 250_000;
const ANY_MAX: u64 = 700_000;
/// Bound of a store across two chunks (specs/decisions/007-gas-of-straddling-stores.md).
const STRADDLING_STORE_MAX: u64 = 360_000;

/// What the court burns beside the verifier, and bytes of the call beside the witness (`CourtGas.t.sol`).
const COURT: u64 = 110_000;
const CALL_BYTES: u64 = 1_000;

/// An executor's step is worth with the margin what it costs as a transaction of bytes that are not zero, whatever the witness is short of.
fn check_schedule(table: &Table) {
    let chapter = include_str!("../../../specs/14-bonds.md");
    let row = chapter.lines().find(|line| line.starts_with("| step |")).expect("the chapter has the schedule");
    let cell = row.split('|').nth(3).expect("it has a cell for executors");
    let numbers = cell.split(|c: char| !c.is_ascii_digit()).filter(|text| !text.is_empty());
    let [base, each, most] =
        numbers.map(|text| text.parse::<u64>().expect("digits")).collect::<Vec<_>>()[..].try_into().expect("three");
    let short = |measured: &table::Measured| {
        let bytes = measured.witness_bytes as u64;
        let cost = 21_000 + 16 * (bytes + CALL_BYTES) + COURT + measured.gas;
        cost as i64 - ((base + each * bytes.min(most)) * 5 / 4) as i64
    };
    let (opcode, worst) = table.all.iter().max_by_key(|(_, measured)| short(measured)).expect("there are steps");
    let bytes = worst.witness_bytes;
    println!(
        "least covered: {} gas short, opcode {opcode:#06x}, {} gas, witness {bytes} bytes",
        short(worst),
        worst.gas
    );
    assert!(short(worst) <= 0, "opcode {opcode:#06x} with a witness of {bytes} bytes: {} gas short", short(worst));
}

#[test]
fn steps_burn_what_is_committed_and_no_more_than_they_may() {
    let table = Table::measure();
    let (slots, access, any) = (table.most(is_on_slots_alone), table.most(is_access), table.most(|_| true));
    for (what, (opcode, measured)) in [("slots alone", slots), ("load or store", access), ("any", any)] {
        println!("{what}: {} gas, opcode {opcode:#06x}, witness {} bytes", measured.gas, measured.witness_bytes);
    }
    println!("load or store within one chunk: {} gas", table.access_in_one_chunk.gas);
    println!("hostile images: {} gas, {}", table.hostile.1.gas, table.hostile.0);
    assert!(slots.1.gas <= SLOTS_ALONE_MAX);
    assert!(table.access_in_one_chunk.gas <= ACCESS_MAX);
    // A store across two chunks hashes both of them twice.
    assert!(access.1.gas <= STRADDLING_STORE_MAX);
    let load = table.most(|opcode| (op::I32_LOAD..=op::I64_LOAD32_U).contains(&opcode));
    assert!(load.1.gas <= ACCESS_MAX);
    assert!(any.1.gas.max(table.hostile.1.gas) <= ANY_MAX);

    check_schedule(&table);

    let committed = include_str!("../../../bridge-contracts/gas/steps.md");
    assert!(
        committed == table.to_markdown(),
        "the gas of some step has changed: cargo run -p assay-dispute --example gas_table > bridge-contracts/gas/steps.md"
    );
}

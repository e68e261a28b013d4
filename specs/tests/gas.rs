//! Chapter 13's bounds of gas against the tables that are committed: `bridge-contracts/gas` has what was measured.

use assay_specs::document::{Document, Table, folder};

/// Gas that posting may take for each byte of data, execution alone.
const POSTING_PER_BYTE: u64 = 10;

fn measured(name: &str) -> Document {
    Document::read(&folder().join("../bridge-contracts/gas").join(name))
}

fn number(table: &Table, row: &[String], column: &str) -> u64 {
    let text = table.cell(row, column);
    text.parse().unwrap_or_else(|_| panic!("\"{text}\" is a number of column \"{column}\""))
}

/// The most of a column in the rows of a table that are meant.
fn most(table: &Table, column: &str, is_meant: impl Fn(&[String]) -> bool) -> u64 {
    let rows = table.rows.iter().filter(|row| is_meant(row));
    rows.map(|row| number(table, row, column)).max().unwrap_or_else(|| panic!("no row under \"{}\"", table.heading))
}

/// What each of the chapter's bounds holds, by its first words.
fn measurements() -> Vec<(&'static str, u64)> {
    let disputes = measured("disputes.md");
    let games: Vec<Table> = disputes.tables().into_iter().filter(|table| table.heading.starts_with("64 ")).collect();
    assert_eq!(games.len(), 2, "the deployed arity, with a step by either side");
    let of = |table: &Table, call: &str| most(table, "transaction", |row| row[0] == call);
    let opening = games.iter().map(|game| of(game, "commit") + of(game, "reveal")).max();
    let summary = disputes.table("Summary");
    let steps = measured("steps.md");
    let most_of = steps.tables().swap_remove(0);
    let step = |what: &str| most(&most_of, "gas", |row| row[0].starts_with(&format!("most of: {what}")));
    let batches = measured("batches.md").tables().swap_remove(0);
    let posting = batches.rows.iter().map(|row| {
        let data = POSTING_PER_BYTE * number(&batches, row, "data, bytes");
        number(&batches, row, "execution").saturating_sub(data)
    });
    let faults = measured("faults.md").tables().swap_remove(0);
    vec![
        ("a dispute", most(&summary, "all", |row| row[0] == "64")),
        ("an opening", opening.expect("two games")),
        ("a dissection", games.iter().map(|game| of(game, "move")).max().expect("two games")),
        ("the executor's timeout", most(&disputes.table("Silence"), "transaction", |_| true)),
        ("a step on slots alone", step("slots alone")),
        ("a load or store within one chunk", step("load or store within one chunk")),
        ("a store across two chunks", step("load or store (")),
        ("any step", step("any opcode").max(step("hostile images"))),
        ("posting", posting.max().expect("batches")),
        ("the proof of a fault", most(&faults, "total", |_| true)),
    ]
}

#[test]
fn committed_gas_is_within_the_bounds_of_the_chapter() {
    let chapter = Document::chapter("13-game.md");
    let bounds = chapter.table("Bounds");
    let measurements = measurements();
    assert_eq!(bounds.rows.len(), measurements.len(), "each bound is held");
    for (row, (name, gas)) in bounds.rows.iter().zip(measurements) {
        let (what, bound) = (bounds.cell(row, "gas"), number(&bounds, row, "at most"));
        assert!(what.starts_with(name), "\"{what}\" is measured by its name");
        println!("{what}: {gas}, at most {bound}");
        assert!(gas <= bound, "{what}: {gas}, at most {bound}");
    }
}

/// A game of the longest run of a preset has no more dissections than the design allows.
#[test]
fn games_have_six_dissections_at_most() {
    let summary = measured("disputes.md").table("Summary");
    assert!(most(&summary, "dissections", |row| row[0] == "64") <= 6);
    assert!(summary.rows.iter().any(|row| row[0] == "64" && row[1] == "2^36"), "of the longest run of a preset");
}

//! Chapter 15 against the table of presets, the constants behind it, and the contracts' struct of parameters.
#![allow(clippy::unwrap_used)]

use assay_protocol::presets::{
    BASIS_POINTS, BONDS_PER_STAKE, CHALLENGER_GAS_MAX, COMPUTE_COST, EXECUTOR_GAS_MAX, FUEL_LIMIT_BOUND, MOVES, PASSES,
    PERIOD_MAX, Preset, STEPS_PER_SECOND,
};
use assay_specs::document::{Document, folder};
use serde_json::Value;

fn table_of_presets() -> Value {
    let text =
        std::fs::read_to_string(folder().join("../protocol/presets.json")).expect("the table is in the checkout");
    serde_json::from_str(&text).expect("the table is JSON")
}

/// A number of the table as text, whether it stands there as a number or as a string.
fn written(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[test]
fn the_chapter_has_the_numbers_of_the_table() {
    let presets = table_of_presets();
    let table = Document::chapter("15-presets.md").table("Numbers");
    for preset in Preset::ALL {
        let numbers = presets[preset.name()].as_object().unwrap();
        assert_eq!(table.rows.len(), numbers.len(), "{preset}");
        for row in &table.rows {
            let field = table.cell(row, "field");
            assert_eq!(table.cell(row, preset.name()), written(&numbers[field]), "{preset}: {field}");
        }
    }
}

#[test]
fn every_number_has_its_reason() {
    let chapter = Document::chapter("15-presets.md");
    let reasons = chapter.section("Numbers");
    for row in &chapter.table("Numbers").rows {
        assert!(reasons.contains(&format!("*{}*", row[0])), "the chapter says why {} is what it is", row[0]);
    }
}

#[test]
fn fields_are_those_of_the_contracts() {
    let path = folder().join("../bridge-contracts/src/types/Parameters.sol");
    let source = std::fs::read_to_string(path).unwrap();
    let members = source.lines().filter_map(|line| line.trim().strip_suffix(';')?.rsplit_once(' '));
    // Who the treasury is, a deployment says.
    let members = members.map(|(_, name)| name).filter(|name| !["0.8.37", "treasury"].contains(name));
    let table = Document::chapter("15-presets.md").table("Numbers");
    let fields = table.rows.iter().map(|row| row[0].as_str());
    assert!(members.eq(fields), "{source}");
}

#[test]
fn the_chapter_has_the_assumptions() {
    let chapter = Document::chapter("15-presets.md");
    let tables: Vec<_> = chapter.tables().into_iter().filter(|table| table.heading == "Assumptions").collect();
    let [assumptions, constants] = tables.as_slice() else { panic!("two tables of assumptions") };
    for preset in Preset::ALL {
        let values = preset.assumptions();
        let listed: Vec<&str> = assumptions.rows.iter().map(|row| assumptions.cell(row, preset.name())).collect();
        assert_eq!(listed, [values.censorship.to_string(), values.inclusion.to_string()], "{preset}");
    }
    let ours = [
        ("STEPS_PER_SECOND", STEPS_PER_SECOND),
        ("PASSES", PASSES),
        ("MOVES", MOVES),
        ("EXECUTOR_GAS_MAX", EXECUTOR_GAS_MAX),
        ("CHALLENGER_GAS_MAX", CHALLENGER_GAS_MAX),
        ("COMPUTE_COST", COMPUTE_COST),
        ("BONDS_PER_STAKE", BONDS_PER_STAKE),
        ("FUEL_LIMIT_BOUND", FUEL_LIMIT_BOUND),
        ("PERIOD_MAX", PERIOD_MAX),
        ("BASIS_POINTS", BASIS_POINTS),
    ];
    let listed: Vec<(&str, u64)> =
        constants.rows.iter().map(|row| (row[0].as_str(), row[1].parse().unwrap())).collect();
    assert_eq!(listed, ours);
}

/// What one worker of an executor defends at once, in runs of the longest kind, and what it costs to challenge so many.
#[test]
fn the_chapter_on_executors_has_what_they_can_defend() {
    let table = Document::chapter("19-executor.md").table("What it can defend");
    assert_eq!(table.rows.len(), Preset::ALL.len());
    for preset in Preset::ALL {
        let parameters = preset.parameters(assay_protocol::Address::ZERO);
        let longest = parameters.defensible_steps(&preset.assumptions(), 1) / (parameters.fuel_limit_max + 1);
        let bonds = u128::from(longest) * u128::try_from(parameters.challenge_bond).unwrap();
        let row = table.rows.iter().find(|row| row[0] == preset.name()).unwrap();
        assert_eq!(number(table.cell(row, "one worker: longest runs at once")), longest, "{preset}");
        let ether: f64 = table.cell(row, "their bonds").parse().unwrap();
        assert_eq!((ether * 100.0).round() as u128 * 10_u128.pow(16), bonds, "{preset}");
    }
}

/// The constants hold what both sides of a dispute were measured to spend, and what the schedule gives an executor.
#[test]
fn gas_of_a_game_is_within_the_constants() {
    let measured = Document::read(&folder().join("../bridge-contracts/gas/disputes.md"));
    let summary = measured.table("Summary");
    let deployed: Vec<_> = summary.rows.iter().filter(|row| row[0] == "64").collect();
    assert_eq!(deployed.len(), 2, "a game that the challenger steps in and one that the executor steps in");
    let most = |column: &str| deployed.iter().map(|row| number(summary.cell(row, column))).max().unwrap();
    assert!(most("challenger") <= CHALLENGER_GAS_MAX);
    // A run of 2^40 steps takes the executor one more dissection.
    let dissection = most_expensive(&measured, "move");
    assert!(most("executor") + dissection <= EXECUTOR_GAS_MAX);
    let (_, scheduled) = measured.text().split_once("The schedule pays an executor for at most ").unwrap();
    assert!(number(scheduled.split_once(' ').unwrap().0) <= EXECUTOR_GAS_MAX);
}

fn number(text: &str) -> u64 {
    text.parse().unwrap()
}

/// The dearest transaction of this name in a game of 64 hashes a move.
fn most_expensive(measured: &Document, call: &str) -> u64 {
    let tables = measured.tables();
    let of_64 = tables.iter().filter(|table| table.heading.starts_with("64 "));
    let rows = of_64.flat_map(|table| table.rows.iter().filter(|row| row[0] == call).map(|row| number(&row[5])));
    rows.max().unwrap()
}

#[test]
fn relations_are_named_as_in_the_chapter() {
    // What an error names is what the chapter lists; periods share a row.
    let source = std::fs::read_to_string(folder().join("../protocol/src/presets.rs")).unwrap();
    let table = Document::chapter("15-presets.md").table("Relations");
    for row in &table.rows[1..] {
        assert!(source.contains(&format!("(\"{}\", ", row[0])), "{} is checked", row[0]);
    }
}

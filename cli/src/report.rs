//! The words and shapes in which the commands speak of the machine, for people and in JSON.
//!
//! JSON field names are stable: scripts read them. Hashes, roots and bytes are `0x` hex; counts are numbers.

use std::fmt::Write;

use assay_machine::memory::Region;
use assay_machine::record::Record;
use assay_protocol::{BlobRef, Status, TrapCode};
use serde::Serialize;

pub use assay_operator::grouped;

/// A blob by its name.
#[derive(Serialize)]
pub struct Blob {
    root: String,
    length: u64,
}

impl From<BlobRef> for Blob {
    fn from(blob: BlobRef) -> Self {
        Self { root: blob.root.to_string(), length: blob.length }
    }
}

/// A state, memory by its root.
#[derive(Serialize)]
pub struct State {
    status: &'static str,
    pc: Option<u32>,
    code: Option<u32>,
    trap: Option<&'static str>,
    version: u8,
    fp: u32,
    memory_pages: u32,
    fuel_left: u64,
    output_length: u64,
    memory_root: String,
    state_hash: String,
    bytes: String,
}

impl From<&Record> for State {
    fn from(record: &Record) -> Self {
        let is_running = record.is_running();
        Self {
            status: status_name(record.status),
            pc: is_running.then_some(record.pc_or_code),
            code: (!is_running).then_some(record.pc_or_code),
            trap: trap_of(record.status, record.pc_or_code),
            version: record.version,
            fp: record.fp,
            memory_pages: record.memory_pages,
            fuel_left: record.fuel,
            output_length: record.output_length,
            memory_root: record.memory_root.to_string(),
            state_hash: record.hash().to_string(),
            bytes: hex(&record.to_bytes()),
        }
    }
}

impl State {
    /// The state as a block of lines, each indented by two spaces.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut line =
            |name: &str, value: &str| writeln!(text, "  {name:<14} {value}").expect("a String takes everything");
        line("status", self.status);
        if let Some(pc) = self.pc {
            line("pc", &pc.to_string());
        }
        if let Some(code) = self.code {
            line("code", &self.trap.map_or(code.to_string(), |trap| format!("{code} ({trap})")));
        }
        line("fp", &self.fp.to_string());
        line("memory", &format!("{} pages of 64 KiB", self.memory_pages));
        line("fuel left", &grouped(self.fuel_left));
        line("output", &format!("{} bytes", grouped(self.output_length)));
        line("memory root", &self.memory_root);
        line("state hash", &self.state_hash);
        text
    }
}

/// The status as chapter 3 names it, in lower case.
pub fn status_name(status: u8) -> &'static str {
    match Status::from_byte(status) {
        Some(Status::Running) => "running",
        Some(Status::Exit) => "exit",
        Some(Status::Trap) => "trap",
        Some(Status::OutOfFuel) => "out_of_fuel",
        Some(Status::Illegal) => "illegal",
        None => "unknown",
    }
}

/// The trap that a status and code mean, if they mean one.
pub fn trap_of(status: u8, code: u32) -> Option<&'static str> {
    (Status::from_byte(status) == Some(Status::Trap)).then(|| trap_name(code))
}

/// The trap as chapter 3 names it, in lower case.
pub fn trap_name(code: u32) -> &'static str {
    match TrapCode::from_code(code) {
        Some(TrapCode::Unreachable) => "unreachable",
        Some(TrapCode::MemoryOutOfBounds) => "memory_out_of_bounds",
        Some(TrapCode::TableOutOfBounds) => "table_out_of_bounds",
        Some(TrapCode::IndirectCallToNull) => "indirect_call_to_null",
        Some(TrapCode::BadSignature) => "bad_signature",
        Some(TrapCode::IntegerOverflow) => "integer_overflow",
        Some(TrapCode::DivisionByZero) => "division_by_zero",
        Some(TrapCode::InvalidConversion) => "invalid_conversion",
        Some(TrapCode::StackOverflow) => "stack_overflow",
        Some(TrapCode::OutputLimit) => "output_limit",
        None => "unknown",
    }
}

/// How a run ended, in a few words.
pub fn ending(status: u8, code: u32) -> String {
    match Status::from_byte(status) {
        Some(Status::Exit) => format!("exit code {code}"),
        Some(Status::Trap) => format!("trap: {}", trap_name(code)),
        Some(Status::OutOfFuel) => "out of fuel".into(),
        _ => status_name(status).into(),
    }
}

/// The region's name (specs/02-memory.md).
pub fn region_name(region: Region) -> String {
    const NAMES: [&str; 7] = ["SYSTEM", "CODE", "STACK", "MEMORY", "INPUT", "OUTPUT", "STATE"];
    let number = region.number();
    NAMES.get(number).map_or_else(|| format!("BUFFER {}", number - NAMES.len()), ToString::to_string)
}

/// Bytes as `0x` hex.
pub fn hex(bytes: &[u8]) -> String {
    format!("0x{}", ::hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_has_a_name() {
        let names: Vec<String> = Region::all().map(region_name).collect();
        assert_eq!((names[0].as_str(), names[6].as_str(), names[7].as_str()), ("SYSTEM", "STATE", "BUFFER 0"));
        assert_eq!(names[15], "BUFFER 8");
    }
}

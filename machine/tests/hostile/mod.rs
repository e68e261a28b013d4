//! Reads specs/vectors/images.json: images by hand, as an enemy would write them, and how each ends.
//!
//! Owns the file's defaults. Shared by the tests of lock-step and of gas, and by the example that writes the step vectors.

use super::images::Image;
use assay_machine::isa::{Instruction, name_of};
use assay_machine::memory::{Memory, Region, SparseMemory};
use assay_machine::record::Record;
use assay_protocol::B256;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Most steps that an image may say.
pub const STEPS_MAX: u64 = 64;

#[derive(Deserialize)]
struct File {
    images: Vec<Hostile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hostile {
    pub name: String,
    #[serde(default)]
    record: BTreeMap<String, Word>,
    /// pc: instruction.
    #[serde(default)]
    code: BTreeMap<u32, Coded>,
    #[serde(default)]
    slots: BTreeMap<Word, Word>,
    #[serde(default)]
    system: BTreeMap<Word, Word>,
    pub then: Ending,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Coded {
    op: String,
    #[serde(default)]
    d: u16,
    #[serde(default)]
    a: u16,
    #[serde(default)]
    b: u16,
    #[serde(default)]
    imm: Word,
}

/// What the record is after `steps` steps; status is still 0 if it has not halted by then.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ending {
    pub steps: u64,
    status: u8,
    code: Option<Word>,
    fuel: Option<Word>,
}

/// A number in decimal or hexadecimal.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Word(u64);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => text.parse(),
        };
        number.map(Self).map_err(serde::de::Error::custom)
    }
}

/// All images of the file.
pub fn read() -> Vec<Hostile> {
    let file: File = serde_json::from_str(include_str!("../../../specs/vectors/images.json"))
        .expect("the file is as this module says");
    for Hostile { name, then, .. } in &file.images {
        assert!(then.steps <= STEPS_MAX, "{name}: at most {STEPS_MAX} steps");
    }
    file.images
}

impl Hostile {
    pub fn image(&self) -> Image {
        let mut record = Record::boot(0, 1, 1000, B256::ZERO);
        for (field, Word(value)) in &self.record {
            match field.as_str() {
                "status" => record.status = *value as u8,
                "version" => record.version = *value as u8,
                "reserved" => record.reserved = *value as u16,
                "pc" => record.pc_or_code = *value as u32,
                "fp" => record.fp = *value as u32,
                "pages" => record.memory_pages = *value as u32,
                "fuel" => record.fuel = *value,
                "output_length" => record.output_length = *value,
                other => panic!("{}: {other} is no field of a record", self.name),
            }
        }
        let mut memory = SparseMemory::new();
        for (pc, coded) in &self.code {
            memory.write(Region::CODE.base() + 16 * u64::from(*pc), &coded.instruction().to_bytes());
        }
        for (Word(slot), Word(value)) in &self.slots {
            memory.write(Region::STACK.base() + 8 * slot, &value.to_le_bytes());
        }
        for (Word(word), Word(value)) in &self.system {
            memory.write(8 * word, &value.to_le_bytes());
        }
        record.memory_root = memory.commit();
        Image { record, memory }
    }
}

impl Ending {
    /// The record that the file wants in place of `end`; what it does not state is as it is there.
    pub fn wanted(&self, end: Record) -> Record {
        Record {
            status: self.status,
            pc_or_code: self.code.map_or(end.pc_or_code, |word| word.0 as u32),
            fuel: self.fuel.map_or(end.fuel, |word| word.0),
            ..end
        }
    }
}

impl Coded {
    fn instruction(&self) -> Instruction {
        let opcode = match self.op.strip_prefix("0x") {
            Some(digits) => u16::from_str_radix(digits, 16).expect("an opcode in hexadecimal"),
            None => (0..=u16::MAX)
                .find(|opcode| name_of(*opcode).is_some_and(|name| name == self.op))
                .unwrap_or_else(|| panic!("{} is an instruction", self.op)),
        };
        Instruction { opcode, d: self.d, a: self.a, b: self.b, imm: self.imm.0 }
    }
}

//! Reads specs/vectors/instructions.json: steps whose expectations were written by hand.
//!
//! Owns the file's defaults and how a case becomes an image and its wanted successor, root included.

use super::images::Image;
use assay_machine::isa::{Instruction, name_of};
use assay_machine::memory::layout::Region;
use assay_machine::memory::{Memory, SparseMemory};
use assay_machine::record::Record;
use assay_protocol::{B256, Status};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

#[derive(Deserialize)]
pub struct File {
    pub source: String,
    pub cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub name: String,
    op: Option<String>,
    opcode: Option<Number>,
    #[serde(default)]
    d: Number,
    #[serde(default)]
    a: Number,
    #[serde(default)]
    b: Number,
    #[serde(default)]
    imm: Number,
    #[serde(default)]
    record: Before,
    #[serde(default)]
    slots: Words,
    #[serde(default)]
    system: Words,
    #[serde(default)]
    memory: Bytes,
    #[serde(default)]
    input: Bytes,
    #[serde(default)]
    output: Bytes,
    opens: Option<Vec<String>>,
    then: After,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Before {
    status: Option<Number>,
    version: Option<Number>,
    reserved: Option<Number>,
    pc: Option<Number>,
    fp: Option<Number>,
    pages: Option<Number>,
    fuel: Option<Number>,
    output_length: Option<Number>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct After {
    status: Option<Number>,
    trap: Option<Number>,
    exit: Option<Number>,
    #[serde(default)]
    illegal: bool,
    #[serde(default)]
    out_of_fuel: bool,
    pc: Option<Number>,
    fp: Option<Number>,
    pages: Option<Number>,
    fuel: Option<Number>,
    output_length: Option<Number>,
    #[serde(default)]
    slots: Words,
    #[serde(default)]
    system: Words,
    #[serde(default)]
    memory: Bytes,
    #[serde(default)]
    output: Bytes,
}

type Words = BTreeMap<Number, Number>;
type Bytes = BTreeMap<Number, String>;

/// A JSON number, or a string in decimal or hexadecimal.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Number(u64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Number(u64),
            Text(String),
        }
        let text = match Form::deserialize(deserializer)? {
            Form::Number(number) => return Ok(Self(number)),
            Form::Text(text) => text,
        };
        let number = match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => text.parse(),
        };
        number.map(Self).map_err(serde::de::Error::custom)
    }
}

impl File {
    pub fn read() -> Self {
        serde_json::from_str(include_str!("../../../specs/vectors/instructions.json"))
            .expect("the file is as this module describes it")
    }
}

impl Case {
    pub fn opcode(&self) -> u16 {
        match (&self.op, self.opcode) {
            (Some(name), None) => (0..=u16::MAX)
                .find(|opcode| name_of(*opcode).is_some_and(|known| known == *name))
                .unwrap_or_else(|| panic!("{name} is an instruction")),
            (None, Some(Number(opcode))) => opcode as u16,
            _ => panic!("{} has a name or an opcode", self.name),
        }
    }

    /// Whether the instruction has its effect, or traps for its operands.
    pub fn is_legal(&self) -> bool {
        !self.then.illegal && self.then.status.is_none()
    }

    /// Whether `then` is a halt: only such a case may leave memory as it is without saying so.
    fn halts(&self) -> bool {
        let then = &self.then;
        then.trap.is_some() || then.exit.is_some() || then.illegal || then.out_of_fuel || then.status.is_some()
    }

    fn record(&self) -> Record {
        let or = |field: Option<Number>, default: u64| field.map_or(default, |number| number.0);
        let before = &self.record;
        Record {
            status: or(before.status, 0) as u8,
            version: or(before.version, 1) as u8,
            reserved: or(before.reserved, 0) as u16,
            pc_or_code: or(before.pc, 10) as u32,
            fp: or(before.fp, 4) as u32,
            memory_pages: or(before.pages, 1) as u32,
            fuel: or(before.fuel, 1000),
            output_length: or(before.output_length, 0),
            memory_root: B256::ZERO,
        }
    }

    /// The chunks that the step touches, if the case says so.
    pub fn opened(&self) -> Option<Vec<u64>> {
        let address = |text: &String| {
            let (region, offset) = text.split_once(':').expect("region:offset");
            let offset = match offset.strip_prefix("0x") {
                Some(digits) => u64::from_str_radix(digits, 16),
                None => offset.parse(),
            };
            let region = region.parse().ok().and_then(Region::new).expect("the number of a region");
            region.base() + offset.expect("an offset")
        };
        self.opens.as_ref().map(|opens| opens.iter().map(address).collect())
    }

    pub fn image(&self) -> Image {
        let mut memory = SparseMemory::new();
        let record = self.record();
        write_words(&mut memory, Region::STACK.base() + 8 * u64::from(record.fp), &self.slots);
        write_words(&mut memory, Region::SYSTEM.base(), &self.system);
        write_bytes(&mut memory, Region::MEMORY, &self.memory);
        write_bytes(&mut memory, Region::INPUT, &self.input);
        write_bytes(&mut memory, Region::OUTPUT, &self.output);
        let instruction = Instruction {
            opcode: self.opcode(),
            d: self.d.0 as u16,
            a: self.a.0 as u16,
            b: self.b.0 as u16,
            imm: self.imm.0,
        };
        Image::new(record, instruction, memory)
    }

    /// The successor that the case wants: its changes applied to the image, and to nothing else.
    pub fn wanted(&self) -> Record {
        let Image { record, mut memory } = self.image();
        let then = &self.then;
        let fuel = then.fuel.map_or(record.fuel, |number| number.0);
        let output_length = then.output_length.map_or(record.output_length, |number| number.0);
        let (status, pc_or_code) = match (then.trap, then.exit) {
            (Some(Number(code)), None) => (Status::Trap as u8, code as u32),
            (None, Some(Number(code))) => (Status::Exit as u8, code as u32),
            _ if then.out_of_fuel => (Status::OutOfFuel as u8, 0),
            _ if then.illegal => (Status::Illegal as u8, 0),
            _ => {
                let status = then.status.map_or(Status::Running as u8, |number| number.0 as u8);
                (status, then.pc.map_or(record.pc_or_code.wrapping_add(1), |number| number.0 as u32))
            }
        };
        write_words(&mut memory, Region::STACK.base() + 8 * u64::from(record.fp), &then.slots);
        write_words(&mut memory, Region::SYSTEM.base(), &then.system);
        write_bytes(&mut memory, Region::MEMORY, &then.memory);
        write_bytes(&mut memory, Region::OUTPUT, &then.output);
        let memory_root = memory.commit();
        assert!(!self.halts() || memory_root == record.memory_root, "{}: a halt writes nothing", self.name);
        let fp = then.fp.map_or(record.fp, |number| number.0 as u32);
        let memory_pages = then.pages.map_or(record.memory_pages, |number| number.0 as u32);
        Record { status, pc_or_code, fp, memory_pages, fuel, output_length, memory_root, ..record }
    }
}

fn write_words(memory: &mut SparseMemory, base: u64, words: &Words) {
    for (Number(index), Number(value)) in words {
        memory.write(base + 8 * index, &value.to_le_bytes());
    }
}

fn write_bytes(memory: &mut SparseMemory, region: Region, bytes: &Bytes) {
    for (Number(offset), bytes) in bytes {
        memory.write(region.base() + offset, &hex::decode(bytes).expect("bytes in hexadecimal"));
    }
}

//! A step made three ways: by definition over a whole memory, by the twin and by the contract from its witness.
//!
//! Owns the comparison and the tally. Disagreements are collected, so that one run shows them all.

use super::images::{Image, Random};
use assay_dispute::preflight::{Preflight, PreflightError};
use assay_machine::isa::{Instruction, form_of, name_of};
use assay_machine::memory::{Memory, Region};
use assay_machine::record::Record;
use assay_machine::witness::{Witness, prove_step, verify_step};
use assay_protocol::{Status, TrapCode, keccak256};
use std::collections::BTreeMap;

/// How a running record can end: (status, code), the code of an exit left out.
pub const ALL_ENDINGS: &[(u8, u32)] = &[
    (Status::Exit as u8, 0),
    (Status::OutOfFuel as u8, 0),
    (Status::Illegal as u8, 0),
    (Status::Trap as u8, TrapCode::Unreachable as u32),
    (Status::Trap as u8, TrapCode::StackOverflow as u32),
    (Status::Trap as u8, TrapCode::MemoryOutOfBounds as u32),
    (Status::Trap as u8, TrapCode::TableOutOfBounds as u32),
    (Status::Trap as u8, TrapCode::DivisionByZero as u32),
    (Status::Trap as u8, TrapCode::IntegerOverflow as u32),
    (Status::Trap as u8, TrapCode::InvalidConversion as u32),
    (Status::Trap as u8, TrapCode::IndirectCallToNull as u32),
    (Status::Trap as u8, TrapCode::BadSignature as u32),
    (Status::Trap as u8, TrapCode::OutputLimit as u32),
];
/// Seed of the changes to witnesses.
const CHANGES_SEED: u64 = 0xb17;
/// Disagreements that are printed whole.
const PRINTED_MAX: usize = 20;

/// Steps of one opcode.
#[derive(Clone, Copy, Default)]
pub struct Covered {
    /// All of them.
    pub steps: u64,
    /// Those that did not halt.
    pub to_running: u64,
}

/// What was covered.
#[derive(Default)]
pub struct Tally {
    /// Steps on which all three agreed or not.
    pub steps: u64,
    /// Steps whose record fetches nothing: halted, broken, or at the end of CODE.
    pub without_fetch: u64,
    /// Steps whose instruction is undefined.
    pub undefined: u64,
    /// Steps by opcode.
    pub opcodes: BTreeMap<u16, Covered>,
    /// Halts of running records by (status, code), the code of an exit left out.
    pub endings: BTreeMap<(u8, u32), u64>,
    /// Most gas of a step, and which.
    pub gas_max: (u64, String),
    /// Longest witness in bytes, and of which step.
    pub witness_bytes_max: (usize, String),
    /// Changed witnesses that were given to the twin, and of these to the contract.
    pub changed: (u64, u64),
    /// What did not agree.
    pub disagreements: Vec<String>,
}

impl Tally {
    /// Adds another source's.
    pub fn add(&mut self, other: Self) {
        self.steps += other.steps;
        self.without_fetch += other.without_fetch;
        self.undefined += other.undefined;
        for (opcode, covered) in other.opcodes {
            let sum = self.opcodes.entry(opcode).or_default();
            sum.steps += covered.steps;
            sum.to_running += covered.to_running;
        }
        for (ending, count) in other.endings {
            *self.endings.entry(ending).or_default() += count;
        }
        self.changed.0 += other.changed.0;
        self.changed.1 += other.changed.1;
        self.gas_max = self.gas_max.clone().max(other.gas_max);
        self.witness_bytes_max = self.witness_bytes_max.clone().max(other.witness_bytes_max);
        self.disagreements.extend(other.disagreements);
    }

    /// Prints the coverage.
    pub fn print(&self) {
        println!("{} steps in lock-step", self.steps);
        println!("  {} fetch nothing, {} are of undefined opcodes", self.without_fetch, self.undefined);
        println!("  most gas {} in {}", self.gas_max.0, self.gas_max.1);
        println!("  longest witness {} bytes in {}", self.witness_bytes_max.0, self.witness_bytes_max.1);
        println!(
            "  {} changed witnesses refused by the twin, {} of them by the contract",
            self.changed.0, self.changed.1
        );
        println!("endings (status, code): steps");
        for ((status, code), count) in &self.endings {
            println!("  ({status}, {code}): {count}");
        }
        println!("{} opcodes: steps, of these to a running successor", self.opcodes.len());
        for (opcode, covered) in &self.opcodes {
            let name = name_of(*opcode).expect("only defined opcodes are listed");
            println!("  {opcode:#06x} {name:<24} {:>6} {:>6}", covered.steps, covered.to_running);
        }
        for disagreement in self.disagreements.iter().take(PRINTED_MAX) {
            println!("DISAGREEMENT {disagreement}");
        }
    }

    fn count(&mut self, opcode: Option<u16>, before: &Record, next: &Record) {
        self.steps += 1;
        match opcode {
            None => self.without_fetch += 1,
            Some(opcode) if form_of(opcode).is_none() => self.undefined += 1,
            Some(opcode) => {
                let covered = self.opcodes.entry(opcode).or_default();
                covered.steps += 1;
                covered.to_running += u64::from(next.is_running());
            }
        }
        if before.is_running() && !next.is_running() {
            let code = if next.status == Status::Exit as u8 { 0 } else { next.pc_or_code };
            *self.endings.entry((next.status, code)).or_default() += 1;
        }
    }
}

/// Makes steps three ways.
pub struct Three {
    evm: Preflight,
    /// Chooses what is changed in a witness.
    random: Random,
    /// What was covered so far.
    pub tally: Tally,
}

impl Three {
    /// With a local EVM of its own.
    pub fn new() -> Self {
        Self { evm: Preflight::new(), random: Random(CHANGES_SEED), tally: Tally::default() }
    }

    /// Makes the image's next step; the image moves on.
    pub fn step(&mut self, image: &mut Image, name: &str) -> Record {
        let before = image.record;
        let opcode = next_opcode(&before, |address| {
            let mut bytes = [0; Instruction::SIZE];
            image.memory.read(address, &mut bytes);
            bytes
        });
        let (witness, next) = prove_step(before, &mut image.memory);
        self.agree(opcode, before, &witness, next, name);
        image.record = next;
        next
    }

    /// Compares the twin and the contract with the successor that the definition gave.
    pub fn agree(&mut self, opcode: Option<u16>, before: Record, witness: &[u8], next: Record, name: &str) {
        self.tally.count(opcode, &before, &next);
        match verify_step(before, witness) {
            Ok(got) => self.expect(got, next, &format!("the twin, {name}")),
            Err(error) => self.disagree(format!("the twin refused {name}: {error}; {before:?}")),
        }
        match self.evm.step(&before, witness) {
            Ok(verified) => {
                if verified.next != next {
                    let hex = hex::encode(witness);
                    self.disagree(format!(
                        "{name}: contract {:?}, definition {next:?}, from {before:?}, witness {hex}",
                        verified.next
                    ));
                }
                let name = || format!("{name} ({:#06x})", opcode.unwrap_or(0));
                if verified.gas > self.tally.gas_max.0 {
                    self.tally.gas_max = (verified.gas, name());
                }
                if witness.len() > self.tally.witness_bytes_max.0 {
                    self.tally.witness_bytes_max = (witness.len(), name());
                }
                self.refuse_changed(&before, witness, &name());
            }
            Err(error) => {
                let hex = hex::encode(witness);
                self.disagree(format!("{name}: contract {error}, definition {next:?}, from {before:?}, witness {hex}"));
            }
        }
    }

    /// A change of each kind to a witness that holds: the twin refuses every one of them, the contract one of them by turns.
    fn refuse_changed(&mut self, before: &Record, witness: &[u8], name: &str) {
        let turn = self.tally.steps;
        for (kind, (what, changed)) in changes(witness, &mut self.random).into_iter().enumerate() {
            self.tally.changed.0 += 1;
            if let Ok(next) = verify_step(*before, &changed) {
                self.disagree(format!("the twin takes {what} of {name}: {next:?}"));
            }
            if turn % (KINDS * CONTRACT_EVERY) != kind as u64 * CONTRACT_EVERY {
                continue;
            }
            self.tally.changed.1 += 1;
            match self.evm.step(before, &changed) {
                Err(PreflightError::Refused(_)) => {}
                other => self.disagree(format!("the contract, {what} of {name}: {other:?}")),
            }
        }
    }

    /// Notes it if a record is not the wanted one.
    pub fn expect(&mut self, got: Record, wanted: Record, name: &str) {
        if got != wanted {
            self.disagree(format!("{name}: got {got:?}, wanted {wanted:?}"));
        }
    }

    /// Notes a disagreement.
    pub fn disagree(&mut self, what: String) {
        self.tally.disagreements.push(what);
    }
}

/// Kinds of change to a witness.
const KINDS: u64 = 4;
/// Of so many steps that the contract makes, one is followed by a change that it must refuse. `tamper` has many more.
const CONTRACT_EVERY: u64 = 2;

/// A witness with one bit flipped, a byte more, a byte less, and another sibling; as many of them as it has what it takes.
fn changes(witness: &[u8], random: &mut Random) -> Vec<(&'static str, Vec<u8>)> {
    let mut changes = vec![("a byte more", [witness, &[0]].concat())];
    if witness.is_empty() {
        return changes;
    }
    let mut flipped = witness.to_vec();
    let bit = random.below(8 * witness.len() as u64) as usize;
    flipped[bit / 8] ^= 1 << (bit % 8);
    changes.push(("a bit flipped", flipped));
    changes.push(("a byte less", witness[..witness.len() - 1].to_vec()));
    let mut entries = Witness::parse(witness).expect("a proof holds a witness").entries().to_vec();
    let entry = random.below(entries.len() as u64) as usize;
    let inner = Region::of(entries[entry].address).kind().inner_siblings();
    let spelled_out = |at: &usize| *at < inner || *at - inner >= 32 || entries[entry].mask >> (at - inner) & 1 == 0;
    let siblings: Vec<usize> = (0..entries[entry].siblings.len()).filter(spelled_out).collect();
    let sibling = random.pick(&siblings);
    entries[entry].siblings[sibling] = keccak256(entries[entry].siblings[sibling]);
    changes.push(("another sibling", Witness::new(entries).to_bytes()));
    changes
}

/// The opcode at a record's pc, if a step from it fetches; `code` gives the instruction's bytes.
pub fn next_opcode(record: &Record, code: impl FnOnce(u64) -> [u8; Instruction::SIZE]) -> Option<u16> {
    if !record.is_running() || !record.is_canonical() || record.pc_or_code == u32::MAX {
        return None;
    }
    let address = Region::CODE.base() + Instruction::SIZE as u64 * u64::from(record.pc_or_code);
    Some(Instruction::from_bytes(&code(address)).opcode)
}

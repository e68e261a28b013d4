//! A module of the suite, instantiated in the interpreter and in the native engine at once, there with either metering.
//!
//! The interpreter is driven as a harness may: a record at the called function's entry, arguments in the first slots,
//! and a link word that leads to an `exit` instruction.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use assay_executor::{Engine, EngineConfig, Invocation, Metering, Session};
use assay_machine::admission::{AdmissionError, Admitted, ENTRY_EXPORT, admit_library};
use assay_machine::interpreter::Interpreter;
use assay_machine::isa::op;
use assay_machine::lower::{Export, Image};
use assay_machine::memory::{Memory, Region};
use assay_machine::program::{Limits, Program};
use assay_machine::record::Record;
use assay_protocol::{BlobRef, Status, TrapCode};
use wasmparser::ValType;

use crate::spectest;

/// Ample: the longest call of the suite uses a few million.
const FUEL: u64 = 1 << 32;

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    Returned(Vec<u64>),
    Trap(TrapCode),
    Exit(u32),
    OutOfFuel,
}

/// Why there is no instance.
pub enum Refusal {
    /// It is not admitted.
    Admission(AdmissionError),
    /// It is admitted and yet can't be run: a failure of ours.
    Failure(String),
}

/// A call's end in both engines, or how they differ; none if there is no such export.
pub type Called = Result<Option<Ended>, String>;

/// An instance in both engines.
pub struct Instance {
    image: Image,
    exit_pc: u32,
    interpreter: Interpreter,
    /// One for each of [`METERINGS`].
    native: Vec<Session>,
}

/// The native engine's ways to count fuel: one that runs are made with, and one that knows the fuel of a trap too.
const METERINGS: [Metering; 2] = [Metering::Parameter, Metering::Global];

fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new(EngineConfig::default()).unwrap())
}

fn spectest_functions() -> &'static [u8] {
    static MODULE: OnceLock<Vec<u8>> = OnceLock::new();
    MODULE.get_or_init(|| wat::parse_str(spectest::FUNCTIONS).unwrap())
}

/// Modules that may be imported from, beside the suite's host module: bytes by name.
pub type Libraries = BTreeMap<String, Vec<u8>>;

/// Admits a module with the libraries and the suite's host module linked in.
pub fn admit(wasm: &[u8], libraries: &Libraries) -> Result<Admitted, AdmissionError> {
    let mut adapters = vec![(spectest::NAME, spectest_functions())];
    adapters.extend(libraries.iter().map(|(name, wasm)| (name.as_str(), wasm.as_slice())));
    admit_library(wasm, &adapters)
}

impl Instance {
    /// Instantiates a module; `Ok` has how its start function ended.
    pub fn new(wasm: &[u8], libraries: &Libraries) -> Result<(Self, Result<Ended, String>), Refusal> {
        let admitted = admit(wasm, libraries).map_err(Refusal::Admission)?;
        let failure = |error: &dyn std::fmt::Display| Refusal::Failure(error.to_string());
        let blob = BlobRef { root: Default::default(), length: wasm.len() as u64 };
        let program = Program::from_admitted(admitted, blob).map_err(|error| failure(&error))?;
        let image = program.image().clone();
        // The native engine finds the entry by name; a module that takes the name for itself can't be started there.
        let entry = image.exports.get(ENTRY_EXPORT);
        if !matches!(entry, Some(Export::Function(pc, _)) if *pc == program.descriptor().entry_pc) {
            return Err(Refusal::Failure("the module has an export `entry` of its own".into()));
        }
        let exit = image.code.iter().position(|instruction| instruction.opcode == op::EXIT);
        let exit_pc = exit.expect("the entry calls exit") as u32;
        let limits = Limits { fuel: FUEL, output_bytes: 0 };
        let mut interpreter = program.boot(Arc::new(Vec::new()), limits).map_err(|error| failure(&error))?;
        interpreter.run();
        let prepared = engine().prepare_program(&program).map_err(|error| failure(&error))?;
        let native = METERINGS
            .into_iter()
            .map(|metering| prepared.session(&[][..], 0, metering).map_err(|error| failure(&error)))
            .collect::<Result<_, _>>()?;
        let mut instance = Self { image, exit_pc, interpreter, native };
        let start = instance.agree(ENTRY_EXPORT, &[], &[]);
        Ok((instance, start))
    }

    /// Calls an exported function in both engines.
    pub fn invoke(&mut self, export: &str, arguments: &[u64]) -> Called {
        let Some(Export::Function(pc, signature)) = self.image.exports.get(export) else { return Ok(None) };
        let (pc, results, link) = (*pc, signature.results.clone(), signature.link_slot());
        if signature.params.len() != arguments.len() {
            return Err(format!("`{export}` is called with {} arguments", arguments.len()));
        }
        let memory = self.interpreter.memory();
        for (slot, word) in arguments.iter().chain([&u64::from(self.exit_pc)]).enumerate() {
            let slot = if slot == arguments.len() { link } else { slot };
            memory.write(Region::STACK.base() + 8 * slot as u64, &word.to_le_bytes());
        }
        let record = *self.interpreter.record();
        let (status, version) = (Status::Running as u8, assay_machine::record::VERSION);
        self.interpreter.redirect(Record { status, version, pc_or_code: pc, fp: 0, fuel: FUEL, ..record });
        self.interpreter.run();
        self.agree(export, arguments, &results).map(Some)
    }

    /// An exported global's word, the same in both engines.
    pub fn global(&mut self, export: &str) -> Result<Option<u64>, String> {
        let Some(Export::Global(word, ty)) = self.image.exports.get(export) else { return Ok(None) };
        let ty = *ty;
        let mut bytes = [0; 8];
        self.interpreter.memory().read(8 * u64::from(*word), &mut bytes);
        let interpreted = u64::from_le_bytes(bytes);
        for (native, metering) in self.native.iter_mut().zip(METERINGS) {
            let native = native.global(export);
            if !native.is_some_and(|native| same_word(ty, interpreted, native)) {
                return Err(format!("global `{export}`: interpreter {interpreted:#x}, {metering:?} {native:x?}"));
            }
        }
        Ok(Some(interpreted))
    }

    /// The end that the interpreter has come to, if the native engine comes to the same with the same fuel.
    fn agree(&mut self, export: &str, arguments: &[u64], results: &[ValType]) -> Result<Ended, String> {
        let record = *self.interpreter.record();
        let mut words = vec![0; results.len()];
        for (slot, word) in words.iter_mut().enumerate() {
            let mut bytes = [0; 8];
            self.interpreter.memory().read(Region::STACK.base() + 8 * slot as u64, &mut bytes);
            *word = u64::from_le_bytes(bytes);
        }
        let interpreted = match Status::from_byte(record.status) {
            Some(Status::Exit) if export == ENTRY_EXPORT => Ended::Exit(record.pc_or_code),
            Some(Status::Exit) => Ended::Returned(words),
            Some(Status::Trap) => Ended::Trap(TrapCode::from_code(record.pc_or_code).unwrap()),
            Some(Status::OutOfFuel) => Ended::OutOfFuel,
            other => return Err(format!("`{export}`: the interpreter ended with status {other:?}")),
        };
        let fuel = FUEL - record.fuel;
        for (session, metering) in self.native.iter_mut().zip(METERINGS) {
            let invocation = session.invoke(export, arguments, FUEL).map_err(|error| format!("`{export}`: {error}"))?;
            let (native, fuel_used) = match invocation {
                Invocation::Returned { words, fuel_used } => (Ended::Returned(words), Some(fuel_used)),
                Invocation::Ended { status: Status::Exit, code, fuel_used } => (Ended::Exit(code), fuel_used),
                Invocation::Ended { status: Status::Trap, code, fuel_used } => {
                    (Ended::Trap(TrapCode::from_code(code).unwrap()), fuel_used)
                }
                Invocation::Ended { .. } => (Ended::OutOfFuel, None),
            };
            let same = match (&interpreted, &native) {
                (Ended::Returned(a), Ended::Returned(b)) => {
                    a.len() == b.len() && results.iter().zip(a.iter().zip(b)).all(|(ty, (a, b))| same_word(*ty, *a, *b))
                }
                (a, b) => a == b,
            };
            // Out of fuel, all of it is used. In any other end the exact metering knows how much.
            let knows = fuel_used.is_some() || metering == Metering::Parameter || native == Ended::OutOfFuel;
            if !same || !knows || fuel_used.is_some_and(|used| used != fuel) {
                return Err(format!(
                    "`{export}`: interpreter {interpreted:x?} with fuel {fuel}, {metering:?} {native:x?} with {fuel_used:?}"
                ));
            }
        }
        Ok(interpreted)
    }
}

/// Whether two words are one value. References are if both are null or neither is: a session tells no more of them.
fn same_word(ty: ValType, interpreted: u64, native: u64) -> bool {
    if ty.is_reference_type() { (interpreted == 0) == (native == 0) } else { interpreted == native }
}

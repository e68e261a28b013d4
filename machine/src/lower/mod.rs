//! Lowering: from a normalised WASM module to a machine image and the plan that the native engine is instrumented by
//! (specs/05-lowering.md, specs/06-fuel.md).
//!
//! Deterministic and versioned law: the same bytes give the same image on every host. Owns the image's layout; assumes
//! the contract of `admission`; never looks at more than one function at a time, and never recurses on its input.

mod code;
mod control;
mod function;
mod module;
mod operators;
mod stack;
mod system;
#[cfg(test)]
mod tests;

use alloc::collections::BTreeMap;

use thiserror::Error;

pub use module::{Signature, TABLE_ENTRIES_MAX};
pub use system::{SYSTEM_BYTES_MAX, SystemLayout};

use crate::isa::Instruction;
use module::{Constant, ExportItem, Module};

/// The host functions are the first functions of a normalised module.
pub const HOST_FUNCTIONS: u32 = 4;
/// Most instructions of a program.
pub const CODE_INSTRUCTIONS_MAX: usize = 1 << 24;

/// Why a normalised module can't be lowered.
#[derive(Debug, Error)]
pub enum LowerError {
    /// A function's frame has more slots than 16-bit slot fields can name.
    #[error("a function needs a frame of {slots} slots, the limit is {limit}", limit = stack::FRAME_SLOTS_MAX)]
    FrameTooLarge {
        /// Slots needed so far.
        slots: usize,
    },
    /// The program's code is too long.
    #[error("the program lowers to more than {limit} instructions")]
    CodeTooLarge {
        /// The limit.
        limit: usize,
    },
    /// Globals, tables and passive segments are too large together.
    #[error("globals, tables and passive segments need {bytes} bytes, the limit is {limit}")]
    SystemTooLarge {
        /// Bytes needed so far.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// An active element segment does not fit its table.
    #[error("active element segment {segment} ends at entry {end} of a table of {size}")]
    ActiveElementsOutOfBounds {
        /// Index of the segment.
        segment: usize,
        /// Its end.
        end: u64,
        /// The table's size at boot.
        size: u64,
    },
    /// An active data segment does not fit the memory.
    #[error("active data segment {segment} ends at byte {end} of a memory of {size}")]
    ActiveDataOutOfBounds {
        /// Index of the segment.
        segment: usize,
        /// Its end.
        end: u64,
        /// The memory's size at boot.
        size: u64,
    },
    /// The module is not what admission promises.
    #[error("not a normalised module: {0}")]
    Module(&'static str),
    /// The module can't be parsed.
    #[error("not a normalised module: {0}")]
    Parse(#[from] wasmparser::BinaryReaderError),
}

/// What the native engine needs to know of a function in order to agree with the machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FunctionPlan {
    /// Slots of its frame; the entry checks `fp + frame_slots <= 2^18`.
    pub frame_slots: u32,
    /// Metering blocks: (index of the operator that the block is entered before, charge). The first has site 0 and is
    /// charged at entry; sites ascend. Operators are counted over the whole body, unreachable ones included.
    pub charges: Vec<(u32, u32)>,
    /// Calls that can be reached: (index of the operator, distance of the callee's frame in slots).
    pub call_bases: Vec<(u32, u16)>,
}

/// What an export of a lowered library names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Export {
    /// A function: its first pc and its signature.
    Function(u32, Signature),
    /// A global: its word in SYSTEM and its type.
    Global(u32, wasmparser::ValType),
}

/// A lowered module.
#[derive(Clone, Debug)]
pub struct Image {
    /// The content of CODE.
    pub code: Vec<Instruction>,
    /// The content of SYSTEM, boot leaf zero.
    pub system: Vec<u8>,
    /// Pieces of MEMORY at boot (offset, bytes), to be applied in order.
    pub memory: Vec<(u32, Vec<u8>)>,
    /// Pages of linear memory at boot.
    pub memory_pages: u32,
    /// Pages that `memory.grow` may reach.
    pub memory_pages_max: u32,
    /// First pc of each function that is not imported.
    pub functions: Vec<u32>,
    /// Plan of each function that is not imported.
    pub plans: Vec<FunctionPlan>,
    /// Exported functions and globals.
    pub exports: BTreeMap<String, Export>,
    /// Where globals, tables and segments lie in SYSTEM.
    pub layout: SystemLayout,
}

/// Lowers a normalised module.
///
/// # Errors
/// [`LowerError`] if the module is too large for the machine or is not normalised.
pub fn lower(normalised: &[u8]) -> Result<Image, LowerError> {
    let module = Module::parse(normalised)?;
    let layout = SystemLayout::new(&module)?;
    let mut code = Vec::new();
    let (mut functions, mut plans, mut relocations) = (Vec::new(), Vec::new(), Vec::new());
    for (index, body) in module.bodies.iter().enumerate() {
        let base = code.len() as u32;
        let lowered = function::lower_function(&module, &layout, HOST_FUNCTIONS + index as u32, body, base)?;
        functions.push(base);
        plans.push(lowered.plan);
        relocations.extend(lowered.relocations.iter().map(|at| (base + at.at, at.function)));
        code.extend(lowered.instructions);
    }
    let entry = |function: u32| functions[(function - HOST_FUNCTIONS) as usize];
    for (at, function) in relocations {
        code[at as usize].imm |= u64::from(entry(function));
    }
    let resolve = |constant| match constant {
        Constant::Word(word) => word,
        Constant::Function(function) => {
            let type_id = module.type_ids[module.functions[function as usize] as usize];
            u64::from(entry(function)) | u64::from(type_id) << 32
        }
    };
    let exports = module.exports.iter().map(|(name, item)| {
        let export = match *item {
            ExportItem::Function(function) => Export::Function(entry(function), module.signature(function).clone()),
            ExportItem::Global(global) => {
                Export::Global(layout.globals[global as usize], module.globals[global as usize].ty)
            }
        };
        (name.clone(), export)
    });
    Ok(Image {
        system: layout.image(&module, resolve)?,
        memory: system::memory_image(&module)?,
        memory_pages: module.memory.0,
        memory_pages_max: module.memory.1,
        exports: exports.collect(),
        code,
        functions,
        plans,
        layout,
    })
}

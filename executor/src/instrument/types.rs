//! Index spaces of the instrumented module: which types, functions and exports it has, and where the normalised
//! module's own went.
//!
//! ```text
//! types      0..T     as they were, for blocks
//!            T..2T    of functions: with Metering::Parameter `params.. meter -> results.. meter`, else as they were
//!            2T..3T   `-> results..`, for the block that wraps a function's body
//!            3T..     of the imports
//! functions  0..4     the host functions
//!            4..6     refill, trap
//!            6..      the module's own
//!            then     wrappers of refill and trap: a call of the module's own function needs no pointers at hand
//! globals    0..      the module's own
//!            then     the meter, with Metering::Global
//!            then     a place for each local that a loop puts away, by type and count
//! ```
//!
//! Two function types of the instrumented module are equal exactly when the normalised module's are, so `call_indirect`
//! finds the same signatures.

use assay_machine::lower::HOST_FUNCTIONS;
use wasm_encoder::reencode::{Error, Reencode};
use wasm_encoder::{ConstExpr, EntityType, Function, GlobalSection, GlobalType, ImportSection, TypeSection, ValType};
use wasmparser::FuncType;

use super::{InstrumentError, Metering};

/// Import that a negative meter is brought to: `refill(meter i64) -> i64`.
const REFILL: u32 = HOST_FUNCTIONS;
/// Import that ends the run: `trap(code i32, meter i64)`.
const TRAP: u32 = HOST_FUNCTIONS + 1;
/// Imports of the instrumented module that the normalised one does not have.
const ADDED_FUNCTIONS: u32 = 2;
/// Import module of all host functions.
pub(crate) const HOST_MODULE: &str = "assay";
/// Export name of the linear memory.
pub(crate) const MEMORY_EXPORT: &str = "memory";
/// Export name of the meter of [`Metering::Global`].
pub(crate) const METER_EXPORT: &str = "meter";

/// Name under which the instrumented module exports what the normalised one exports as `name`.
pub(crate) fn export_name(name: &str) -> String {
    format!(".{name}")
}

/// Host functions: name, parameters, results. Those that may end the run get the meter as last parameter.
const IMPORTS: [(&str, &[ValType], &[ValType]); (HOST_FUNCTIONS + ADDED_FUNCTIONS) as usize] = {
    use ValType::{I32, I64};
    [
        ("input_size", &[], &[I64]),
        ("input_read", &[I32, I64, I32, I64], &[I32]),
        ("output_write", &[I32, I32, I64], &[]),
        ("exit", &[I32, I64], &[]),
        ("refill", &[I64], &[I64]),
        ("trap", &[I32, I64], &[]),
    ]
};

/// The functions through which instrumented code calls `refill` and `trap`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wrappers {
    first: u32,
}

impl Wrappers {
    /// Of a module with so many functions, imports counted.
    pub fn new(functions: usize) -> Self {
        Self { first: functions as u32 + ADDED_FUNCTIONS }
    }

    pub fn refill(self) -> u32 {
        self.first
    }

    pub fn trap(self) -> u32 {
        self.first + 1
    }

    /// Types and bodies, in order.
    pub fn functions(types: u32) -> [(u32, Function); 2] {
        [REFILL, TRAP].map(|import| {
            let mut wrapper = Function::new([]);
            let mut code = wrapper.instructions();
            for (param, _) in IMPORTS[import as usize].1.iter().enumerate() {
                code.local_get(param as u32);
            }
            code.call(import).end();
            (3 * types + import, wrapper)
        })
    }
}

/// Places for locals of each type that a loop puts away.
const SAVE_PLACES: u32 = 16;
/// The types in the order of their places.
const SAVE_TYPES: [wasmparser::ValType; 4] = {
    use wasmparser::ValType::{F32, F64, I32, I64};
    [I32, I64, F32, F64]
};

/// Pairs of locals and places for them; locals for which there is none are left out. `first_global` is the first
/// place, `locals` are (local, type).
pub(super) fn save_places(
    first_global: u32,
    locals: impl Iterator<Item = (u32, wasmparser::ValType)>,
) -> Vec<(u32, u32)> {
    let mut used = [0; SAVE_TYPES.len()];
    let mut places = Vec::new();
    for (local, ty) in locals {
        let Some(at) = SAVE_TYPES.iter().position(|known| *known == ty) else { continue };
        if used[at] < SAVE_PLACES {
            places.push((local, first_global + at as u32 * SAVE_PLACES + used[at]));
            used[at] += 1;
        }
    }
    places
}

/// Appends the places to the global section.
pub(super) fn save_globals(section: &mut GlobalSection) {
    let zeros = [
        (ValType::I32, ConstExpr::i32_const(0)),
        (ValType::I64, ConstExpr::i64_const(0)),
        (ValType::F32, ConstExpr::f32_const(0.0.into())),
        (ValType::F64, ConstExpr::f64_const(0.0.into())),
    ];
    for (ty, zero) in zeros {
        for _ in 0..SAVE_PLACES {
            section.global(GlobalType { val_type: ty, mutable: true, shared: false }, &zero);
        }
    }
}

/// Maps indices of the normalised module to those of the instrumented one.
#[derive(Clone, Copy)]
pub(super) struct Indices {
    /// Types of the normalised module.
    pub types: u32,
}

impl Indices {
    /// The type of the block around the body of a function of type `ty`.
    pub fn body_type(self, ty: u32) -> u32 {
        2 * self.types + ty
    }
}

impl Reencode for Indices {
    type Error = core::convert::Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32, Error<Self::Error>> {
        Ok(if function < HOST_FUNCTIONS { function } else { function + ADDED_FUNCTIONS })
    }

    /// The type of a function; block types never come here.
    fn type_index(&mut self, ty: u32) -> Result<u32, Error<Self::Error>> {
        Ok(self.types + ty)
    }
}

/// The type section.
pub(super) fn type_section(types: &[FuncType], metering: Metering) -> Result<TypeSection, InstrumentError> {
    let mut indices = Indices { types: types.len() as u32 };
    let mut plain = Vec::with_capacity(types.len());
    for ty in types {
        let params = indices.val_types(ty.params().to_vec())?;
        let results = indices.val_types(ty.results().to_vec())?;
        plain.push((params, results));
    }
    let mut section = TypeSection::new();
    for (params, results) in &plain {
        section.ty().function(params.iter().copied(), results.iter().copied());
    }
    let meter = (metering == Metering::Parameter).then_some(ValType::I64);
    for (params, results) in &plain {
        let params: Vec<ValType> = params.iter().copied().chain(meter).collect();
        let results: Vec<ValType> = results.iter().copied().chain(meter).collect();
        section.ty().function(params, results);
    }
    for (_, results) in &plain {
        section.ty().function([], results.iter().copied());
    }
    for (_, params, results) in IMPORTS {
        section.ty().function(params.iter().copied(), results.iter().copied());
    }
    Ok(section)
}

/// The import section.
pub(super) fn import_section(types: u32) -> ImportSection {
    let mut section = ImportSection::new();
    for (index, (name, ..)) in IMPORTS.iter().enumerate() {
        section.import(HOST_MODULE, name, EntityType::Function(3 * types + index as u32));
    }
    section
}

//! Instruments a normalised module so that a general WASM engine that runs it ends as the machine does: same output,
//! status, code and fuel.
//!
//! Follows the plan that lowering made (`machine::lower::FunctionPlan`) and the same idea of what code can be reached;
//! a plan that does not fit the body is refused, never guessed at. Assumes the contract of `machine::admission`.
//! Deterministic: same module, plan and metering, same bytes.
//!
//! `types` has the index spaces, `fuel` the metering code, `loops` what keeps it cheap in loops, `floats` the classes of
//! values, `body` the walk over a function, `emit` its output.

mod body;
mod emit;
mod floats;
mod fuel;
mod loops;
mod types;

use assay_machine::lower::{FunctionPlan, HOST_FUNCTIONS, TABLE_ENTRIES_MAX};
use thiserror::Error;
use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{
    BranchHints, CodeSection, ConstExpr, DataCountSection, DataSection, ElementSection, ExportKind, ExportSection,
    FunctionSection, GlobalSection, GlobalType, MemorySection, MemoryType, Module, TableSection, ValType,
};
use wasmparser::{
    BinaryReaderError, CompositeInnerType, DataSectionReader, ElementSectionReader, Export, ExternalKind, FuncType,
    FunctionBody, Global, MemoryType as Memory, Parser, Payload, Table, TypeRef,
};

pub(crate) use fuel::{EXHAUSTED, add_fuel, fuel, meter};
pub(crate) use types::{HOST_MODULE, MEMORY_EXPORT, METER_EXPORT, export_name};
use types::{Indices, Wrappers};

/// Changes whenever the same module is instrumented to other bytes: compiled modules are cached under it.
pub const INSTRUMENTER_VERSION: u32 = 4;

/// Where the instrumented module keeps its meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Metering {
    /// Fast: a parameter and a result of every function. A trap raised by hardware loses it.
    Parameter,
    /// Exact: a global, there to be read however the run ended.
    Global,
}

/// Why a module can't be instrumented.
#[derive(Debug, Error)]
pub enum InstrumentError {
    /// The module can't be parsed.
    #[error("not a normalised module: {0}")]
    Parse(#[from] BinaryReaderError),
    /// A part of the module can't be written again.
    #[error("not a normalised module: {0}")]
    Encode(String),
    /// The module is not what admission promises.
    #[error("not a normalised module: {0}")]
    Module(&'static str),
    /// The plan names a place that the walk over function `function` does not come to.
    #[error("the plan of function {function} does not fit its body at operator {operator}")]
    Plan {
        /// Index of the function, imports counted.
        function: u32,
        /// Operator of the body.
        operator: u32,
    },
}

impl<E: core::fmt::Display> From<reencode::Error<E>> for InstrumentError {
    fn from(error: reencode::Error<E>) -> Self {
        match error {
            reencode::Error::ParseError(error) => Self::Parse(error),
            error => Self::Encode(error.to_string()),
        }
    }
}

/// Instruments a normalised module by what lowering says of it (`Image::plans`, `Image::memory_pages_max`).
///
/// # Errors
/// [`InstrumentError`] if the module is not normalised or the plans are not its own.
pub fn instrument(
    normalised: &[u8],
    plans: &[FunctionPlan],
    memory_pages_max: u32,
    metering: Metering,
) -> Result<Vec<u8>, InstrumentError> {
    let mut sections = Sections::parse(normalised)?;
    sections.memory_pages_max = memory_pages_max;
    sections.instrument(plans, metering)
}

/// A normalised module, cut into what is rewritten.
#[derive(Default)]
struct Sections<'a> {
    bytes: &'a [u8],
    types: Vec<FuncType>,
    /// Type index by function index, imports first.
    functions: Vec<u32>,
    tables: Vec<Table<'a>>,
    memory: Option<Memory>,
    /// Pages that `memory.grow` may reach.
    memory_pages_max: u32,
    globals: Vec<Global<'a>>,
    exports: Vec<Export<'a>>,
    elements: Option<ElementSectionReader<'a>>,
    data_count: Option<u32>,
    bodies: Vec<FunctionBody<'a>>,
    data: Option<DataSectionReader<'a>>,
}

impl<'a> Sections<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, InstrumentError> {
        let mut sections = Self { bytes, ..Self::default() };
        for payload in Parser::new(0).parse_all(bytes) {
            sections.section(payload?)?;
        }
        if sections.functions.len() != HOST_FUNCTIONS as usize + sections.bodies.len() {
            return Err(InstrumentError::Module("function and code section differ in length"));
        }
        Ok(sections)
    }

    fn section(&mut self, payload: Payload<'a>) -> Result<(), InstrumentError> {
        match payload {
            Payload::TypeSection(reader) => {
                for group in reader {
                    for ty in group?.into_types() {
                        let CompositeInnerType::Func(ty) = ty.composite_type.inner else {
                            return Err(InstrumentError::Module("a type is not a function type"));
                        };
                        self.types.push(ty);
                    }
                }
            }
            Payload::ImportSection(reader) => {
                for import in reader.into_imports() {
                    let TypeRef::Func(ty) = import?.ty else {
                        return Err(InstrumentError::Module("an import is not a function"));
                    };
                    self.functions.push(ty);
                }
            }
            Payload::FunctionSection(reader) => {
                for ty in reader {
                    self.functions.push(ty?);
                }
            }
            Payload::TableSection(reader) => self.tables = reader.into_iter().collect::<Result<_, _>>()?,
            Payload::MemorySection(reader) => self.memory = reader.into_iter().next().transpose()?,
            Payload::GlobalSection(reader) => self.globals = reader.into_iter().collect::<Result<_, _>>()?,
            Payload::ExportSection(reader) => self.exports = reader.into_iter().collect::<Result<_, _>>()?,
            Payload::StartSection { .. } => return Err(InstrumentError::Module("there is a start section")),
            Payload::ElementSection(reader) => self.elements = Some(reader),
            Payload::DataCountSection { count, .. } => self.data_count = Some(count),
            Payload::CodeSectionEntry(body) => self.bodies.push(body),
            Payload::DataSection(reader) => self.data = Some(reader),
            _ => {}
        }
        Ok(())
    }

    fn instrument(self, plans: &[FunctionPlan], metering: Metering) -> Result<Vec<u8>, InstrumentError> {
        if plans.len() != self.bodies.len() {
            return Err(InstrumentError::Module("the image has another number of functions"));
        }
        let mut indices = Indices { types: self.types.len() as u32 };
        let mut module = Module::new();
        module.section(&types::type_section(&self.types, metering)?);
        module.section(&types::import_section(indices.types));
        let mut functions = FunctionSection::new();
        for ty in &self.functions[HOST_FUNCTIONS as usize..] {
            functions.function(indices.type_index(*ty)?);
        }
        let wrappers = Wrappers::functions(indices.types);
        for (ty, _) in &wrappers {
            functions.function(*ty);
        }
        module.section(&functions);
        let mut tables = TableSection::new();
        for table in &self.tables {
            let mut ty = indices.table_type(table.ty)?;
            let limit = u64::from(TABLE_ENTRIES_MAX);
            ty.maximum = Some(ty.maximum.unwrap_or(limit).min(limit));
            tables.table(ty);
        }
        module.section(&tables);
        if let Some(memory) = self.memory {
            let mut memories = MemorySection::new();
            memories.memory(MemoryType {
                minimum: memory.initial,
                maximum: Some(u64::from(self.memory_pages_max)),
                memory64: false,
                shared: false,
                page_size_log2: None,
            });
            module.section(&memories);
        }
        let mut globals = GlobalSection::new();
        for global in &self.globals {
            indices.parse_global(&mut globals, global.clone())?;
        }
        if metering == Metering::Global {
            let ty = GlobalType { val_type: ValType::I64, mutable: true, shared: false };
            globals.global(ty, &ConstExpr::i64_const(0));
        }
        types::save_globals(&mut globals);
        module.section(&globals);
        module.section(&self.export_section(indices, metering)?);
        if let Some(reader) = self.elements.clone() {
            let mut elements = ElementSection::new();
            indices.parse_element_section(&mut elements, reader)?;
            module.section(&elements);
        }
        if let Some(count) = self.data_count {
            module.section(&DataCountSection { count });
        }
        let (mut code, mut hints) = (CodeSection::new(), BranchHints::new());
        for (index, (body, plan)) in self.bodies.iter().zip(plans).enumerate() {
            let function = HOST_FUNCTIONS + index as u32;
            let body = body::instrument_body(&self, function, body, plan, metering)?;
            code.raw(&body.bytes);
            if !body.hints.is_empty() {
                hints.function_hints(indices.function_index(function)?, body.hints);
            }
        }
        for (_, wrapper) in &wrappers {
            code.function(wrapper);
        }
        // Fuel checks and looks for NaNs hardly ever branch: the compiler moves what they do out of the way.
        module.section(&hints);
        module.section(&code);
        if let Some(reader) = self.data {
            let mut data = DataSection::new();
            indices.parse_data_section(&mut data, reader)?;
            module.section(&data);
        }
        Ok(module.finish())
    }

    /// What the module exports, renamed, beside what the host needs.
    fn export_section(&self, mut indices: Indices, metering: Metering) -> Result<ExportSection, InstrumentError> {
        let mut section = ExportSection::new();
        for export in &self.exports {
            let (kind, index) = match export.kind {
                ExternalKind::Func => (ExportKind::Func, indices.function_index(export.index)?),
                ExternalKind::Global => (ExportKind::Global, export.index),
                _ => continue,
            };
            section.export(&export_name(export.name), kind, index);
        }
        if self.memory.is_some() {
            section.export(MEMORY_EXPORT, ExportKind::Memory, 0);
        }
        if metering == Metering::Global {
            section.export(METER_EXPORT, ExportKind::Global, self.globals.len() as u32);
        }
        Ok(section)
    }
}

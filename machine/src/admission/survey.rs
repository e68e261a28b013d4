//! Reads a module once, from front to back: validates it under given features, holds it to the limits, and notes
//! where everything is.
//!
//! Owns the walk. Work and memory are linear in the module's size: no recursion, and what one byte can multiply (wide
//! signatures, run-length locals, declared counts) is measured before it is expanded. Never decides which features are
//! admitted and never looks at names of imports.

use wasmparser::{
    BinaryReader, DataSectionReader, ElementItems, ElementSectionReader, ExportSectionReader, FuncToValidate, FuncType,
    FuncValidatorAllocations, FunctionBody, GlobalSectionReader, Import, MemoryType, Operator, Parser, Payload,
    TableType, TypeRef, TypeSectionReader, ValType, ValidPayload, Validator, ValidatorResources, WasmFeatures,
};

use super::{AdmissionError, Limit};

/// A valid module, taken apart. Index spaces are the module's own; imports come first in each.
#[derive(Default)]
pub(super) struct Survey<'a> {
    /// The type section. Types that are no functions (they are refused later) stand as `[] -> []`.
    pub types: Vec<FuncType>,
    /// The import section, with byte offsets.
    pub imports: Vec<(usize, Import<'a>)>,
    /// Types of the imported functions, then of the defined ones.
    pub functions: Vec<u32>,
    /// How many of `functions` are imported.
    pub functions_imported: usize,
    pub tables: Vec<TableType>,
    pub memory: Option<MemoryType>,
    pub globals: Option<GlobalSectionReader<'a>>,
    pub globals_count: u32,
    pub exports: Option<ExportSectionReader<'a>>,
    pub start: Option<u32>,
    pub elements: Option<ElementSectionReader<'a>>,
    pub data_count: Option<u32>,
    pub bodies: Vec<FunctionBody<'a>>,
    pub data: Option<DataSectionReader<'a>>,
}

/// Where and why a walk ended early.
pub(super) struct Failure {
    /// Byte offset in the module.
    pub offset: usize,
    pub error: Box<AdmissionError>,
    /// A feature that the validator misses, when it says so.
    pub missing: Option<WasmFeatures>,
    /// How many function bodies had passed by then.
    pub bodies_passed: usize,
}

impl Failure {
    fn limit(offset: usize, error: AdmissionError) -> Self {
        Self { offset, error: Box::new(error), missing: None, bodies_passed: 0 }
    }
}

impl From<wasmparser::Error> for Failure {
    fn from(error: wasmparser::Error) -> Self {
        let (offset, missing) = (error.offset(), error.missing_wasm_feature());
        Self { offset, missing, error: Box::new(error.into()), bodies_passed: 0 }
    }
}

/// Walks `wasm`, which is a core module by its header or malformed.
///
/// The first `bodies_trusted` bodies are not validated again: an earlier walk with fewer features passed them.
pub(super) fn survey(wasm: &[u8], features: WasmFeatures, bodies_trusted: usize) -> Result<Survey<'_>, Failure> {
    walk(wasm, features, bodies_trusted, usize::MAX)
}

/// Whether a walk comes past the byte at `place`. What begins behind it is not looked at.
pub(super) fn passes(wasm: &[u8], features: WasmFeatures, bodies_trusted: usize, place: usize) -> bool {
    match walk(wasm, features, bodies_trusted, place) {
        Ok(_) => true,
        Err(failure) => failure.offset > place,
    }
}

/// Walks up to the first section or body that begins behind `last`.
fn walk(wasm: &[u8], features: WasmFeatures, bodies_trusted: usize, last: usize) -> Result<Survey<'_>, Failure> {
    let mut parser = Parser::new(0);
    parser.set_features(features);
    let mut walk = Walk {
        wasm,
        bodies_trusted,
        validator: Validator::new_with_features(features),
        survey: Survey::default(),
        allocations: FuncValidatorAllocations::default(),
        transferred: 0,
    };
    for payload in parser.parse_all(wasm) {
        if payload.as_ref().is_ok_and(|payload| begin(payload) > last) {
            break;
        }
        let walked = payload.map_err(Failure::from).and_then(|payload| walk.payload(payload));
        walked.map_err(|failure| Failure { bodies_passed: walk.survey.bodies.len(), ..failure })?;
    }
    Ok(walk.survey)
}

/// Where a section's or a body's content begins; 0 for what has none.
fn begin(payload: &Payload<'_>) -> usize {
    match payload {
        Payload::CodeSectionEntry(body) => body.range().start,
        payload => payload.as_section().map_or(0, |(_, range)| range.start),
    }
}

struct Walk<'a> {
    wasm: &'a [u8],
    bodies_trusted: usize,
    validator: Validator,
    survey: Survey<'a>,
    allocations: FuncValidatorAllocations,
    transferred: u64,
}

impl<'a> Walk<'a> {
    fn payload(&mut self, payload: Payload<'a>) -> Result<(), Failure> {
        measure(&payload, self.wasm).map_err(|(offset, error)| Failure::limit(offset, error))?;
        if let ValidPayload::Func(function, body) = self.validator.payload(&payload)? {
            self.body(function, &body)?;
            self.survey.bodies.push(body);
            return Ok(());
        }
        self.note(payload)
    }

    /// Remembers a section that has passed the validator.
    fn note(&mut self, payload: Payload<'a>) -> Result<(), Failure> {
        let survey = &mut self.survey;
        match payload {
            Payload::TypeSection(section) => {
                for group in section {
                    for ty in group?.into_types() {
                        survey.types.push(match ty.composite_type.inner {
                            wasmparser::CompositeInnerType::Func(function) => function,
                            _ => FuncType::new([], []),
                        });
                    }
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports_with_offsets() {
                    let (offset, import) = import?;
                    if let TypeRef::Func(ty) | TypeRef::FuncExact(ty) = import.ty {
                        survey.functions.push(ty);
                    }
                    survey.imports.push((offset, import));
                }
                survey.functions_imported = survey.functions.len();
            }
            Payload::FunctionSection(section) => {
                for ty in section {
                    survey.functions.push(ty?);
                }
            }
            Payload::TableSection(section) => {
                for table in section {
                    survey.tables.push(table?.ty);
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    survey.memory = Some(memory?);
                }
            }
            Payload::GlobalSection(section) => {
                survey.globals_count = section.count();
                survey.globals = Some(section);
            }
            Payload::ExportSection(section) => survey.exports = Some(section),
            Payload::StartSection { func, .. } => survey.start = Some(func),
            Payload::ElementSection(section) => survey.elements = Some(section),
            Payload::DataCountSection { count, .. } => survey.data_count = Some(count),
            Payload::DataSection(section) => survey.data = Some(section),
            _ => {}
        }
        Ok(())
    }

    fn body(&mut self, function: FuncToValidate<ValidatorResources>, body: &FunctionBody<'a>) -> Result<(), Failure> {
        if self.survey.bodies.len() < self.bodies_trusted {
            return Ok(());
        }
        let at = |offset: usize| move |error| Failure::limit(offset, error);
        let signature = self.survey.functions.get(self.survey.functions_imported + self.survey.bodies.len());
        let params = signature.and_then(|&ty| self.survey.types.get(ty as usize)).map_or(0, |ty| ty.params().len());
        Limit::Locals.check(params as u64 + locals(body)).map_err(at(body.range().start))?;

        let mut validator = function.into_validator(std::mem::take(&mut self.allocations));
        let mut reader = body.get_binary_reader();
        validator.read_locals(&mut reader)?;
        let mut operators = wasmparser::OperatorsReader::new(reader);
        while !operators.eof() {
            let (operator, offset) = operators.read_with_offset()?;
            // An operator without an arity has an index that the validator is about to refuse.
            let (taken, left) = operator.operator_arity(&validator).unwrap_or((0, 0));
            let repeated = match &operator {
                Operator::BrTable { targets } => u64::from(targets.len()) + 1,
                _ => 1,
            };
            self.transferred += (u64::from(taken) + u64::from(left)).saturating_sub(4) * repeated;
            Limit::TransferredValues.check(self.transferred).map_err(at(offset))?;
            validator.op(offset, &operator)?;
            Limit::OperandStack.check(validator.operand_stack_height().into()).map_err(at(offset))?;
        }
        operators.finish()?;
        self.allocations = validator.into_allocations();
        Ok(())
    }
}

/// Holds a section to the limits before the validator, which has wider limits of its own, expands it.
fn measure(payload: &Payload<'_>, wasm: &[u8]) -> Result<(), (usize, AdmissionError)> {
    let count = |limit: Limit, count: u32, at: usize| limit.check(count.into()).map_err(|error| (at, error));
    match payload {
        Payload::TypeSection(section) => {
            count(Limit::Types, section.count(), section.range().start)?;
            measure_types(section, wasm).map_err(|error| (section.range().start, error))
        }
        Payload::ImportSection(section) => {
            let start = section.range().start;
            count(Limit::Imports, section.count(), start)?;
            // A malformed import ends the count; the validator is about to say so.
            let memories = section.clone().into_imports().map_while(Result::ok).filter_map(|import| match import.ty {
                TypeRef::Memory(memory) => Some(memory),
                _ => None,
            });
            memories.into_iter().try_for_each(|memory| measure_memory(&memory)).map_err(|error| (start, error))
        }
        Payload::FunctionSection(section) => count(Limit::Functions, section.count(), section.range().start),
        Payload::TableSection(section) => {
            let start = section.range().start;
            count(Limit::Tables, section.count(), start)?;
            for table in section.clone().into_iter().map_while(Result::ok) {
                if !table.ty.table64 {
                    Limit::TableElements.check(table.ty.initial).map_err(|error| (start, error))?;
                }
            }
            Ok(())
        }
        Payload::MemorySection(section) => {
            let mut memories = section.clone().into_iter().map_while(Result::ok);
            memories.try_for_each(|memory| measure_memory(&memory)).map_err(|error| (section.range().start, error))
        }
        Payload::GlobalSection(section) => count(Limit::Globals, section.count(), section.range().start),
        Payload::ExportSection(section) => count(Limit::Exports, section.count(), section.range().start),
        Payload::ElementSection(section) => {
            let start = section.range().start;
            count(Limit::ElementSegments, section.count(), start)?;
            let mut items = 0;
            for element in section.clone().into_iter().map_while(Result::ok) {
                items += u64::from(element_items(&element.items));
                Limit::ElementItems.check(items).map_err(|error| (start, error))?;
            }
            Ok(())
        }
        Payload::DataCountSection { count: segments, range } => count(Limit::DataSegments, *segments, range.start),
        Payload::DataSection(section) => count(Limit::DataSegments, section.count(), section.range().start),
        Payload::CodeSectionEntry(body) => {
            let range = body.range();
            Limit::BodyBytes.check(range.len() as u64).map_err(|error| (range.start, error))
        }
        _ => Ok(()),
    }
}

/// Reads the counts of plain function types by hand, since the reader of types has a smaller notion of "too many".
fn measure_types(section: &TypeSectionReader<'_>, wasm: &[u8]) -> Result<(), AdmissionError> {
    let range = section.range();
    let mut reader = BinaryReader::new(wasm.get(range.clone()).unwrap_or_default(), range.start);
    let mut values = 0;
    let mut walk = || -> Result<Result<(), AdmissionError>, wasmparser::Error> {
        for _ in 0..reader.read_var_u32()? {
            const FUNCTION: u8 = 0x60;
            if reader.read_u8()? != FUNCTION {
                break;
            }
            for limit in [Limit::Params, Limit::Results] {
                let count = reader.read_var_u32()?;
                values += u64::from(count);
                if let Err(error) = limit.check(count.into()).and(Limit::SignatureValues.check(values)) {
                    return Ok(Err(error));
                }
                for _ in 0..count {
                    reader.read::<ValType>()?;
                }
            }
        }
        Ok(Ok(()))
    };
    // What cannot be read is not measured: the validator is about to say what is wrong with it.
    walk().unwrap_or(Ok(()))
}

fn measure_memory(memory: &MemoryType) -> Result<(), AdmissionError> {
    if memory.memory64 || memory.page_size_log2.is_some() {
        return Ok(());
    }
    Limit::MemoryPages.check(memory.initial.max(memory.maximum.unwrap_or(0)))
}

/// How many items a segment declares.
pub(super) fn element_items(items: &ElementItems<'_>) -> u32 {
    match items {
        ElementItems::Functions(functions) => functions.count(),
        ElementItems::Expressions(_, expressions) => expressions.count(),
    }
}

/// How many locals a body declares, parameters not counted; as far as the declarations can be read.
fn locals(body: &FunctionBody<'_>) -> u64 {
    let mut reader = body.get_binary_reader();
    let mut total = 0;
    let mut walk = || -> Result<(), wasmparser::Error> {
        for _ in 0..reader.read_var_u32()? {
            total += u64::from(reader.read_var_u32()?);
            reader.read::<ValType>()?;
        }
        Ok(())
    };
    // A malformed declaration ends the count; the validator is about to say so.
    let _ = walk();
    total
}

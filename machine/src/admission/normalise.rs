//! Writes the normalised module: program and adapters as one, under one numbering.
//!
//! ```text
//! functions   0..4 host imports | the program's own | adapters' | references to host functions | entry
//! types       the program's own | what the others need that is not among them
//! globals     the program's own | adapters'
//! ```
//!
//! Assumes a survey that has passed validation and links that are resolved. Never looks at import names.

use std::collections::BTreeMap;

use wasm_encoder::reencode::{Error as ReencodeError, Reencode, utils};
use wasm_encoder::{
    CodeSection, ConstExpr, DataCountSection, DataSection, ElementSection, Elements, EntityType, ExportKind,
    ExportSection, Function, FunctionSection, GlobalSection, HeapType, Ieee32, Ieee64, ImportSection, Instruction,
    MemorySection, MemoryType, Module, RefType, TableSection, TableType, TypeSection,
};
use wasmparser::{DataKind, ElementItems, ElementKind, ExternalKind, FuncType, FunctionBody};

use super::constant::{Constant, fold, fold_offset};
use super::link::{Linked, Target, describe, host_functions};
use super::survey::{Survey, element_items};
use super::{AdmissionError, Admitted, ENTRY_EXPORT, HOST_FUNCTIONS_COUNT, HOST_MODULE, Limit, Mode, START_EXPORT};

const PAGE_BYTES: u64 = 65536;
const EXIT: u32 = HOST_FUNCTIONS_COUNT - 1;

/// Writes the module and returns it with the index of its entry function.
pub(super) fn normalise(linked: &Linked<'_>, mode: Mode) -> Result<Admitted, AdmissionError> {
    let start_export = match mode {
        Mode::Program => Some(start_export(&linked.program)?),
        Mode::Library => None,
    };
    let mut writer = Writer::new(linked)?;
    let globals = writer.globals(linked)?;
    let (mut exports, entry_name_taken) = writer.exports(&linked.program, mode)?;
    let mut elements = writer.elements(&linked.program)?;
    let mut code = writer.code(linked)?;
    writer.wrappers(&mut code);
    writer.declare(&mut elements);
    let entry_function = writer.entry(&mut code, linked.program.start, start_export);
    if !entry_name_taken {
        exports.export(ENTRY_EXPORT, ExportKind::Func, entry_function);
    }

    let (tables, data) = (tables(&linked.program), data(&linked.program)?);
    let mut module = Module::new();
    module.section(&writer.types.section).section(&writer.imports).section(&writer.functions);
    if !tables.is_empty() {
        module.section(&tables);
    }
    module.section(&memory(&linked.program));
    if !globals.is_empty() {
        module.section(&globals);
    }
    if !exports.is_empty() {
        module.section(&exports);
    }
    if !elements.is_empty() {
        module.section(&elements);
    }
    // The validator has compared it with the data section, and asked for it where bodies name segments.
    if let Some(count) = linked.program.data_count {
        module.section(&DataCountSection { count });
    }
    module.section(&code);
    if !data.is_empty() {
        module.section(&data);
    }
    Ok(Admitted { module: module.finish(), entry_function })
}

/// The function that a program exports as `_start`, checked.
fn start_export(program: &Survey<'_>) -> Result<u32, AdmissionError> {
    for export in program.exports.clone().into_iter().flatten() {
        let export = export?;
        if export.name != START_EXPORT {
            continue;
        }
        let got = match export.kind {
            ExternalKind::Func | ExternalKind::FuncExact => {
                let ty = &program.types[program.functions[export.index as usize] as usize];
                let wanted = FuncType::new([], []);
                if *ty == wanted {
                    return Ok(export.index);
                }
                return Err(AdmissionError::StartSignature { got: describe(ty), wanted: describe(&wanted) });
            }
            ExternalKind::Table => "a table",
            ExternalKind::Memory => "a memory",
            ExternalKind::Global => "a global",
            ExternalKind::Tag => "a tag",
        };
        return Err(AdmissionError::StartMissing { got });
    }
    Err(AdmissionError::StartMissing { got: "no export of that name" })
}

/// The type section as it grows, and where each signature stands in it.
struct Types {
    section: TypeSection,
    known: BTreeMap<FuncType, u32>,
}

impl Types {
    /// The program's types keep their indices, duplicates included.
    fn new(program: &[FuncType]) -> Self {
        let mut types = Self { section: TypeSection::new(), known: BTreeMap::new() };
        for ty in program {
            let index = types.push(ty);
            types.known.entry(ty.clone()).or_insert(index);
        }
        types
    }

    fn intern(&mut self, ty: &FuncType) -> u32 {
        if let Some(&index) = self.known.get(ty) {
            return index;
        }
        let index = self.push(ty);
        self.known.insert(ty.clone(), index);
        index
    }

    fn push(&mut self, ty: &FuncType) -> u32 {
        let convert = |types: &[wasmparser::ValType]| types.iter().map(|&ty| value_type(ty)).collect::<Vec<_>>();
        self.section.ty().function(convert(ty.params()), convert(ty.results()));
        self.section.len() - 1
    }
}

/// How the indices of one input module read in the normalised one.
struct Renumbering {
    types: Vec<u32>,
    functions: Vec<u32>,
    globals: Vec<u32>,
}

struct Writer {
    types: Types,
    imports: ImportSection,
    functions: FunctionSection,
    program: Renumbering,
    adapters: Vec<Renumbering>,
    /// The function through which each host function is referred to, once it is.
    wrappers: [Option<u32>; HOST_FUNCTIONS_COUNT as usize],
    /// Host functions in the order in which their wrappers are numbered.
    wrapped: Vec<u32>,
    /// The types of the host functions.
    host_types: [u32; HOST_FUNCTIONS_COUNT as usize],
    /// Functions that bodies refer to, and functions that something outside of bodies refers to, by new index.
    referred: Vec<bool>,
    declared: Vec<bool>,
}

impl Writer {
    fn new(linked: &Linked<'_>) -> Result<Self, AdmissionError> {
        let program = &linked.program;
        let mut types = Types::new(&program.types);
        let (mut imports, mut functions) = (ImportSection::new(), FunctionSection::new());
        let host_types = host_functions().map(|(name, ty)| {
            let ty = types.intern(&ty);
            imports.import(HOST_MODULE, name, EntityType::Function(ty));
            ty
        });

        let mut next_function = HOST_FUNCTIONS_COUNT;
        let mut next_global = program.globals_count;
        let own: Vec<u32> = program.functions[program.functions_imported..].to_vec();
        let own_first = next_function;
        for &ty in &own {
            functions.function(ty);
            next_function += 1;
        }
        let mut adapters = Vec::new();
        for adapter in &linked.adapters {
            let survey = &adapter.survey;
            let adapter_types: Vec<u32> = survey.types.iter().map(|ty| types.intern(ty)).collect();
            // What is not reached has no number; nothing that is written refers to it.
            let mut renumbering = Renumbering {
                functions: vec![u32::MAX; survey.functions.len()],
                globals: vec![u32::MAX; survey.globals_count as usize],
                types: adapter_types,
            };
            for function in 0..survey.functions_imported as u32 {
                renumbering.functions[function as usize] = adapter.host(function).unwrap_or(u32::MAX);
            }
            for &function in &adapter.reached_functions {
                functions.function(renumbering.types[survey.functions[function as usize] as usize]);
                renumbering.functions[function as usize] = next_function;
                next_function += 1;
            }
            for &global in &adapter.reached_globals {
                renumbering.globals[global as usize] = next_global;
                next_global += 1;
            }
            adapters.push(renumbering);
        }
        let imported = linked.targets.iter().map(|target| match *target {
            Target::Host(index) => index,
            Target::Adapter { adapter, function } => adapters[adapter].functions[function as usize],
        });
        let program = Renumbering {
            types: (0..program.types.len() as u32).collect(),
            functions: imported.chain((own_first..).take(own.len())).collect(),
            globals: (0..program.globals_count).collect(),
        };
        let count = (next_function + HOST_FUNCTIONS_COUNT) as usize;
        Ok(Self {
            types,
            imports,
            functions,
            program,
            adapters,
            wrappers: [None; HOST_FUNCTIONS_COUNT as usize],
            wrapped: Vec::new(),
            host_types,
            referred: vec![false; count],
            declared: vec![false; count],
        })
    }

    /// The index that a reference to a function of the program has: never that of an import.
    fn reference(&mut self, function: u32) -> u32 {
        let function = self.program.functions[function as usize];
        let Some(wrapper) = self.wrappers.get(function as usize).copied() else { return function };
        if let Some(wrapper) = wrapper {
            return wrapper;
        }
        let index = HOST_FUNCTIONS_COUNT + self.functions.len();
        self.functions.function(self.host_types[function as usize]);
        self.wrappers[function as usize] = Some(index);
        self.wrapped.push(function);
        index
    }

    /// A constant of the program that stands outside of bodies.
    fn constant(&mut self, constant: Constant) -> ConstExpr {
        match constant {
            Constant::I32(value) => ConstExpr::i32_const(value),
            Constant::I64(value) => ConstExpr::i64_const(value),
            Constant::F32(bits) => ConstExpr::f32_const(Ieee32::new(bits)),
            Constant::F64(bits) => ConstExpr::f64_const(Ieee64::new(bits)),
            Constant::Null => ConstExpr::ref_null(HeapType::FUNC),
            Constant::Function(function) => {
                let function = self.reference(function);
                self.declared[function as usize] = true;
                ConstExpr::ref_func(function)
            }
        }
    }

    fn globals(&mut self, linked: &Linked<'_>) -> Result<GlobalSection, AdmissionError> {
        let mut section = GlobalSection::new();
        for global in linked.program.globals.clone().into_iter().flatten() {
            let global = global?;
            let value = fold(&global.init_expr)?;
            section.global(global_type(global.ty), &self.constant(value));
        }
        for adapter in &linked.adapters {
            for (global, index) in adapter.survey.globals.clone().into_iter().flatten().zip(0..) {
                let global = global?;
                if !adapter.reached_globals.contains(&index) {
                    continue;
                }
                let value = fold(&global.init_expr)?;
                if let Constant::Function(_) = value {
                    let message = "wanted functions that are only called".into();
                    return Err(AdmissionError::Adapter { module: adapter.module.into(), message });
                }
                section.global(global_type(global.ty), &self.constant(value));
            }
        }
        Ok(section)
    }

    /// The exports that stay, and whether one of them has the entry's name.
    fn exports(&mut self, program: &Survey<'_>, mode: Mode) -> Result<(ExportSection, bool), AdmissionError> {
        let (mut section, mut entry_name_taken) = (ExportSection::new(), false);
        if mode == Mode::Program {
            section.export("memory", ExportKind::Memory, 0);
            return Ok((section, entry_name_taken));
        }
        for export in program.exports.clone().into_iter().flatten() {
            let export = export?;
            entry_name_taken |= export.name == ENTRY_EXPORT;
            match export.kind {
                ExternalKind::Func | ExternalKind::FuncExact => {
                    let function = self.reference(export.index);
                    self.declared[function as usize] = true;
                    section.export(export.name, ExportKind::Func, function);
                }
                ExternalKind::Table => drop(section.export(export.name, ExportKind::Table, export.index)),
                ExternalKind::Memory => drop(section.export(export.name, ExportKind::Memory, export.index)),
                ExternalKind::Global => drop(section.export(export.name, ExportKind::Global, export.index)),
                ExternalKind::Tag => {}
            }
        }
        Ok((section, entry_name_taken))
    }

    fn elements(&mut self, program: &Survey<'_>) -> Result<ElementSection, AdmissionError> {
        let mut section = ElementSection::new();
        for (element, segment) in program.elements.clone().into_iter().flatten().zip(0..) {
            let element = element?;
            let count = element_items(&element.items);
            let items = self.element_items(element.items)?;
            match element.kind {
                ElementKind::Passive => section.passive(items),
                ElementKind::Declared => section.declared(items),
                ElementKind::Active { table_index, offset_expr } => {
                    let offset = fold_offset(&offset_expr)?;
                    let table = table_index.unwrap_or(0);
                    let wanted = program.tables[table as usize].initial;
                    let got = u64::from(offset) + u64::from(count);
                    if got > wanted {
                        return Err(AdmissionError::ElementsOutOfBounds { segment, got, wanted });
                    }
                    // Table 0 has a shorter encoding of its own; one meaning, one encoding.
                    let table = (table != 0).then_some(table);
                    section.active(table, &ConstExpr::i32_const(offset.cast_signed()), items)
                }
            };
        }
        Ok(section)
    }

    fn element_items(&mut self, items: ElementItems<'_>) -> Result<Elements<'static>, AdmissionError> {
        Ok(match items {
            ElementItems::Functions(functions) => {
                let mut references = Vec::new();
                for function in functions {
                    let function = self.reference(function?);
                    self.declared[function as usize] = true;
                    references.push(function);
                }
                Elements::Functions(references.into())
            }
            ElementItems::Expressions(_, expressions) => {
                let mut constants = Vec::new();
                for expression in expressions {
                    let value = fold(&expression?)?;
                    constants.push(self.constant(value));
                }
                Elements::Expressions(RefType::FUNCREF, constants.into())
            }
        })
    }

    fn code(&mut self, linked: &Linked<'_>) -> Result<CodeSection, AdmissionError> {
        let mut section = CodeSection::new();
        for body in &linked.program.bodies {
            section.function(&BodyWriter { writer: self, adapter: None }.body(body)?);
        }
        for (place, adapter) in linked.adapters.iter().enumerate() {
            for &function in &adapter.reached_functions {
                let body = &adapter.survey.bodies[function as usize - adapter.survey.functions_imported];
                section.function(&BodyWriter { writer: self, adapter: Some(place) }.body(body)?);
            }
        }
        Ok(section)
    }

    /// The bodies of the wrappers: all parameters on, call, return what comes.
    fn wrappers(&self, code: &mut CodeSection) {
        let hosts = host_functions();
        for &host in &self.wrapped {
            let mut function = Function::new([]);
            for param in 0..hosts[host as usize].1.params().len() as u32 {
                function.instruction(&Instruction::LocalGet(param));
            }
            function.instruction(&Instruction::Call(host)).instruction(&Instruction::End);
            code.function(&function);
        }
    }

    /// Bodies may only refer to functions that something outside of bodies mentions. What only a dropped export
    /// mentioned is mentioned here instead, in a segment behind all others.
    fn declare(&self, elements: &mut ElementSection) {
        let both = self.referred.iter().zip(&self.declared).zip(0..);
        let undeclared: Vec<u32> =
            both.filter(|((referred, declared), _)| **referred && !**declared).map(|(_, index)| index).collect();
        if !undeclared.is_empty() {
            elements.declared(Elements::Functions(undeclared.into()));
        }
    }

    fn entry(&mut self, code: &mut CodeSection, start: Option<u32>, start_export: Option<u32>) -> u32 {
        let index = HOST_FUNCTIONS_COUNT + self.functions.len();
        let ty = self.types.intern(&FuncType::new([], []));
        self.functions.function(ty);
        let mut function = Function::new([]);
        for called in [start, start_export].into_iter().flatten() {
            function.instruction(&Instruction::Call(self.program.functions[called as usize]));
        }
        function.instruction(&Instruction::I32Const(0)).instruction(&Instruction::Call(EXIT));
        function.instruction(&Instruction::End);
        code.function(&function);
        index
    }
}

/// Rewrites one body: every index by its module's renumbering, everything else as it is.
struct BodyWriter<'w> {
    writer: &'w mut Writer,
    /// The place of the adapter that the body is from, `None` for the program.
    adapter: Option<usize>,
}

impl BodyWriter<'_> {
    fn body(&mut self, body: &FunctionBody<'_>) -> Result<Function, AdmissionError> {
        let mut function = self.new_function_with_parsed_locals(body).map_err(unreadable)?;
        let mut reader = body.get_operators_reader()?;
        while !reader.eof() {
            function.instruction(&self.parse_instruction(&mut reader).map_err(unreadable)?);
        }
        Ok(function)
    }

    fn renumbering(&self) -> &Renumbering {
        self.adapter.map_or(&self.writer.program, |adapter| &self.writer.adapters[adapter])
    }
}

type Infallible = ReencodeError<std::convert::Infallible>;

impl Reencode for BodyWriter<'_> {
    type Error = std::convert::Infallible;

    /// Reached for calls only: references are taken out in [`Self::instruction`].
    fn function_index(&mut self, function: u32) -> Result<u32, Infallible> {
        Ok(self.renumbering().functions[function as usize])
    }

    fn type_index(&mut self, ty: u32) -> Result<u32, Infallible> {
        Ok(self.renumbering().types[ty as usize])
    }

    fn global_index(&mut self, global: u32) -> Result<u32, Infallible> {
        Ok(self.renumbering().globals[global as usize])
    }

    fn instruction<'a>(&mut self, operator: wasmparser::Operator<'a>) -> Result<Instruction<'a>, Infallible> {
        // Adapters hold no references: linking has refused them.
        if let wasmparser::Operator::RefFunc { function_index } = operator {
            let function = self.writer.reference(function_index);
            self.writer.referred[function as usize] = true;
            return Ok(Instruction::RefFunc(function));
        }
        utils::instruction(self, operator)
    }
}

/// A validated body is readable; should the two readers ever disagree, the module is refused rather than miswritten.
fn unreadable(error: Infallible) -> AdmissionError {
    match error {
        ReencodeError::ParseError(error) => error.into(),
        other => AdmissionError::Invalid { offset: 0, message: other.to_string() },
    }
}

/// Tables with their effective maximum: growing past it fails, as it may by the specification.
fn tables(program: &Survey<'_>) -> TableSection {
    let mut section = TableSection::new();
    for table in &program.tables {
        let maximum = table.maximum.unwrap_or(u64::MAX).min(Limit::TableElements.max());
        section.table(TableType {
            element_type: RefType::FUNCREF,
            table64: false,
            minimum: table.initial,
            maximum: Some(maximum),
            shared: false,
        });
    }
    section
}

/// The one memory, with its effective maximum; an empty one that cannot grow where the program has none.
fn memory(program: &Survey<'_>) -> MemorySection {
    let (minimum, maximum) =
        program.memory.map_or((0, 0), |memory| (memory.initial, memory.maximum.unwrap_or(Limit::MemoryPages.max())));
    let mut section = MemorySection::new();
    section.memory(MemoryType {
        minimum,
        maximum: Some(maximum),
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    section
}

fn data(program: &Survey<'_>) -> Result<DataSection, AdmissionError> {
    let wanted = program.memory.map_or(0, |memory| memory.initial * PAGE_BYTES);
    let mut section = DataSection::new();
    for (datum, segment) in program.data.clone().into_iter().flatten().zip(0..) {
        let datum = datum?;
        let bytes = datum.data.iter().copied();
        match datum.kind {
            DataKind::Passive => section.passive(bytes),
            DataKind::Active { memory_index, offset_expr } => {
                let offset = fold_offset(&offset_expr)?;
                let got = u64::from(offset) + datum.data.len() as u64;
                if got > wanted {
                    return Err(AdmissionError::DataOutOfBounds { segment, got, wanted });
                }
                section.active(memory_index, &ConstExpr::i32_const(offset.cast_signed()), bytes)
            }
        };
    }
    Ok(section)
}

fn global_type(ty: wasmparser::GlobalType) -> wasm_encoder::GlobalType {
    wasm_encoder::GlobalType { val_type: value_type(ty.content_type), mutable: ty.mutable, shared: false }
}

fn value_type(ty: wasmparser::ValType) -> wasm_encoder::ValType {
    match ty {
        wasmparser::ValType::I32 => wasm_encoder::ValType::I32,
        wasmparser::ValType::I64 => wasm_encoder::ValType::I64,
        wasmparser::ValType::F32 => wasm_encoder::ValType::F32,
        wasmparser::ValType::F64 => wasm_encoder::ValType::F64,
        wasmparser::ValType::V128 => wasm_encoder::ValType::V128,
        // Admission knows one reference type.
        wasmparser::ValType::Ref(_) => wasm_encoder::ValType::FUNCREF,
    }
}

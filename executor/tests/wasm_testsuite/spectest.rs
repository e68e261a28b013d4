//! The suite's host module: its functions as a module to link in, its state as definitions of the module that imports it.
//!
//! The machine runs one module, which imports functions only. [`defined`] writes a module anew with the globals, the memory
//! and the table of `spectest` as its own, before those that it defines itself, so that every index stays as it was.
//! Assumes a module that is valid and admitted but for imported state. Never asks whether another module of the script
//! would see the memory or the table that is no longer shared: [`crate::sharing`] does.

use std::convert::Infallible;

use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{ConstExpr, Encode, Instruction, Module, SectionId};
use wasmparser::{Import, Operator, Parser, Payload, TypeRef, ValType};

/// The name under which it is imported from.
pub const NAME: &str = "spectest";
/// Its functions: prints drop what they are given.
pub const FUNCTIONS: &str = r#"(module
    (func (export "print"))
    (func (export "print_i32") (param i32))
    (func (export "print_i64") (param i64))
    (func (export "print_f32") (param f32))
    (func (export "print_f64") (param f64))
    (func (export "print_i32_f32") (param i32 f32))
    (func (export "print_f64_f64") (param f64 f64)))"#;

/// What its integer globals hold.
pub const NUMBER: i32 = 666;
/// Initial and maximum elements of its table.
const TABLE: (u64, u64) = (10, 20);
/// Initial and maximum pages of its memory.
const MEMORY: (u64, u64) = (1, 2);

/// One of its globals, none of which is mutable.
fn global(name: &str) -> Option<(ValType, Instruction<'static>)> {
    Some(match name {
        "global_i32" => (ValType::I32, Instruction::I32Const(NUMBER)),
        "global_i64" => (ValType::I64, Instruction::I64Const(NUMBER.into())),
        "global_f32" => (ValType::F32, Instruction::F32Const(666.6_f32.into())),
        "global_f64" => (ValType::F64, Instruction::F64Const(666.6_f64.into())),
        _ => return None,
    })
}

/// Whether this is the name of a part of its state.
pub fn is_state(name: &str) -> bool {
    name == "table" || name == "memory" || global(name).is_some()
}

/// The imports of a module that are no functions.
pub fn state_imports(wasm: &[u8]) -> Vec<Import<'_>> {
    let mut state = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        let Ok(Payload::ImportSection(imports)) = payload else { continue };
        let imports = imports.into_imports().map_while(Result::ok);
        state.extend(imports.filter(|import| !matches!(import.ty, TypeRef::Func(_) | TypeRef::FuncExact(_))));
    }
    state
}

/// Whether an import is a part of its state, as it is asked for.
fn offers(import: &Import<'_>) -> bool {
    let fits = |(initial, maximum), least: u64, most: Option<u64>| {
        least <= initial && most.is_none_or(|most: u64| maximum <= most)
    };
    import.module == NAME
        && match import.ty {
            TypeRef::Global(ty) => {
                !ty.mutable && !ty.shared && global(import.name).is_some_and(|(known, _)| known == ty.content_type)
            }
            TypeRef::Table(ty) => {
                let is_plain = ty.element_type == wasmparser::RefType::FUNCREF && !ty.table64 && !ty.shared;
                import.name == "table" && is_plain && fits(TABLE, ty.initial, ty.maximum)
            }
            TypeRef::Memory(ty) => {
                let is_plain = !ty.memory64 && !ty.shared && ty.page_size_log2.is_none();
                import.name == "memory" && is_plain && fits(MEMORY, ty.initial, ty.maximum)
            }
            _ => false,
        }
}

/// The module with the state that it imports as its own. None if it imports state that is not `spectest`'s or is not as
/// it asks for, or the table twice, under two indices.
pub fn defined(wasm: &[u8]) -> Option<Vec<u8>> {
    let state = state_imports(wasm);
    let count = |name: &str| state.iter().filter(|import| import.name == name).count();
    let (tables, memories) = (count("table"), count("memory"));
    if !state.iter().all(offers) || tables > 1 || memories > 1 {
        return None;
    }
    let globals: Vec<_> = state.iter().filter_map(|import| global(import.name)).collect();
    let has_globals = !globals.is_empty();
    let mut definitions = Definitions { globals, has_globals, has_table: tables > 0, has_memory: memories > 0 };
    let mut module = Module::new();
    definitions.parse_core_module(&mut module, Parser::new(0), wasm).expect("the module is valid");
    Some(module.finish())
}

/// Writes a module anew, with these definitions. What is still to be written is marked.
struct Definitions {
    globals: Vec<(ValType, Instruction<'static>)>,
    has_globals: bool,
    has_table: bool,
    has_memory: bool,
}

impl Definitions {
    fn define_table(&mut self, section: &mut wasm_encoder::TableSection) {
        if std::mem::take(&mut self.has_table) {
            let (minimum, maximum) = (TABLE.0, Some(TABLE.1));
            let element_type = wasm_encoder::RefType::FUNCREF;
            section.table(wasm_encoder::TableType { element_type, table64: false, minimum, maximum, shared: false });
        }
    }

    fn define_memory(&mut self, section: &mut wasm_encoder::MemorySection) {
        if std::mem::take(&mut self.has_memory) {
            let (minimum, maximum) = (MEMORY.0, Some(MEMORY.1));
            let (memory64, shared, page_size_log2) = (false, false, None);
            section.memory(wasm_encoder::MemoryType { minimum, maximum, memory64, shared, page_size_log2 });
        }
    }

    fn define_globals(&mut self, section: &mut wasm_encoder::GlobalSection) {
        if std::mem::take(&mut self.has_globals) {
            for (ty, value) in &self.globals {
                let val_type = (*ty).try_into().expect("a number type");
                let ty = wasm_encoder::GlobalType { val_type, mutable: false, shared: false };
                section.global(ty, &ConstExpr::extended([value.clone()]));
            }
        }
    }
}

type Written<T> = Result<T, Error<Infallible>>;

impl Reencode for Definitions {
    type Error = Infallible;

    fn parse_import_section(
        &mut self,
        imports: &mut wasm_encoder::ImportSection,
        section: wasmparser::ImportSectionReader<'_>,
    ) -> Written<()> {
        for import in section.into_imports() {
            let import = import?;
            if matches!(import.ty, TypeRef::Func(_)) {
                self.parse_import(imports, import)?;
            }
        }
        Ok(())
    }

    fn parse_table_section(
        &mut self,
        tables: &mut wasm_encoder::TableSection,
        section: wasmparser::TableSectionReader<'_>,
    ) -> Written<()> {
        self.define_table(tables);
        utils::parse_table_section(self, tables, section)
    }

    fn parse_memory_section(
        &mut self,
        memories: &mut wasm_encoder::MemorySection,
        section: wasmparser::MemorySectionReader<'_>,
    ) -> Written<()> {
        self.define_memory(memories);
        utils::parse_memory_section(self, memories, section)
    }

    fn parse_global_section(
        &mut self,
        globals: &mut wasm_encoder::GlobalSection,
        section: wasmparser::GlobalSectionReader<'_>,
    ) -> Written<()> {
        self.define_globals(globals);
        utils::parse_global_section(self, globals, section)
    }

    /// Writes the sections that the module does not have. They are in the order of their numbers.
    fn intersperse_section_hook(
        &mut self,
        module: &mut Module,
        _: Option<SectionId>,
        before: Option<SectionId>,
    ) -> Written<()> {
        let is_missing = |id: SectionId| before.is_none_or(|before| before > id);
        if self.has_table && is_missing(SectionId::Table) {
            let mut section = wasm_encoder::TableSection::new();
            self.define_table(&mut section);
            module.section(&section);
        }
        if self.has_memory && is_missing(SectionId::Memory) {
            let mut section = wasm_encoder::MemorySection::new();
            self.define_memory(&mut section);
            module.section(&section);
        }
        if self.has_globals && is_missing(SectionId::Global) {
            let mut section = wasm_encoder::GlobalSection::new();
            self.define_globals(&mut section);
            module.section(&section);
        }
        Ok(())
    }

    /// A constant expression may read an imported global, and no defined one: it gets the value itself.
    fn const_expr(&mut self, expression: wasmparser::ConstExpr<'_>) -> Written<ConstExpr> {
        let (mut reader, mut bytes) = (expression.get_operators_reader(), Vec::new());
        while !reader.is_end_then_eof() {
            let operator = reader.read()?;
            let value = match operator {
                Operator::GlobalGet { global_index } => self.globals.get(global_index as usize),
                _ => None,
            };
            match value {
                Some((_, value)) => value.encode(&mut bytes),
                None => self.instruction(operator)?.encode(&mut bytes),
            }
        }
        Ok(ConstExpr::raw(bytes))
    }
}

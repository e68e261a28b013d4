//! The driver: what makes a program of a generated module, and shows what the module does.
//!
//! ```text
//! _start: read the input to address 0
//!         for each function: arguments from memory, call, results to memory, globals to memory, write 1 KiB of memory out
//!         write the first 8 KiB of memory out, and the sizes of memory and tables
//! ```
//!
//! So whatever a trap or exhaustion leaves unseen is one call at most. The driver also puts funcref for externref,
//! which leaves the module valid: no operator but `ref.null` makes an externref.

use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{
    AbstractHeapType, CodeSection, ExportKind, ExportSection, Function as Body, FunctionSection, Instruction, MemArg,
    TypeSection, ValType,
};
use wasmparser::{
    CodeSectionReader, ExportSectionReader, ExternalKind, FunctionBody, FunctionSectionReader, GlobalType, Parser,
    Payload, TypeRef, TypeSectionReader,
};

use crate::Random;

/// Indices of host functions: the shape's imports in order.
const INPUT_READ: u32 = 1;
const OUTPUT_WRITE: u32 = 2;
/// Where results and globals go, above what the driver passes as arguments, and sizes.
const RESULTS: u64 = 256;
const GLOBALS: u64 = 512;
const SIZES: u64 = 1000;
/// Globals and tables that are shown.
const GLOBALS_MAX: usize = 48;
const TABLES_MAX: u32 = 4;
/// The driver's locals: results on their way from the stack to memory.
const SCRATCH: [ValType; 4] = [ValType::I32, ValType::I64, ValType::F32, ValType::F64];
/// Bytes written after each call, and at the end.
const BETWEEN: i32 = 1024;
const AT_END: i32 = 8192;

/// An exported function, named by its place in the list.
pub struct Function {
    pub params: Vec<ValType>,
    pub results: Vec<ValType>,
}

/// How a module is driven.
pub struct Driving {
    /// The counter that the module ends by, set anew before each call.
    pub rounds: Option<Rounds>,
    /// Whether `unreachable` becomes a return of zeros.
    pub returns: bool,
}

/// A global that counts the module's loops and calls down.
pub struct Rounds {
    pub global: u32,
    pub count: u32,
}

/// Adds the driver to a module; none if the module can't be read.
pub fn drive(wasm: &[u8], functions: &[Function], how: Driving, random: &mut Random) -> Option<Vec<u8>> {
    let mut driver = Driver::read(wasm, how)?;
    driver.write(functions, random)?;
    let mut module = wasm_encoder::Module::new();
    driver.parse_core_module(&mut module, Parser::new(0), wasm).ok()?;
    Some(module.finish())
}

struct Driver {
    how: Driving,
    /// Result types by type index.
    types: Vec<Vec<ValType>>,
    functions: u32,
    /// Type index by index of a function that is not imported.
    bodies: Vec<u32>,
    /// Bodies that have been written.
    written: usize,
    tables: u32,
    globals: Vec<GlobalType>,
    /// Function index by export name.
    exports: Vec<(String, u32)>,
    body: Body,
}

impl Driver {
    /// Counts what the module has.
    fn read(wasm: &[u8], how: Driving) -> Option<Self> {
        let mut driver = Self {
            how,
            types: Vec::new(),
            functions: 0,
            bodies: Vec::new(),
            written: 0,
            tables: 0,
            globals: Vec::new(),
            exports: Vec::new(),
            body: Body::new(SCRATCH.map(|ty| (1, ty))),
        };
        for payload in Parser::new(0).parse_all(wasm) {
            match payload.ok()? {
                Payload::TypeSection(reader) => {
                    for ty in reader.into_iter_err_on_gc_types() {
                        let ty = ty.ok()?;
                        let results = ty.results().iter().map(|ty| driver.val_type(*ty).ok()).collect::<Option<_>>()?;
                        driver.types.push(results);
                    }
                }
                Payload::ImportSection(reader) => {
                    let functions = reader.into_imports().flatten().filter(|i| matches!(i.ty, TypeRef::Func(_)));
                    driver.functions += functions.count() as u32;
                }
                Payload::FunctionSection(reader) => {
                    driver.functions += reader.count();
                    driver.bodies = reader.into_iter().flatten().collect();
                }
                Payload::TableSection(reader) => driver.tables = reader.count(),
                Payload::GlobalSection(reader) => {
                    driver.globals = reader.into_iter().flatten().map(|global| global.ty).collect();
                }
                Payload::ExportSection(reader) => {
                    let functions = reader.into_iter().flatten().filter(|export| export.kind == ExternalKind::Func);
                    driver.exports = functions.map(|export| (export.name.to_owned(), export.index)).collect();
                }
                _ => {}
            }
        }
        Some(driver)
    }

    /// Writes `_start`; none if the module lacks a function.
    fn write(&mut self, functions: &[Function], random: &mut Random) -> Option<()> {
        // The input, or as much of it as there is room for.
        self.body.instructions().i32_const(0).i64_const(0).i32_const(RESULTS as i32).call(INPUT_READ).drop();
        for (at, function) in functions.iter().enumerate() {
            let name = at.to_string();
            let (_, index) = *self.exports.iter().find(|(export, _)| *export == name)?;
            if let Some(Rounds { global, count }) = self.how.rounds {
                self.body.instructions().i32_const(count as i32).global_set(global);
            }
            for ty in &function.params {
                let offset = random.below(RESULTS as usize - 8) as u64;
                self.body.instructions().i32_const(0);
                self.load(*ty, offset);
            }
            self.body.instructions().call(index);
            for (place, ty) in function.results.iter().enumerate().rev() {
                let scratch = SCRATCH.iter().position(|other| other == ty)? as u32;
                self.body.instructions().local_set(scratch).i32_const(0).local_get(scratch);
                self.store(*ty, RESULTS + 8 * place as u64);
            }
            self.store_globals();
            self.write_out(BETWEEN);
        }
        self.body.instructions().i32_const(0).memory_size(0);
        self.store(ValType::I32, SIZES);
        for table in 0..self.tables.min(TABLES_MAX) {
            self.body.instructions().i32_const(0).table_size(table);
            self.store(ValType::I32, SIZES + 4 + 4 * u64::from(table));
        }
        self.write_out(AT_END);
        self.body.instructions().end();
        Some(())
    }

    /// Numbers by their bits, references by whether they are null.
    fn store_globals(&mut self) {
        for (place, global) in self.globals.clone().iter().enumerate().take(GLOBALS_MAX) {
            let offset = GLOBALS + 8 * place as u64;
            self.body.instructions().i32_const(0).global_get(place as u32);
            let ty = match global.content_type {
                wasmparser::ValType::I64 => ValType::I64,
                wasmparser::ValType::F32 => ValType::F32,
                wasmparser::ValType::F64 => ValType::F64,
                wasmparser::ValType::Ref(_) => {
                    self.body.instructions().ref_is_null();
                    ValType::I32
                }
                _ => ValType::I32,
            };
            self.store(ty, offset);
        }
    }

    fn load(&mut self, ty: ValType, offset: u64) {
        let at = MemArg { offset, align: 0, memory_index: 0 };
        match ty {
            ValType::I64 => self.body.instructions().i64_load(at),
            ValType::F32 => self.body.instructions().f32_load(at),
            ValType::F64 => self.body.instructions().f64_load(at),
            _ => self.body.instructions().i32_load(at),
        };
    }

    fn store(&mut self, ty: ValType, offset: u64) {
        let at = MemArg { offset, align: 0, memory_index: 0 };
        match ty {
            ValType::I64 => self.body.instructions().i64_store(at),
            ValType::F32 => self.body.instructions().f32_store(at),
            ValType::F64 => self.body.instructions().f64_store(at),
            _ => self.body.instructions().i32_store(at),
        };
    }

    fn write_out(&mut self, bytes: i32) {
        self.body.instructions().i32_const(0).i32_const(bytes).call(OUTPUT_WRITE);
    }
}

type Result = core::result::Result<(), Error>;

impl Reencode for Driver {
    type Error = core::convert::Infallible;

    fn abstract_heap_type(
        &mut self,
        ty: wasmparser::AbstractHeapType,
    ) -> core::result::Result<AbstractHeapType, Error> {
        let ty = utils::abstract_heap_type(self, ty);
        Ok(if ty == AbstractHeapType::Extern { AbstractHeapType::Func } else { ty })
    }

    fn parse_type_section(&mut self, types: &mut TypeSection, section: TypeSectionReader<'_>) -> Result {
        utils::parse_type_section(self, types, section)?;
        types.ty().function([], []);
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Result {
        utils::parse_function_section(self, functions, section)?;
        functions.function(self.types.len() as u32);
        Ok(())
    }

    fn parse_export_section(&mut self, exports: &mut ExportSection, section: ExportSectionReader<'_>) -> Result {
        utils::parse_export_section(self, exports, section)?;
        exports.export("_start", ExportKind::Func, self.functions);
        Ok(())
    }

    fn parse_function_body(&mut self, code: &mut CodeSection, body: FunctionBody<'_>) -> Result {
        let mut function = self.new_function_with_parsed_locals(&body)?;
        let results = self.bodies.get(self.written).and_then(|ty| self.types.get(*ty as usize)).cloned();
        self.written += 1;
        let mut reader = body.get_operators_reader()?;
        while !reader.eof() {
            let instruction = self.parse_instruction(&mut reader)?;
            match (&instruction, &results) {
                (Instruction::Unreachable, Some(results)) if self.how.returns => {
                    results.iter().for_each(|ty| zero(&mut function, *ty));
                    function.instructions().return_();
                }
                _ => {
                    function.instruction(&instruction);
                }
            }
        }
        code.function(&function);
        Ok(())
    }

    fn parse_code_section(&mut self, code: &mut CodeSection, section: CodeSectionReader<'_>) -> Result {
        utils::parse_code_section(self, code, section)?;
        code.function(&self.body);
        Ok(())
    }
}

/// Pushes a type's zero.
fn zero(function: &mut Body, ty: ValType) {
    match ty {
        ValType::I64 => function.instructions().i64_const(0),
        ValType::F32 => function.instructions().f32_const(0.0_f32.into()),
        ValType::F64 => function.instructions().f64_const(0.0_f64.into()),
        ValType::Ref(reference) => function.instructions().ref_null(reference.heap_type),
        _ => function.instructions().i32_const(0),
    };
}

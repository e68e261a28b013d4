//! Writes the normalised module: program and adapters as one, under one numbering.
//!
//! ```text
//! functions   0..4 host imports | the program's own | adapters' | references to host functions | entry
//! types       the program's own | what the others need that is not among them
//! globals     the program's own | adapters'
//! ```
//!
//! Assumes a survey that has passed validation and links that are resolved. Never looks at import names.

mod code;
mod numbering;
mod sections;

use wasm_encoder::{DataCountSection, ExportKind, Module};
use wasmparser::{ExternalKind, FuncType};

use self::numbering::Writer;
use self::sections::{data, memory, tables};
use super::link::{Linked, describe};
use super::survey::Survey;
use super::{
    AdapterStderr, AdmissionError, Admitted, ENTRY_EXPORT, Mode, START_EXPORT, WASI_MODULE, WASI_STREAMS, WASI_WRITE,
};

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
    let stderr = match mode {
        Mode::Program => stderr(linked, &writer)?,
        Mode::Library => None,
    };
    Ok(Admitted { module: module.finish(), entry_function, stderr })
}

/// The parts of the WASI adapter by which a program writes to stderr, if it reaches them.
fn stderr(linked: &Linked<'_>, writer: &Writer) -> Result<Option<AdapterStderr>, AdmissionError> {
    for (adapter, numbers) in linked.adapters.iter().zip(&writer.adapters) {
        if adapter.module != WASI_MODULE || !adapter.reached_globals.contains(&(WASI_STREAMS as u32)) {
            continue;
        }
        if let Some((function, _)) = adapter.exported(WASI_WRITE)?
            && adapter.reached_functions.contains(&function)
        {
            let (function, streams) = (numbers.functions[function as usize], numbers.globals[WASI_STREAMS]);
            return Ok(Some(AdapterStderr { function, streams }));
        }
    }
    Ok(None)
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

//! Runs a normalised module in wasmi, which has nothing in common with the machine: an oracle for meaning.
//!
//! Owns the four host functions as plain Rust over an input and an output.
#![allow(dead_code, reason = "each test binary uses its own part")]

use wasmi::{Caller, Engine, Error, Extern, Instance, Linker, Module, Store, TrapCode};

/// How a run ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ending {
    /// `exit` was called with this code.
    Exit(i32),
    /// A rule of WASM was broken.
    Trap(TrapCode),
}

/// What the host functions see.
pub struct Host {
    pub input: Vec<u8>,
    pub output: Vec<u8>,
}

/// The memory, under a name of the runner's own: a library exports it as it likes, or not at all.
const MEMORY: &str = "memory of the host";

fn exporting_memory(module: &[u8]) -> Vec<u8> {
    use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
    struct Exporter;
    impl Reencode for Exporter {
        type Error = std::convert::Infallible;
        fn parse_export_section(
            &mut self,
            exports: &mut wasm_encoder::ExportSection,
            section: wasmparser::ExportSectionReader<'_>,
        ) -> Result<(), wasm_encoder::reencode::Error<Self::Error>> {
            exports.export(MEMORY, wasm_encoder::ExportKind::Memory, 0);
            RoundtripReencoder.parse_export_section(exports, section)
        }
    }
    let mut out = wasm_encoder::Module::new();
    Exporter.parse_core_module(&mut out, wasmparser::Parser::new(0), module).expect("a normalised module is readable");
    out.finish()
}

/// Instantiates a normalised module over an input.
pub fn instantiate(module: &[u8], input: &[u8]) -> (Store<Host>, Instance) {
    let engine = Engine::default();
    let module = Module::new(&engine, exporting_memory(module)).expect("a normalised module is valid");
    let mut store = Store::new(&engine, Host { input: input.to_vec(), output: Vec::new() });
    let mut linker = Linker::<Host>::new(&engine);
    linker
        .func_wrap("assay", "input_size", |caller: Caller<'_, Host>| caller.data().input.len() as i64)
        .expect("a fresh name")
        .func_wrap("assay", "input_read", |mut caller: Caller<'_, Host>, dst: i32, offset: i64, len: i32| {
            let (memory, host) = memory(&mut caller);
            let from = usize::try_from(offset as u64).unwrap_or(usize::MAX).min(host.input.len());
            let count = (host.input.len() - from).min(len as u32 as usize);
            let dst = dst as u32 as usize;
            let target = memory.get_mut(dst..dst + count).ok_or(Error::from(TrapCode::MemoryOutOfBounds))?;
            target.copy_from_slice(&host.input[from..from + count]);
            Ok::<i32, Error>(count as i32)
        })
        .expect("a fresh name")
        .func_wrap("assay", "output_write", |mut caller: Caller<'_, Host>, src: i32, len: i32| {
            let (memory, host) = memory(&mut caller);
            let src = src as u32 as usize;
            let source = memory.get(src..src + len as u32 as usize).ok_or(Error::from(TrapCode::MemoryOutOfBounds))?;
            host.output.extend_from_slice(source);
            Ok::<(), Error>(())
        })
        .expect("a fresh name")
        .func_wrap("assay", "exit", |code: i32| Err::<(), Error>(Error::i32_exit(code)))
        .expect("a fresh name");
    let instance = linker.instantiate_and_start(&mut store, &module).expect("exactly the host functions are imported");
    (store, instance)
}

fn memory<'c>(caller: &'c mut Caller<'_, Host>) -> (&'c mut [u8], &'c mut Host) {
    let memory = caller.get_export(MEMORY).and_then(Extern::into_memory).expect("a normalised module has a memory");
    memory.data_and_store_mut(caller)
}

/// Calls the entry of a normalised module.
pub fn run(module: &[u8], input: &[u8]) -> (Ending, Vec<u8>) {
    let (mut store, instance) = instantiate(module, input);
    let entry = instance.get_typed_func::<(), ()>(&store, "entry").expect("the entry takes and gives nothing");
    let error = entry.call(&mut store, ()).expect_err("the entry ends in exit");
    let ending = match (error.i32_exit_status(), error.as_trap_code()) {
        (Some(code), _) => Ending::Exit(code),
        (None, Some(code)) => Ending::Trap(code),
        (None, None) => panic!("neither exit nor trap: {error}"),
    };
    (ending, store.into_data().output)
}

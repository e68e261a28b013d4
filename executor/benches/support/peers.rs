//! The peers that our engines are timed beside: plain wasmtime and wasmi, over the same normalised module and the same host
//! functions.

use std::time::{Duration, Instant};

/// Input and output of a run.
struct Host {
    input: Vec<u8>,
    output: Vec<u8>,
}

/// A peer ready to run a module: each call is a run of its own and returns the time of the run alone, and the output.
pub type Peer = Box<dyn Fn() -> (Duration, Vec<u8>)>;

/// The four host functions, in either engine's terms; both have the same interface but for their error type.
macro_rules! host_functions {
    ($engine:ident, $linker:ident, $exit:expr) => {{
        use $engine::{AsContextMut, Caller, Memory};
        fn parts<'a>(caller: &'a mut Caller<'_, Host>) -> (&'a mut [u8], &'a mut Host) {
            let memory: Memory = caller.get_export("memory").and_then(|export| export.into_memory()).expect("exported");
            memory.data_and_store_mut(caller.as_context_mut())
        }
        let module = "assay";
        $linker
            .func_wrap(module, "input_size", |caller: Caller<'_, Host>| caller.data().input.len() as i64)
            .expect("defined once");
        let read = |mut caller: Caller<'_, Host>, to: i32, from: i64, count: i32| {
            let (memory, host) = parts(&mut caller);
            let rest = host.input.get(from as usize..).unwrap_or(&[]);
            let count = rest.len().min(count as u32 as usize);
            memory[to as u32 as usize..][..count].copy_from_slice(&rest[..count]);
            count as i32
        };
        $linker.func_wrap(module, "input_read", read).expect("defined once");
        let write = |mut caller: Caller<'_, Host>, from: i32, count: i32| {
            let (memory, host) = parts(&mut caller);
            host.output.extend_from_slice(&memory[from as u32 as usize..][..count as u32 as usize]);
        };
        $linker.func_wrap(module, "output_write", write).expect("defined once");
        $linker.func_wrap(module, "exit", $exit).expect("defined once");
    }};
}

/// Plain wasmtime, with the options of our engine that are not instrumentation.
pub fn wasmtime(normalised: &[u8], input: Vec<u8>) -> Peer {
    use wasmtime::{Caller, Config, Engine, Linker, Module, Store};
    let mut config = Config::new();
    config.memory_may_move(false);
    let engine = Engine::new(&config).expect("the host is supported");
    let module = Module::from_binary(&engine, normalised).expect("a normalised module is valid");
    let mut linker = Linker::<Host>::new(&engine);
    let exit = |_: Caller<'_, Host>, _: i32| -> wasmtime::Result<()> { Err(wasmtime::Error::msg("exit")) };
    host_functions!(wasmtime, linker, exit);
    Box::new(move || {
        let mut store = Store::new(&engine, Host { input: input.clone(), output: Vec::new() });
        let instance = linker.instantiate(&mut store, &module).expect("all imports are defined");
        let entry = instance.get_typed_func::<(), ()>(&mut store, "entry").expect("a normalised module has an entry");
        let start = Instant::now();
        let ended = entry.call(&mut store, ());
        let time = start.elapsed();
        assert!(ended.is_err(), "a kernel ends by exit");
        (time, std::mem::take(&mut store.data_mut().output))
    })
}

/// wasmi.
pub fn wasmi(normalised: &[u8], input: Vec<u8>) -> Peer {
    use wasmi::{Caller, Engine, Linker, Module, Store};
    let engine = Engine::default();
    let module = Module::new(&engine, normalised).expect("a normalised module is valid");
    let mut linker = Linker::<Host>::new(&engine);
    let exit = |_: Caller<'_, Host>, code: i32| -> Result<(), wasmi::Error> { Err(wasmi::Error::i32_exit(code)) };
    host_functions!(wasmi, linker, exit);
    Box::new(move || {
        let mut store = Store::new(&engine, Host { input: input.clone(), output: Vec::new() });
        let instance = linker.instantiate_and_start(&mut store, &module).expect("all imports are defined");
        let entry = instance.get_typed_func::<(), ()>(&store, "entry").expect("a normalised module has an entry");
        let start = Instant::now();
        let ended = entry.call(&mut store, ());
        let time = start.elapsed();
        assert!(ended.is_err_and(|error| error.i32_exit_status().is_some()), "a kernel ends by exit");
        (time, std::mem::take(&mut store.data_mut().output))
    })
}

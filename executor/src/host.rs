//! What a native run sees of its host: input, output, fuel, and growth of memory.
//!
//! Owns the meaning of the imports of an instrumented module (specs/04-instructions.md, "input, output"). Addresses, lengths
//! and fuel come from the program and are checked here.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use assay_machine::record::OUTPUT_LENGTH_MAX;
use assay_protocol::TrapCode;
use wasmtime::{Caller, Linker, Memory, ResourceLimiter};

use crate::ending::Ending;
use crate::instrument::{EXHAUSTED, HOST_MODULE, add_fuel, fuel, meter};

/// Fuel between two looks at the watch: some tens of milliseconds.
const SLICE: u64 = 1 << 26;
/// Largest limit that a host can account for.
pub(crate) const FUEL_MAX: u64 = i64::MAX as u64;

/// Whoever waits for a run may stop it, or bound its memory. A run that is stopped, or needs more, is not a result.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    cancelled: Arc<AtomicBool>,
    deadline: Option<Instant>,
    memory_bytes_max: Option<usize>,
}

impl Watch {
    /// A watch that stops the run at an instant.
    pub fn until(deadline: Instant) -> Self {
        Self { deadline: Some(deadline), ..Self::default() }
    }

    /// The same watch with a deadline: who cancels one cancels both.
    #[must_use]
    pub fn with_deadline(&self, deadline: Instant) -> Self {
        Self { deadline: Some(deadline), ..self.clone() }
    }

    /// The same watch with a bound on the bytes of linear memory.
    #[must_use]
    pub fn with_memory_max(&self, bytes: usize) -> Self {
        Self { memory_bytes_max: Some(bytes), ..self.clone() }
    }

    /// Stops the runs under this watch and its clones.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether runs under this watch are to stop.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed) || self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// The host's side of one instance.
pub(crate) struct Host {
    pub input: Arc<[u8]>,
    pub output: Vec<u8>,
    pub output_limit: u64,
    pub memory: Option<Memory>,
    pub watch: Watch,
    /// Fuel that the meter has not been given yet.
    reserve: u64,
}

impl Host {
    pub fn new(input: Arc<[u8]>, output_limit: u64, watch: Watch) -> Self {
        let output_limit = output_limit.min(OUTPUT_LENGTH_MAX);
        Self { input, output: Vec::new(), output_limit, memory: None, watch, reserve: 0 }
    }

    /// Starts a run with this much fuel, at most [`FUEL_MAX`]; returns the meter to begin with.
    pub fn fuel_up(&mut self, limit: u64) -> i64 {
        let first = limit.min(SLICE);
        self.reserve = limit - first;
        meter(first as i64)
    }

    /// Fuel left when the meter stands so; negative if more was needed than there was.
    pub fn fuel_left(&self, meter: i64) -> i64 {
        fuel(meter).saturating_add(self.reserve as i64)
    }

    /// Brings a negative meter above zero.
    fn refill(&mut self, meter: i64) -> Result<i64, Ending> {
        if self.watch.is_over() {
            return Err(Ending::Stopped);
        }
        if self.fuel_left(meter) < 0 {
            return Err(Ending::OutOfFuel);
        }
        let wanted = fuel(meter).unsigned_abs() + SLICE;
        let given = self.reserve.min(wanted);
        self.reserve -= given;
        Ok(add_fuel(meter, given as i64))
    }
}

/// Growth below the maximum succeeds; where the host can't afford it, the run is not a result. Memories are only asked
/// to grow within their maximum (the instrumented code sees to it), tables are asked for anything.
impl ResourceLimiter for Host {
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        match self.watch.memory_bytes_max {
            Some(most) if desired > most => {
                let reason = format!("{desired} bytes of linear memory, at most {most} are given");
                Err(wasmtime::Error::new(Ending::Memory(reason)))
            }
            _ => Ok(true),
        }
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(wasmtime::Error::new(Ending::Memory(error.to_string())))
    }

    fn table_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(maximum.is_none_or(|maximum| desired <= maximum))
    }

    fn table_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(wasmtime::Error::new(Ending::Memory(error.to_string())))
    }
}

/// A linker with the imports of an instrumented module.
pub(crate) fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<Host>> {
    let mut linker = Linker::new(engine);
    linker.func_wrap(HOST_MODULE, "input_size", |caller: Caller<'_, Host>| caller.data().input.len() as u64)?;
    linker.func_wrap(HOST_MODULE, "input_read", input_read)?;
    linker.func_wrap(HOST_MODULE, "output_write", output_write)?;
    linker.func_wrap(HOST_MODULE, "exit", |_: Caller<'_, Host>, code: u32, meter: i64| {
        end(Ending::Exit { code, meter })
    })?;
    linker.func_wrap(HOST_MODULE, "refill", |mut caller: Caller<'_, Host>, meter: i64| {
        caller.data_mut().refill(meter).map_err(wasmtime::Error::new)
    })?;
    linker.func_wrap(HOST_MODULE, "trap", |caller: Caller<'_, Host>, code: u32, meter: i64| {
        if code as i32 == EXHAUSTED {
            let is_exhausted = caller.data().fuel_left(meter) < 0;
            return end(if is_exhausted { Ending::OutOfFuel } else { Ending::Unmetered });
        }
        match TrapCode::from_code(code) {
            Some(code) => end(Ending::Trap { code, meter }),
            None => Err(wasmtime::Error::msg("the instrumented module names an unknown trap")),
        }
    })?;
    Ok(linker)
}

fn end(ending: Ending) -> wasmtime::Result<()> {
    Err(wasmtime::Error::new(ending))
}

/// The linear memory, empty if there is none, and the host beside it.
fn memory_and_host<'a>(caller: &'a mut Caller<'_, Host>) -> (&'a mut [u8], &'a mut Host) {
    match caller.data().memory {
        Some(memory) => memory.data_and_store_mut(caller),
        None => (&mut [], caller.data_mut()),
    }
}

/// Copies input from `offset` on to `destination`; returns how many bytes there were, at most `length`.
fn input_read(
    mut caller: Caller<'_, Host>,
    destination: u32,
    offset: u64,
    length: u32,
    meter: i64,
) -> wasmtime::Result<u32> {
    let (memory, host) = memory_and_host(&mut caller);
    let Some(room) = slice_mut(memory, destination, length) else {
        return Err(wasmtime::Error::new(Ending::Trap { code: TrapCode::MemoryOutOfBounds, meter }));
    };
    let rest = usize::try_from(offset).ok().and_then(|offset| host.input.get(offset..)).unwrap_or(&[]);
    let count = rest.len().min(room.len());
    room[..count].copy_from_slice(&rest[..count]);
    Ok(count as u32)
}

/// Appends `length` bytes from `source` on to the output, or nothing.
fn output_write(mut caller: Caller<'_, Host>, source: u32, length: u32, meter: i64) -> wasmtime::Result<()> {
    let (memory, host) = memory_and_host(&mut caller);
    let Some(bytes) = slice_mut(memory, source, length) else {
        return end(Ending::Trap { code: TrapCode::MemoryOutOfBounds, meter });
    };
    if host.output.len() as u64 + u64::from(length) > host.output_limit {
        return end(Ending::Trap { code: TrapCode::OutputLimit, meter });
    }
    if let Err(error) = host.output.try_reserve(bytes.len()) {
        return end(Ending::Memory(error.to_string()));
    }
    host.output.extend_from_slice(bytes);
    Ok(())
}

fn slice_mut(memory: &mut [u8], start: u32, length: u32) -> Option<&mut [u8]> {
    let start = start as usize;
    memory.get_mut(start..start.checked_add(length as usize)?)
}

//! One instance of a program: calls of its exports, and what each call ended in.
//!
//! Values cross this boundary as the machine holds them: one 64-bit word each, 32-bit values zero-extended
//! (specs/04-instructions.md). Null references are 0; other references can't be passed, and come back as 1.

use assay_protocol::{Status, TrapCode};
use wasmtime::{Func, InstancePre, Ref, Store, Trap, Val, ValType};

use crate::ending::{Ending, NotAResult, trap_code};
use crate::host::{FUEL_MAX, Host};
use crate::instrument::{MEMORY_EXPORT, METER_EXPORT, Metering, export_name};
use crate::prepared::on_large_stack;

/// How a call ended. Fuel left is negative if more was needed than there was.
pub(crate) enum Finish {
    Returned {
        words: Vec<u64>,
        fuel_left: i64,
    },
    Exit {
        code: u32,
        fuel_left: i64,
    },
    /// Without fuel left if the counter was lost.
    Trap {
        code: TrapCode,
        fuel_left: Option<i64>,
    },
    OutOfFuel,
}

/// An instance and its store.
pub(crate) struct Instance {
    store: Store<Host>,
    instance: wasmtime::Instance,
    metering: Metering,
}

impl Instance {
    pub fn new(module: &InstancePre<Host>, host: Host, metering: Metering) -> Result<Self, NotAResult> {
        let mut store = Store::new(module.module().engine(), host);
        store.limiter(|host| host);
        let instance = module.instantiate(&mut store).map_err(|error| NotAResult::Start(format!("{error:#}")))?;
        store.data_mut().memory = instance.get_memory(&mut store, MEMORY_EXPORT);
        Ok(Self { store, instance, metering })
    }

    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.store.data_mut().output)
    }

    /// Calls an export with this much fuel, its frame the stack's first.
    pub fn call(&mut self, export: &str, arguments: &[u64], fuel: u64) -> Result<Finish, NotAResult> {
        let unknown = || NotAResult::Export(export.into());
        let function = self.instance.get_func(&mut self.store, &export_name(export)).ok_or_else(unknown)?;
        let ty = function.ty(&self.store);
        let mut values = Vec::with_capacity(ty.params().len());
        let own = ty.params().len() - usize::from(self.metering == Metering::Parameter);
        if own != arguments.len() {
            return Err(unknown());
        }
        for (ty, word) in ty.params().zip(arguments) {
            values.push(value_of(&ty, *word).ok_or_else(unknown)?);
        }
        let meter = self.store.data_mut().fuel_up(fuel.min(FUEL_MAX));
        match self.metering {
            Metering::Parameter => values.push(Val::I64(meter)),
            Metering::Global => self.set_meter(meter)?,
        }
        let mut results = vec![Val::I32(0); ty.results().len()];
        self.finish(function, &values, &mut results)
    }

    fn finish(&mut self, function: Func, values: &[Val], results: &mut [Val]) -> Result<Finish, NotAResult> {
        let Err(error) = function.call(&mut self.store, values, results) else {
            let (results, meter) = match (self.metering, results) {
                (Metering::Parameter, [results @ .., Val::I64(meter)]) => (&*results, *meter),
                (_, results) => (&*results, self.meter()?),
            };
            let fuel_left = self.store.data().fuel_left(meter);
            return Ok(Finish::Returned { words: results.iter().map(word_of).collect(), fuel_left });
        };
        if let Some(ending) = error.downcast_ref::<Ending>() {
            let host = self.store.data();
            return match ending.clone() {
                Ending::Exit { code, meter } => Ok(Finish::Exit { code, fuel_left: host.fuel_left(meter) }),
                Ending::Trap { code, meter } => Ok(Finish::Trap { code, fuel_left: Some(host.fuel_left(meter)) }),
                Ending::OutOfFuel => Ok(Finish::OutOfFuel),
                Ending::Unmetered => Err(NotAResult::Unmetered),
                Ending::Stopped => Err(NotAResult::Stopped),
                Ending::Memory(error) => Err(NotAResult::Memory(error)),
            };
        }
        let Some(trap) = error.downcast_ref::<Trap>() else {
            return Err(NotAResult::Engine(format!("{error:#}")));
        };
        let code = trap_code(*trap)?;
        let fuel_left = match self.metering {
            Metering::Parameter => None,
            Metering::Global => {
                let meter = self.meter()?;
                Some(self.store.data().fuel_left(meter))
            }
        };
        Ok(Finish::Trap { code, fuel_left })
    }

    /// The word of an exported global.
    fn global(&mut self, export: &str) -> Option<u64> {
        let global = self.instance.get_global(&mut self.store, &export_name(export))?;
        Some(word_of(&global.get(&mut self.store)))
    }

    fn meter_global(&mut self) -> Result<wasmtime::Global, NotAResult> {
        let meter = self.instance.get_global(&mut self.store, METER_EXPORT);
        meter.ok_or_else(|| NotAResult::Engine("the instrumented module has no meter".into()))
    }

    fn meter(&mut self) -> Result<i64, NotAResult> {
        match self.meter_global()?.get(&mut self.store) {
            Val::I64(meter) => Ok(meter),
            _ => Err(NotAResult::Engine("the meter is not an i64".into())),
        }
    }

    fn set_meter(&mut self, meter: i64) -> Result<(), NotAResult> {
        let global = self.meter_global()?;
        global.set(&mut self.store, Val::I64(meter)).map_err(|error| NotAResult::Engine(error.to_string()))
    }
}

/// What a call of an export came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invocation {
    /// It returned these words.
    Returned {
        /// Its results.
        words: Vec<u64>,
        /// Fuel used.
        fuel_used: u64,
    },
    /// It ended the program.
    Ended {
        /// How.
        status: Status,
        /// Exit code or trap code.
        code: u32,
        /// Fuel used; none if hardware raised the trap and the metering is [`Metering::Parameter`].
        fuel_used: Option<u64>,
    },
}

/// An instance whose exports a harness calls one by one; memory, tables and globals stay between calls, also after
/// traps.
pub struct Session {
    instance: Instance,
}

impl Session {
    pub(crate) fn new(instance: Instance) -> Self {
        Self { instance }
    }

    /// Calls an exported function with this much fuel.
    ///
    /// # Errors
    /// [`NotAResult`]; [`NotAResult::Export`] if there is no such function with such parameters.
    pub fn invoke(&mut self, export: &str, arguments: &[u64], fuel: u64) -> Result<Invocation, NotAResult> {
        let instance = &mut self.instance;
        let finish = on_large_stack(|| instance.call(export, arguments, fuel))?;
        let fuel_limit = fuel.min(FUEL_MAX);
        let used = |fuel_left: i64| u64::try_from(fuel_left).ok().map(|left| fuel_limit - left);
        let exhausted = Invocation::Ended { status: Status::OutOfFuel, code: 0, fuel_used: Some(fuel) };
        Ok(match finish {
            Finish::Returned { words, fuel_left } => match used(fuel_left) {
                Some(fuel_used) => Invocation::Returned { words, fuel_used },
                None => exhausted,
            },
            Finish::Exit { code, fuel_left } => match used(fuel_left) {
                Some(fuel_used) => Invocation::Ended { status: Status::Exit, code, fuel_used: Some(fuel_used) },
                None => exhausted,
            },
            Finish::Trap { fuel_left: Some(fuel_left), .. } if fuel_left < 0 => exhausted,
            Finish::Trap { code, fuel_left } => {
                Invocation::Ended { status: Status::Trap, code: code as u32, fuel_used: fuel_left.and_then(used) }
            }
            Finish::OutOfFuel => exhausted,
        })
    }

    /// The word of an exported global.
    pub fn global(&mut self, export: &str) -> Option<u64> {
        self.instance.global(export)
    }

    /// The linear memory; empty if the program has none.
    pub fn memory(&self) -> &[u8] {
        let store = &self.instance.store;
        store.data().memory.map_or(&[], |memory| memory.data(store))
    }

    /// What the program has written.
    pub fn output(&self) -> &[u8] {
        &self.instance.store.data().output
    }
}

fn value_of(ty: &ValType, word: u64) -> Option<Val> {
    Some(match ty {
        ValType::I32 => Val::I32(word as u32 as i32),
        ValType::I64 => Val::I64(word as i64),
        ValType::F32 => Val::F32(word as u32),
        ValType::F64 => Val::F64(word),
        ValType::Ref(_) if word == 0 => Val::FuncRef(None),
        _ => return None,
    })
}

fn word_of(value: &Val) -> u64 {
    match value {
        Val::I32(value) => u64::from(*value as u32),
        Val::I64(value) => *value as u64,
        Val::F32(bits) => u64::from(*bits),
        Val::F64(bits) => *bits,
        other => u64::from(other.ref_().is_some_and(|reference: Ref| !reference.is_null())),
    }
}

//! Programs made ready: admitted, lowered, held against their id, and compiled where the engine takes them.
//!
//! Owns the cache of them. A program is made ready once, however many jobs ask for it at the same time, and kept while it is among the
//! most recently used. Bytes come from outside and may be anything; a program whose id is another than was asked for is refused.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use assay_executor::Prepared;
use assay_machine::program::{Program, ProgramError};
use assay_protocol::B256;
use thiserror::Error;
use tracing::{debug, info};

use super::Runner;

/// A program that is ready to run.
pub struct Ready {
    pub(super) program: Program,
    /// Its native form; or why there is none, and the interpreter runs it.
    pub(super) native: Result<Prepared, String>,
}

impl Ready {
    /// The program.
    #[must_use]
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Why the native engine does not run it, if it does not.
    #[must_use]
    pub fn interpreted_because(&self) -> Option<&str> {
        self.native.as_ref().err().map(String::as_str)
    }
}

/// Why bytes are not the program that was asked for.
#[derive(Debug, Error)]
pub enum Unready {
    /// The module is refused, or too large.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// It is another program.
    #[error("the module is program {got}, wanted {wanted}")]
    Foreign {
        /// Id of what it lowers to.
        got: B256,
        /// Id that was asked for.
        wanted: B256,
    },
}

/// Programs by id, most recently used last.
pub(super) struct Programs {
    most: usize,
    slots: Vec<(B256, Arc<Slot>)>,
}

/// A program's place: locked while it is made ready, so that whoever comes meanwhile waits for it.
#[derive(Default)]
struct Slot {
    ready: Mutex<Option<Arc<Ready>>>,
}

impl Programs {
    pub(super) fn new(most: usize) -> Self {
        Self { most: most.max(1), slots: Vec::new() }
    }

    fn slot(&mut self, id: B256) -> Arc<Slot> {
        let found = self.slots.iter().position(|(held, _)| *held == id);
        let slot = found.map_or_else(Arc::default, |index| self.slots.remove(index).1);
        self.slots.push((id, slot.clone()));
        if self.slots.len() > self.most {
            self.slots.remove(0);
        }
        slot
    }

    fn forget(&mut self, id: B256) {
        self.slots.retain(|(held, _)| *held != id);
    }
}

impl Runner {
    /// A program that is ready already.
    #[must_use]
    pub fn ready(&self, id: B256) -> Option<Arc<Ready>> {
        let mut programs = lock(&self.inner.programs);
        if !programs.slots.iter().any(|(held, _)| *held == id) {
            return None;
        }
        let slot = programs.slot(id);
        drop(programs);
        lock(&slot.ready).clone()
    }

    /// Makes a program ready, unless it is. Blocks for a compilation, by this caller or another.
    ///
    /// # Errors
    /// [`Unready`]: these bytes are not that program.
    pub fn prepare(&self, id: B256, wasm: &[u8]) -> Result<Arc<Ready>, Unready> {
        let slot = lock(&self.inner.programs).slot(id);
        let mut held = lock(&slot.ready);
        if let Some(ready) = &*held {
            return Ok(ready.clone());
        }
        match self.make(id, wasm) {
            Ok(ready) => {
                let ready = Arc::new(ready);
                *held = Some(ready.clone());
                Ok(ready)
            }
            Err(error) => {
                drop(held);
                // Others may have the right bytes; this place is of no use until then.
                lock(&self.inner.programs).forget(id);
                Err(error)
            }
        }
    }

    fn make(&self, id: B256, wasm: &[u8]) -> Result<Ready, Unready> {
        let program = Program::from_wasm(wasm)?;
        let (got, wanted) = (program.id(), id);
        if got != wanted {
            return Err(Unready::Foreign { got, wanted });
        }
        let native = match &self.inner.engine {
            None => Err("there is no native engine on this host".into()),
            Some(engine) => engine.prepare_program(&program).map_err(|error| error.to_string()),
        };
        match &native {
            Ok(prepared) => debug!(program = %id, cache = ?prepared.cache_state(), "a program is ready"),
            Err(reason) => info!(program = %id, reason, "a program is left to the interpreter"),
        }
        Ok(Ready { program, native })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic while a program is made leaves none there; the next one makes it anew.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

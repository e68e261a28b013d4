//! Which locals a loop keeps in registers, so that the fuel check in its header does not drive them out.
//!
//! The check calls the host where the counter is negative. A value that lives across a call has no register of its own
//! on most targets, floats never, and the code generator would keep it in memory all around the loop, for a call that
//! hardly ever happens. So the cold branch puts such values away by itself and takes them back behind the call: then
//! nothing lives across it. Only loops without other calls gain from that.
//!
//! Which locals are put away is a matter of speed, never of meaning: the choice here is a guess at what is live.

use std::collections::BTreeMap;

use wasmparser::{BinaryReaderError, FunctionBody, Operator};

/// Locals of a loop that are looked at; of the others the code generator takes care.
const LOCALS_MAX: usize = 64;

/// The locals to put away in the header of each loop without calls, by the operator that opens the loop.
pub(super) fn saved_locals(body: &FunctionBody<'_>) -> Result<BTreeMap<u32, Vec<u32>>, BinaryReaderError> {
    let mut saved = BTreeMap::new();
    // Open blocks; the loops among them with the operator that opens them and what is known of their locals.
    let mut open: Vec<Option<Loop>> = Vec::new();
    let mut loops: Vec<usize> = Vec::new();
    for (operator, item) in (0..).zip(body.get_operators_reader()?) {
        match item? {
            Operator::Loop { .. } => {
                loops.push(open.len());
                open.push(Some(Loop { operator, calls: false, locals: BTreeMap::new() }));
            }
            Operator::Block { .. } | Operator::If { .. } => open.push(None),
            Operator::End => {
                if let Some(Some(closed)) = open.pop() {
                    loops.pop();
                    if let Some(outer) = loops.last().and_then(|at| open[*at].as_mut()) {
                        outer.absorb(&closed);
                    }
                    if !closed.calls {
                        let read_first = closed.locals.into_iter().filter(|(_, read_first)| *read_first);
                        saved.insert(closed.operator, read_first.map(|(local, _)| local).collect());
                    }
                }
            }
            inner => {
                if let Some(innermost) = loops.last().and_then(|at| open[*at].as_mut()) {
                    innermost.observe(&inner);
                }
            }
        }
    }
    Ok(saved)
}

struct Loop {
    operator: u32,
    /// Whether it calls anything, the engine's own routines included.
    calls: bool,
    /// Locals, and whether the first access in the text reads.
    locals: BTreeMap<u32, bool>,
}

impl Loop {
    fn observe(&mut self, operator: &Operator<'_>) {
        match *operator {
            Operator::LocalGet { local_index } => self.access(local_index, true),
            Operator::LocalSet { local_index } | Operator::LocalTee { local_index } => self.access(local_index, false),
            Operator::Call { .. }
            | Operator::CallIndirect { .. }
            | Operator::MemoryGrow { .. }
            | Operator::MemoryCopy { .. }
            | Operator::MemoryFill { .. }
            | Operator::MemoryInit { .. }
            | Operator::TableGrow { .. }
            | Operator::TableCopy { .. }
            | Operator::TableFill { .. }
            | Operator::TableInit { .. } => self.calls = true,
            _ => {}
        }
    }

    fn access(&mut self, local: u32, reads: bool) {
        if self.locals.len() < LOCALS_MAX {
            self.locals.entry(local).or_insert(reads);
        }
    }

    /// Takes over what is known of a loop inside that has just been closed.
    fn absorb(&mut self, inner: &Self) {
        self.calls |= inner.calls;
        for (local, reads) in &inner.locals {
            self.access(*local, *reads);
        }
    }
}

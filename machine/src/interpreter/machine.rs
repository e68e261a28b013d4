//! A run in progress: the record, the flat memory, and what the handlers share.
//!
//! Owns the passage between the fast path, which counts steps at taken branches, and single steps by `step`, which count
//! exactly; and between registers and record. Between two calls the record and the memory are a state of the machine.
//!
//! Unsafe: hands pointers into [`FlatMemory`] to the handlers. They stay valid for the run of [`Interpreter::run_fast`],
//! which holds the memory exclusively.
#![allow(unsafe_code)]

use alloc::sync::Arc;
use alloy_primitives::B256;

use super::bulk;
use super::threaded::{Flow, Leave, OP_SIZE, Op, Registers, Threaded};
use crate::isa::op;
use crate::lower::Image;
use crate::memory::tree::Tree;
use crate::memory::{Deferred, FlatMemory, Memory, OutputRefused, Snapshot};
use crate::record::{OUTPUT_LENGTH_MAX, Record, STACK_SLOTS};
use crate::witness::{prove_step, step_in_place};

/// Most steps that one fast run accounts for, so that the account never wraps.
const FAST_STEPS_MAX: u64 = 1 << 40;

/// What the handlers share besides registers.
pub(super) struct Vm {
    /// The registers as a handler left them.
    pub registers: Registers,
    /// Why it did.
    pub leave: Leave,
    /// Bytes of linear memory.
    pub memory_size: u64,
    /// A mark for each 4 KiB page of linear memory.
    pub dirty_pages: *mut u8,
    /// First word of SYSTEM.
    pub system: *mut u64,
    /// A mark for each 256-byte leaf of SYSTEM.
    pub dirty_system: *mut u8,
    /// End of STACK.
    pub stack_end: *mut u64,
    /// Lowest slot that may have been written in this fast run.
    pub stack_low: *mut u64,
    /// End of the slots that may have been written in this fast run.
    pub stack_high: *mut u64,
    /// First slot of STACK.
    pub stack: *mut u64,
    /// First op.
    pub code: *const Op,
    /// Steps of the margin that `stop` keeps.
    pub margin: u64,
    /// What the last rare instruction came to. Handlers read it from here: a result that is returned through their frame
    /// would keep the frame alive, and the next handler would be called and not jumped to.
    pub cold: Result<ColdSteps, Leave>,
    /// The record's fields that are not registers; its pc, fp and fuel are stale.
    pub record: Record,
    /// The memory, for instructions that are rare.
    pub memory: *mut FlatMemory,
}

/// How far a cold instruction went.
#[derive(Clone, Copy)]
pub(super) struct ColdSteps {
    /// Steps that left pc where it was.
    pub repeats: u64,
    /// Whether a last step then moved pc on.
    pub is_done: bool,
}

impl Vm {
    /// Index of an op.
    #[inline(always)]
    pub fn pc_of(&self, ip: *const Op) -> u32 {
        ((ip as isize - self.code as isize) / OP_SIZE) as u32
    }

    /// Byte offset from an op to the op of an index.
    #[inline(always)]
    pub fn offset_of(&self, ip: *const Op, pc: u32) -> isize {
        self.code as isize + pc as isize * OP_SIZE - ip as isize
    }

    /// Sets a word of SYSTEM.
    ///
    /// # Safety
    /// The word belongs to the image's SYSTEM.
    #[inline(always)]
    pub unsafe fn set_system(&mut self, word: usize, value: u64) {
        // SAFETY: the caller's promise; there is a mark for every leaf of the image's SYSTEM.
        unsafe {
            *self.system.add(word) = value;
            *self.dirty_system.add(word >> 5) = 1;
        }
    }

    /// Runs a rare instruction, whole or as far as the step account allows.
    ///
    /// # Safety
    /// The invariants of [`Registers`] hold for the arguments.
    #[inline(never)]
    pub unsafe fn cold(vm: *mut Vm, ip: *const Op, fp: *mut u64, stop: *const Op) {
        // SAFETY: `vm` and its memory outlive the run, and handlers keep no reference into them.
        let (vm, memory, op) = unsafe { (&mut *vm, &mut *(*vm).memory, &*ip) };
        let budget = (stop as isize - ip as isize) / OP_SIZE + vm.margin as isize;
        vm.cold = match bulk::run(vm, memory, op, fp, budget as u64) {
            Some(steps) => steps,
            None => vm.single(memory, op, ip, fp),
        };
    }

    /// Runs one step of an instruction by its definition. It neither charges fuel nor moves fp.
    fn single(&mut self, memory: &mut FlatMemory, op: &Op, ip: *const Op, fp: *mut u64) -> Result<ColdSteps, Leave> {
        if op.opcode == op::EXIT {
            // SAFETY: the slot belongs to the frame.
            return Err(Leave::Exit(unsafe { *fp.add(usize::from(op.a)) } as u32));
        }
        self.record.pc_or_code = self.pc_of(ip);
        self.record.fp = ((fp as usize - self.stack as usize) / 8) as u32;
        let next = step_in_place(self.record, memory);
        if !next.is_running() {
            let code = assay_protocol::TrapCode::from_code(next.pc_or_code);
            return Err(Leave::Trap(code.expect("rare instructions of lowered code halt only by traps")));
        }
        self.record = next;
        if next.memory_size() != self.memory_size {
            memory.grow_linear(next.memory_size());
            self.memory_size = next.memory_size();
        }
        let is_done = next.pc_or_code != self.pc_of(ip);
        Ok(ColdSteps { repeats: u64::from(!is_done), is_done })
    }
}

/// A state between two steps from which a run can go on: record, memory, steps done.
#[derive(Clone)]
pub struct Checkpoint {
    /// Steps done.
    pub steps: u64,
    record: Record,
    memory: Snapshot,
}

impl Checkpoint {
    /// The state hash is known now, and with it the memory root.
    pub(crate) fn complete(&mut self, record: Record) {
        (self.record, self.memory.root) = (record, record.memory_root);
    }
}

/// A step with its proof (specs/09-one-step-proofs.md).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepProof {
    /// The record before the step.
    pub before: Record,
    /// What the verifier needs besides.
    pub witness: Vec<u8>,
    /// The record after the step.
    pub after: Record,
}

/// A program's code, ready to run; shared by all its runs.
pub struct PreparedCode {
    threaded: Threaded,
    frame_slots_max: u32,
    watched: Option<u32>,
}

impl PreparedCode {
    /// Prepares the code of a lowered image.
    pub fn new(image: &Image) -> Self {
        Self::watching(image, None)
    }

    /// The same, so that [`Interpreter::run_watched`] sees each state before the instruction at `watched`.
    pub fn watching(image: &Image, watched: Option<u32>) -> Self {
        let frame_slots_max = image.plans.iter().map(|plan| plan.frame_slots).max().unwrap_or(0);
        Self { threaded: Threaded::new(&image.code, watched), frame_slots_max, watched }
    }
}

/// A run of a lowered program.
pub struct Interpreter {
    code: Arc<PreparedCode>,
    memory: FlatMemory,
    /// The state, its memory root stale.
    record: Record,
    steps: u64,
    /// The instruction that halted the machine.
    halted_pc: Option<u32>,
}

impl Interpreter {
    /// A run at its first state. `record` and `memory` are those of a lowered program, `code` is that program's.
    pub fn new(code: Arc<PreparedCode>, record: Record, memory: FlatMemory) -> Self {
        Self { code, memory, record, steps: 0, halted_pc: None }
    }

    /// Steps done.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The record; its memory root is that of the last [`Interpreter::commit`].
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Steps before each stop that may be single ones.
    #[cfg(test)]
    pub(super) fn longest_straight(&self) -> usize {
        self.code.threaded.longest_straight()
    }

    /// The instruction whose step halted the machine, if this run has made that step.
    pub fn halted_pc(&self) -> Option<u32> {
        self.halted_pc
    }

    /// The output written so far.
    pub fn output(&self) -> &[u8] {
        &self.memory.output()[..self.record.output_length as usize]
    }

    /// The output written, which is not copied.
    pub fn into_output(self) -> Vec<u8> {
        self.memory.into_output(self.record.output_length)
    }

    /// Why this run has no fast path, if the host did not give its address range: each step is made by definition,
    /// which is far slower.
    pub fn slow_because(&self) -> Option<&std::io::Error> {
        self.memory.reservation_refused()
    }

    /// The memory.
    pub fn memory(&mut self) -> &mut FlatMemory {
        &mut self.memory
    }

    /// Hashes what has been written since the last commit and returns the record with its memory root.
    pub fn commit(&mut self) -> Record {
        self.record.memory_root = self.memory.commit();
        self.record
    }

    /// The state hash.
    pub fn state_hash(&mut self) -> B256 {
        self.commit().hash()
    }

    /// As [`Interpreter::commit`], of which the longer part may be left to another thread. Until [`Interpreter::rejoin`] gets what
    /// became of it the run goes on and may be kept by [`Interpreter::checkpoint_ahead`], and nothing else that needs a root is asked.
    pub(crate) fn commit_ahead(&mut self) -> Option<Deferred> {
        self.memory.commit_ahead()
    }

    /// The root of the memory as it was when [`Interpreter::commit_ahead`] was called; `tree` is that of what was left to do.
    pub(crate) fn rejoin(&mut self, tree: Option<Tree>) -> B256 {
        self.memory.rejoin(tree)
    }

    /// The state that was committed ahead, to be completed when its root is known.
    pub(crate) fn checkpoint_ahead(&mut self) -> Checkpoint {
        Checkpoint { steps: self.steps, record: self.record, memory: self.memory.copied(B256::ZERO) }
    }

    /// Goes on from another record over this memory, as a harness does that calls one function after another.
    pub fn redirect(&mut self, record: Record) {
        self.record = record;
        self.halted_pc = None;
    }

    /// Keeps this state to go on from later.
    pub fn checkpoint(&mut self) -> Checkpoint {
        Checkpoint { steps: self.steps, record: self.record, memory: self.memory.snapshot() }
    }

    /// Bytes that all checkpoints of this run hold; what they share counts once.
    pub fn checkpoints_bytes(&self) -> u64 {
        self.memory.snapshots_bytes()
    }

    /// Most bytes that a checkpoint holds which shares nothing with another.
    pub fn whole_checkpoint_bytes_max(&self) -> u64 {
        self.memory.whole_snapshot_bytes_max()
    }

    /// Bytes that the host backs for this run, its checkpoints excepted: what [`FlatMemory::resident_bytes`] counts, and the code that is ready
    /// to run. What runs share, code and input, counts in each.
    pub fn resident_bytes(&mut self) -> u64 {
        self.memory.resident_bytes() + size_of_val(self.code.threaded.ops()) as u64
    }

    /// Pages that were hashed or copied so far, over all commits and checkpoints.
    pub fn page_work(&self) -> u64 {
        self.memory.page_work()
    }

    /// Most bytes that a checkpoint would add to [`Interpreter::checkpoints_bytes`] now.
    pub fn checkpoint_bytes_max(&mut self) -> u64 {
        self.memory.snapshot_bytes_max()
    }

    /// Has the next checkpoint hold what differs from this one, so that later ones that were dropped hold nothing.
    pub fn forget_checkpoints_since(&mut self, checkpoint: &Checkpoint) {
        self.memory.forget_snapshots_since(&checkpoint.memory);
    }

    /// Goes back, or forward, to a state that was kept.
    pub fn restore(&mut self, checkpoint: &Checkpoint) {
        self.memory.restore(&checkpoint.memory);
        self.record = checkpoint.record;
        self.steps = checkpoint.steps;
        self.halted_pc = None;
    }

    /// Runs until `steps` steps are done in all, or the machine has halted; a halted machine is its own successor.
    ///
    /// # Panics
    /// If the host does not give the memory that the output needs. [`Interpreter::try_run_to`] says so instead.
    pub fn run_to(&mut self, steps: u64) {
        self.try_run_to(steps).unwrap_or_else(|refused| panic!("{refused}"));
    }

    /// As [`Interpreter::run_to`].
    ///
    /// # Errors
    /// [`OutputRefused`] if the host does not give the memory that the output needs. The run stands before the step
    /// that needs it.
    pub fn try_run_to(&mut self, steps: u64) -> Result<(), OutputRefused> {
        self.run_watched(steps, |_, _| {})
    }

    /// As [`Interpreter::try_run_to`]; `look` sees record and memory before each step of the watched instruction.
    ///
    /// # Errors
    /// As [`Interpreter::try_run_to`].
    pub fn run_watched(&mut self, steps: u64, mut look: impl FnMut(&Record, &FlatMemory)) -> Result<(), OutputRefused> {
        let margin = self.code.threaded.longest_straight() as u64;
        let has_fast_path = self.memory.is_reserved();
        while self.record.is_running() && self.steps < steps {
            if has_fast_path && steps - self.steps > margin {
                self.run_fast((steps - self.steps).min(FAST_STEPS_MAX));
            }
            // Few steps are left, or the next one is watched.
            let pc = self.record.pc_or_code;
            while self.record.is_running() && self.steps < steps {
                if self.record.pc_or_code != pc && steps - self.steps > margin {
                    break;
                }
                self.make_room()?;
                if self.code.watched == Some(self.record.pc_or_code) {
                    look(&self.record, &self.memory);
                }
                self.run_one();
            }
        }
        Ok(())
    }

    /// Room for the piece of output that the next step may write.
    fn make_room(&mut self) -> Result<(), OutputRefused> {
        let op = self.code.threaded.ops().get(self.record.pc_or_code as usize);
        if op.is_none_or(|op| op.opcode != op::OUTPUT_WRITE) {
            return Ok(());
        }
        let end = self.record.output_length + bulk::PIECE;
        self.memory.make_output_room(end.min(OUTPUT_LENGTH_MAX))
    }

    /// Runs until the machine halts.
    ///
    /// # Panics
    /// As [`Interpreter::run_to`].
    pub fn run(&mut self) {
        self.run_to(u64::MAX);
    }

    /// Runs one step by its definition.
    pub fn run_one(&mut self) {
        let next = step_in_place(self.record, &mut self.memory);
        self.follow(next);
    }

    /// Makes one step, unless the machine has halted, and proves it: the record before it, the witness, the record after it.
    pub fn prove_one(&mut self) -> StepProof {
        let before = self.commit();
        let (witness, after) = prove_step(before, &mut self.memory);
        if before.is_running() {
            self.follow(after);
        }
        StepProof { before, witness, after }
    }

    /// Becomes the successor that a step by definition gave.
    fn follow(&mut self, next: Record) {
        if next.memory_pages != self.record.memory_pages {
            self.memory.grow_linear(next.memory_size());
        }
        if self.record.is_running() && !next.is_running() {
            self.halted_pc = Some(self.record.pc_or_code);
        }
        self.record = next;
        self.steps += 1;
    }

    /// Runs up to `steps` steps, more than the margin, without counting each.
    fn run_fast(&mut self, steps: u64) {
        let code = self.code.clone();
        let ops = code.threaded.ops();
        let margin = code.threaded.longest_straight() as u64;
        let memory = &raw mut self.memory;
        // SAFETY: the memory is not moved or otherwise used until the handlers are done with these pointers.
        let mut vm = unsafe {
            let stack = (*memory).stack_base();
            let fp = stack.add(self.record.fp as usize);
            let ip = ops.as_ptr().add(self.record.pc_or_code as usize);
            let high = (self.record.fp + code.frame_slots_max).min(STACK_SLOTS);
            let mut vm = Vm {
                registers: Registers {
                    ip,
                    fp,
                    vm: core::ptr::null_mut(),
                    fuel: self.record.fuel,
                    stop: ip.wrapping_byte_offset((steps - margin) as isize * OP_SIZE),
                    memory: (*memory).linear_base(),
                },
                leave: Leave::Pause,
                cold: Err(Leave::Pause),
                memory_size: self.record.memory_size(),
                dirty_pages: (*memory).linear_dirty_base(),
                system: (*memory).system_base().cast(),
                dirty_system: (*memory).system_dirty_base(),
                stack_end: stack.add(STACK_SLOTS as usize),
                stack_low: fp,
                stack_high: stack.add(high as usize),
                stack,
                code: ops.as_ptr(),
                margin,
                record: self.record,
                memory,
            };
            run_handlers(&mut vm);
            vm
        };
        vm.record.fp = ((vm.registers.fp as usize - vm.stack as usize) / 8) as u32;
        vm.record.fuel = vm.registers.fuel;
        vm.record.pc_or_code = vm.pc_of(vm.registers.ip);
        let left = (vm.registers.stop as isize - vm.registers.ip as isize) / OP_SIZE + margin as isize;
        let halted = u64::from(vm.leave != Leave::Pause);
        self.halted_pc = (vm.leave != Leave::Pause).then_some(vm.record.pc_or_code);
        self.steps += steps - left as u64 + halted;
        self.record = match vm.leave {
            Leave::Pause => vm.record,
            Leave::Trap(code) => vm.record.trap(code),
            Leave::Exit(code) => vm.record.exit(code),
            Leave::OutOfFuel => vm.record.out_of_fuel(),
        };
        let slot = |at: *mut u64| (at as usize - vm.stack as usize) / 8;
        self.memory.mark_stack(slot(vm.stack_low), slot(vm.stack_high));
    }
}

/// Starts the first handler, and without sibling calls every next one.
///
/// # Safety
/// The invariants of [`Registers`] hold for `vm.registers`, `vm.registers.vm` aside.
unsafe fn run_handlers(vm: &mut Vm) {
    let vm: *mut Vm = vm;
    loop {
        // SAFETY: the caller's promise, and after the first handler that of `threaded::handler`.
        let flow = unsafe {
            let Registers { ip, fp, fuel, stop, memory, .. } = (*vm).registers;
            ((*ip).handler)(ip, fp, vm, fuel, stop, memory)
        };
        if flow == Flow::Left {
            return;
        }
    }
}

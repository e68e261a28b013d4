//! One state of a run: the record, the instruction to come, and the slots that it names.

use assay_machine::interpreter::Interpreter;
use assay_machine::memory::{Memory, Region};
use assay_machine::program::Program;
use eyre::Result;
use serde::Serialize;

use crate::console;
use crate::disassembly::{self, Disassembled};
use crate::job::{Job, walk};
use crate::progress::Progress;
use crate::report::{State, grouped};

#[derive(Serialize)]
struct Report {
    program: String,
    step: u64,
    /// The step at which the machine has halted, if it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    halted_at: Option<u64>,
    halted: bool,
    state: State,
    instruction: Option<InstructionReport>,
}

/// The instruction to come.
#[derive(Serialize)]
pub struct InstructionReport {
    pc: u32,
    #[serde(flatten)]
    instruction: Disassembled,
    slots: Vec<SlotReport>,
}

#[derive(Serialize)]
struct SlotReport {
    role: &'static str,
    slot: u32,
    value: String,
    #[serde(skip)]
    shown: String,
}

/// Answers the question.
pub fn run(job: &Job, step: u64, json: bool) -> Result<()> {
    let program = job.program()?;
    let mut run = job.boot(&program, &job.read_input()?)?;
    walk(&mut run, step, &mut Progress::start())?;
    let record = run.commit();
    let report = Report {
        program: program.id().to_string(),
        // Without a question it is the end that is meant.
        step: if step == u64::MAX { run.steps() } else { step },
        halted_at: Some(run.steps()).filter(|_| !record.is_running()),
        halted: !record.is_running(),
        state: State::from(&record),
        instruction: InstructionReport::of(&program, &mut run),
    };
    if json {
        return console::print_json(&report);
    }
    let mut text = match report.halted_at {
        Some(at) => format!("the machine has halted at step {}\n", grouped(at)),
        None => format!("state before step {}\n", grouped(report.step)),
    };
    text += &report.state.text();
    if let Some(instruction) = &report.instruction {
        text += &instruction.text();
    }
    console::print(&text)
}

impl InstructionReport {
    /// The instruction at pc of a running machine.
    pub fn of(program: &Program, run: &mut Interpreter) -> Option<Self> {
        let record = *run.record();
        if !record.is_running() {
            return None;
        }
        let instruction = *program.image().code.get(record.pc_or_code as usize)?;
        let memory = run.memory();
        let slots = disassembly::slots(&instruction).into_iter().map(|(role, slot)| {
            let mut bytes = [0; 8];
            memory.read(Region::STACK.base() + 8 * (u64::from(record.fp) + u64::from(slot)), &mut bytes);
            let value = u64::from_le_bytes(bytes);
            SlotReport { role, slot, value: format!("{value:#018x}"), shown: disassembly::value(&instruction, value) }
        });
        let slots = slots.collect();
        Some(Self { pc: record.pc_or_code, instruction: disassembly::disassemble(&instruction), slots })
    }

    /// The instruction and its slots as lines, each indented by two spaces.
    pub fn text(&self) -> String {
        let mut text = format!("  {:<14} {}\n", "instruction", self.instruction.text);
        for SlotReport { role, slot, value, shown } in &self.slots {
            text += &format!("  {:<14} s{slot} = {value}  {shown}\n", format!("  slot {role}"));
        }
        text
    }
}

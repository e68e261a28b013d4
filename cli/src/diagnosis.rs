//! Why a job failed, for the person who wrote it: its stderr, and the function in which it stopped.
//!
//! Owns the words. No part of a result: only the machine sees it, so a job that failed natively is run again there, if that
//! does not take long or if it was asked for.

use assay_machine::program::Program;
use assay_machine::stderr::StderrLog;
use assay_protocol::{Outcome, Status};

use crate::console::shown;
use crate::program::ModuleFacts;

/// Most fuel of a failed job that is run again unasked: seconds of the machine.
const FUEL_MAX: u64 = 1 << 29;

/// What the machine has seen of a run besides its result.
#[derive(Clone, Debug, Default)]
pub struct Diagnosis {
    /// The instruction that halted the machine.
    pub halted_pc: Option<u32>,
    /// What the job wrote to its stderr.
    pub stderr: StderrLog,
}

/// Whether a person will ask why.
pub fn has_failed(outcome: &Outcome) -> bool {
    (outcome.status, outcome.code) != (Status::Exit, 0)
}

/// Whether a job that ended so is run again on the machine to see why, unasked.
pub fn is_cheap(outcome: &Outcome) -> bool {
    outcome.fuel_used <= FUEL_MAX
}

impl Diagnosis {
    /// The name of the function in which a run that did not exit has stopped.
    pub fn function(&self, program: &Program, module: &ModuleFacts, outcome: &Outcome) -> Option<String> {
        let pc = self.halted_pc.filter(|_| outcome.status != Status::Exit)?;
        let behind = program.image().functions.partition_point(|first| *first <= pc);
        behind.checked_sub(1).map(|function| module.name_of(function))
    }

    /// stderr as text; what is not UTF-8 is replaced.
    pub fn stderr_text(&self) -> String {
        let cut = if self.stderr.is_cut { "\n[more was written]\n" } else { "" };
        format!("{}{cut}", String::from_utf8_lossy(&self.stderr.bytes))
    }

    /// All that is known, in a few lines.
    pub fn text(&self, function: Option<&str>) -> String {
        let mut text = function.map_or(String::new(), |function| format!("stopped in {}\n", shown(function)));
        if !self.stderr.bytes.is_empty() {
            text += "the job's stderr:\n";
            text.extend(self.stderr_text().lines().map(|line| format!("  {}\n", shown(line))));
        }
        text
    }
}

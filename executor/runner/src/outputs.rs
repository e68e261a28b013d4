//! Inputs that are the output of an earlier leaf: its task is run once more.
//!
//! Owns no bytes. Whose they are is checked by whoever asked.

use assay_player::chain::{Outputs, Run};

use super::{Runner, Watch};

/// Outputs by the engines of this host.
#[derive(Clone)]
pub struct NativeOutputs {
    runner: Runner,
    watch: Watch,
}

impl NativeOutputs {
    /// Outputs by a runner, until the watch stops it.
    #[must_use]
    pub fn new(runner: Runner, watch: Watch) -> Self {
        Self { runner, watch }
    }
}

impl Outputs for NativeOutputs {
    fn output(&self, run: &Run) -> Result<Vec<u8>, String> {
        let id = run.descriptor.id();
        let ready = self.runner.prepare(id, &run.wasm).map_err(|error| error.to_string())?;
        let ran = self.runner.run(&ready, &run.input, run.limits(), &self.watch).map_err(|error| error.to_string())?;
        Ok(ran.output)
    }
}

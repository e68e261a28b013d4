//! Ctrl-C: the first asks the command to end, the second ends the process.
//!
//! Owns the one process-wide flag. Long work asks [`check`] between slices; the native engine looks at [`watch`].

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use assay_executor::Watch;
use eyre::{Result, WrapErr};

use crate::failure::Failure;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static WATCH: OnceLock<Watch> = OnceLock::new();

/// Starts to listen.
pub fn listen() -> Result<()> {
    ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        watch().cancel();
    })
    .wrap_err("can't listen for Ctrl-C")
}

/// The watch under which native runs of this process stand.
pub fn watch() -> &'static Watch {
    WATCH.get_or_init(Watch::default)
}

/// Whether the user still wants the answer.
///
/// # Errors
/// [`Failure::Interrupted`] if not.
pub fn check() -> Result<()> {
    if INTERRUPTED.load(Ordering::Relaxed) { Err(Failure::Interrupted.into()) } else { Ok(()) }
}

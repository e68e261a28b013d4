//! Ctrl-C and SIGTERM end the process at once, whatever it is doing.
//!
//! Nothing is lost by it: answers are printed at the end, files appear whole or not at all, and so do entries of the cache. Who interrupts
//! the end itself is told that the answer may be cut off. At Ctrl-C the part of a file that is there goes.

use eyre::{Result, WrapErr};

use crate::console;

/// Exit code of an interrupted command.
const INTERRUPTED: i32 = 130;

/// Starts to listen.
pub fn listen() -> Result<()> {
    ctrlc::set_handler(|| {
        let begun = "interrupted while the answer was being written: it may be cut off\n";
        console::note(if console::has_begun() { begun } else { "interrupted; nothing was written\n" });
        console::leave(INTERRUPTED);
    })
    .wrap_err("can't listen for Ctrl-C")
}

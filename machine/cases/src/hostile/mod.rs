//! Modules made by enemies.
//!
//! ```text
//! bytes      sections and bodies by hand, for what no assembler writes
//! refused    shapes that admission turns down, each with its reason
//! wide       admitted shapes with much of one thing: locals, blocks, operands, functions, data
//! running    admitted shapes that are hostile when they run: recursion, growth, loops, traps
//! changes    one small module with every section, cut and changed everywhere
//! ```
//!
//! Every admitted shape has a start function if it has functions at all, so that running its entry runs it.

mod bytes;
mod changes;
mod refused;
mod running;
mod wide;

pub use changes::{changed_everywhere, full, random_bodies, random_changes, truncated};
pub use refused::sections_that_only_declare;

/// What a shape's reason says when there is none.
pub const ADMITTED: &str = "admitted";

/// A hostile module.
pub struct Shape {
    /// What it is, in a few words; unique.
    pub name: String,
    /// What admission says of it as a library: [`ADMITTED`], or the reason of the refusal.
    pub reason: &'static str,
    /// Its bytes: made when they are wanted, since some are tens of megabytes.
    pub build: Box<dyn Fn() -> Vec<u8> + Send + Sync>,
}

impl Shape {
    fn admitted(name: &str, build: impl Fn() -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self { name: name.into(), reason: ADMITTED, build: Box::new(build) }
    }

    fn refused(name: &str, reason: &'static str, build: impl Fn() -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self { name: name.into(), reason, build: Box::new(build) }
    }
}

/// All shapes.
#[must_use]
pub fn shapes() -> Vec<Shape> {
    let mut shapes = refused::shapes();
    shapes.extend(wide::shapes());
    shapes.extend(running::shapes());
    shapes
}

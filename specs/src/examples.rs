//! The worked examples of the chapters, made by the machine itself.
//!
//! Owns what each example shows, and in which chapter and block it stands. An example explains and pins what is; that it
//! is right is for the vectors and tests to say, whose expectations come from elsewhere.

mod programs;
mod proofs;

use assay_machine::memory::layout::Kind;
use assay_machine::memory::top::RegionRoots;
use assay_machine::memory::zero::zero;

/// A generated block of a chapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// File name of the chapter.
    pub chapter: &'static str,
    /// Name of the block.
    pub name: &'static str,
    /// What stands between the markers.
    pub content: String,
}

/// All generated blocks.
#[must_use]
pub fn all() -> Vec<Example> {
    let example = |chapter, name, content| Example { chapter, name, content };
    vec![
        example("02-memory.md", "zero hashes", zero_hashes()),
        example("05-lowering.md", "sum", programs::lowered(programs::SUM)),
        example("05-lowering.md", "edges", programs::lowered(programs::EDGES)),
        example("05-lowering.md", "linked", programs::lowered(programs::LINKED)),
        example("05-lowering.md", "program id", programs::identity(programs::SUM)),
        example("05-lowering.md", "ids of the sample jobs", programs::ids()),
        example("06-fuel.md", "blocks of sum", programs::blocks(programs::SUM)),
        example("06-fuel.md", "fuel of sum", programs::fuel(programs::SUM)),
        example("08-traces.md", "states of sum", programs::states(programs::SUM)),
        example("09-one-step-proofs.md", "slots only", proofs::slots_only()),
        example("09-one-step-proofs.md", "straddling store", proofs::straddling_store()),
    ]
}

/// A block of plain text.
fn text_block(text: &str) -> String {
    format!("```text\n{}\n```\n", text.trim_end())
}

fn zero_hashes() -> String {
    let (control, bulk) = (zero(Kind::Control), zero(Kind::Bulk));
    let mut text = String::new();
    for (name, table) in [("zero_control", control), ("zero_bulk", bulk)] {
        for height in [0, 1, table.len() - 1] {
            text.push_str(&format!("{:<17} {}\n", format!("{name}[{height}]"), hex::encode(table[height])));
        }
    }
    text.push_str(&format!("{:<17} {}\n", "zero memory", hex::encode(RegionRoots::default().root())));
    text_block(&text)
}

//! How much a function would cost to compile: a bound that is looked at before the compiler is.
//!
//! Compilers hold values for each label of a function, so that a few kilobytes of WASM can ask for gigabytes: blocks that pass
//! many values, or many locals across many loops. Deep nesting costs them more than its length too. Lowering has no such
//! trouble, so that the interpreter runs what is refused here. Owns the bounds; assumes a normalised module.

use wasmparser::{BinaryReaderError, BlockType, FunctionBody, Operator, Parser, Payload};

use crate::ending::NotAResult;

/// Most labels times values (locals, and parameters and results of blocks) of a function.
const FUNCTION_MAX: u64 = 1 << 25;
/// Most of the same, over all functions.
const MODULE_MAX: u64 = 1 << 30;
/// Deepest nesting of blocks.
const NESTING_MAX: u64 = 4096;

/// Checks that a normalised module is within what the native engine compiles.
///
/// # Errors
/// [`NotAResult::Compile`] says what is too large.
pub fn check(normalised: &[u8]) -> Result<(), NotAResult> {
    let unreadable = |error: BinaryReaderError| NotAResult::Compile(error.to_string());
    let mut widths = Vec::new();
    let (mut index, mut total) = (0, 0u64);
    for payload in Parser::new(0).parse_all(normalised) {
        match payload.map_err(unreadable)? {
            Payload::TypeSection(reader) => {
                for ty in reader.into_iter_err_on_gc_types() {
                    let ty = ty.map_err(unreadable)?;
                    widths.push((ty.params().len() + ty.results().len()) as u64);
                }
            }
            Payload::CodeSectionEntry(body) => {
                let appetite = measure(&body, &widths).map_err(unreadable)?;
                total = total.saturating_add(appetite.product());
                let (limit, got) = match appetite {
                    Appetite { nesting, .. } if nesting > NESTING_MAX => (NESTING_MAX, nesting),
                    _ if appetite.product() > FUNCTION_MAX => (FUNCTION_MAX, appetite.product()),
                    _ if total > MODULE_MAX => (MODULE_MAX, total),
                    _ => {
                        index += 1;
                        continue;
                    }
                };
                return Err(NotAResult::Compile(format!(
                    "function {index} is too large for the native engine: {got} of {limit} ({} labels, {} values, {} deep)",
                    appetite.labels, appetite.values, appetite.nesting
                )));
            }
            _ => {}
        }
    }
    Ok(())
}

struct Appetite {
    labels: u64,
    values: u64,
    nesting: u64,
}

impl Appetite {
    fn product(&self) -> u64 {
        self.labels.saturating_mul(self.values)
    }
}

fn measure(body: &FunctionBody<'_>, widths: &[u64]) -> Result<Appetite, BinaryReaderError> {
    let mut appetite = Appetite { labels: 1, values: 0, nesting: 0 };
    for group in body.get_locals_reader()? {
        appetite.values += u64::from(group?.0);
    }
    let mut depth = 0u64;
    for operator in body.get_operators_reader()? {
        match operator? {
            Operator::Block { blockty } | Operator::Loop { blockty } | Operator::If { blockty } => {
                depth += 1;
                appetite.nesting = appetite.nesting.max(depth);
                appetite.labels += 1;
                appetite.values += match blockty {
                    BlockType::Empty => 0,
                    BlockType::Type(_) => 1,
                    BlockType::FuncType(index) => widths.get(index as usize).copied().unwrap_or(0),
                };
            }
            Operator::End => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(appetite)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_text(body: &str) -> Result<(), NotAResult> {
        check(&wat::parse_str(format!("(module {body})")).unwrap())
    }

    #[test]
    fn ordinary_code_passes() {
        let blocks = "(block (loop (br_if 0 (i32.const 0))))".repeat(3000);
        check_text(&format!("(func (local i64 i64 i64 i64) {blocks})")).unwrap();
    }

    #[test]
    fn wide_blocks_many_locals_and_deep_nesting_are_left_to_the_interpreter() {
        let wide = "i32 ".repeat(900);
        let loops = format!("(loop (param {wide}) (result {wide}))").repeat(200);
        let values = "(i32.const 0)".repeat(900);
        let drops = "drop ".repeat(900);
        let wide = check_text(&format!("(func {values} {loops} {drops})"));
        let locals = format!("(func (local {}) {})", "i64 ".repeat(40_000), "(loop)".repeat(2000));
        let deep = format!("(func {} {})", "block ".repeat(5000), "end ".repeat(5000));
        for refused in [wide, check_text(&locals), check_text(&deep)] {
            let Err(NotAResult::Compile(reason)) = refused else { panic!("{refused:?}") };
            assert!(reason.contains("too large for the native engine"), "{reason}");
        }
    }
}

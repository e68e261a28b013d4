//! How much a function would cost to compile: a bound that is looked at before the compiler is.
//!
//! Compilers hold values for each label of a function, so that a few kilobytes of WASM can ask for gigabytes: blocks that pass
//! many values, many locals across many loops, or calls that take and give hundreds of values. Deep nesting costs them more than its length too, and their time grows
//! with the square of a function's basic blocks. Lowering has no such trouble, so that the interpreter runs what is
//! refused here. Owns the bounds; assumes a normalised module, or what was made of one.

use std::collections::BTreeSet;

use wasmparser::{BinaryReaderError, BlockType, ElementItems, FunctionBody, Operator, Parser, Payload, TypeRef};

use crate::ending::NotAResult;

/// Most labels times values (locals, and parameters and results of blocks) of a function.
const FUNCTION_MAX: u64 = 1 << 25;
/// Most of the same, over all functions.
const MODULE_MAX: u64 = 1 << 30;
/// Most locals of a function: WASM's 50,000 count up to 990 parameters too, and instrumentation adds one of each of five types for each of
/// up to 990 values that a call or branch passes.
const LOCALS_MAX: u64 = 44_000;
/// Most values over all functions, whether any code uses them: the compiler takes some 120 ns for each.
const VALUES_TOTAL_MAX: u64 = 1 << 24;
/// Deepest nesting of blocks.
const NESTING_MAX: u64 = 4096;
/// Most types. The compiler takes a quarter of a millisecond for each, and ordinary modules have a few hundred.
const TYPES_MAX: u64 = 1 << 14;
/// Most functions: however small, each costs the compiler seven kilobytes.
const FUNCTIONS_MAX: u64 = 1 << 17;
/// Most items of all element segments: each that is an expression costs the compiler 700 bytes.
const ELEMENT_ITEMS_MAX: u64 = 1 << 19;
/// Most points of an instrumented function at which basic blocks begin. Calls and branches, at which fuel is looked at,
/// cost about 12 ns times the square of their number in release builds of the compiler: a dozen seconds here.
const POINTS_MAX: u64 = 1 << 15;
/// Most squares of the same, over all functions.
const POINTS_SQUARED_MAX: u64 = 1 << 31;

/// Most merges of a function: for each label, the locals that are set inside. There the compiler may have to choose between
/// two values of the local. A million cost it about 15 s and 1.7 GB where the labels are loops.
const MERGES_MAX: u64 = 1 << 18;
/// Most merges over all functions.
const MERGES_TOTAL_MAX: u64 = 1 << 20;

/// Values of a call that cost the compiler as little as any: what is beyond them is counted.
const CALL_WIDTH: u64 = 16;
/// Most values beyond those, over all calls of a function. Where they feed each other each costs the compiler some tens of microseconds.
const PASSED_MAX: u64 = 1 << 17;
/// Most of the same, over all functions.
const PASSED_TOTAL_MAX: u64 = 1 << 19;

/// Checks that a normalised module is within what the native engine compiles.
///
/// # Errors
/// [`NotAResult::TooLarge`] says what is.
pub fn check(normalised: &[u8]) -> Result<(), NotAResult> {
    let unreadable = |error: BinaryReaderError| NotAResult::Compile(error.to_string());
    let mut widths = Widths::default();
    let (mut index, mut total, mut values, mut merges, mut passed) = (0, 0u64, 0u64, 0u64, 0u64);
    let mut points = Points::default();
    for payload in Parser::new(0).parse_all(normalised) {
        match payload.map_err(unreadable)? {
            Payload::TypeSection(reader) => {
                few_enough("types", reader.count().into(), TYPES_MAX)?;
                for ty in reader.into_iter_err_on_gc_types() {
                    let ty = ty.map_err(unreadable)?;
                    widths.types.push((ty.params().len() + ty.results().len()) as u64);
                }
            }
            Payload::ImportSection(reader) => {
                for import in reader.into_imports() {
                    if let TypeRef::Func(ty) = import.map_err(unreadable)?.ty {
                        widths.functions.push(ty);
                    }
                }
            }
            Payload::FunctionSection(reader) => {
                few_enough("functions", reader.count().into(), FUNCTIONS_MAX)?;
                for ty in reader {
                    widths.functions.push(ty.map_err(unreadable)?);
                }
            }
            Payload::ElementSection(reader) => {
                let mut items = 0;
                for element in reader {
                    items += match element.map_err(unreadable)?.items {
                        ElementItems::Functions(functions) => u64::from(functions.count()),
                        ElementItems::Expressions(_, expressions) => u64::from(expressions.count()),
                    };
                }
                few_enough("items of element segments", items, ELEMENT_ITEMS_MAX)?;
            }
            Payload::CodeSectionEntry(body) => {
                let appetite = measure(&body, &widths).map_err(unreadable)?;
                total = total.saturating_add(appetite.product());
                values = values.saturating_add(appetite.values);
                merges = merges.saturating_add(appetite.merges);
                passed = passed.saturating_add(appetite.passed);
                // Instrumented there are no fewer, and instrumenting takes memory for each.
                points.add(index, appetite.points)?;
                let (limit, got) = match appetite {
                    Appetite { nesting, .. } if nesting > NESTING_MAX => (NESTING_MAX, nesting),
                    Appetite { locals, .. } if locals > LOCALS_MAX => (LOCALS_MAX, locals),
                    _ if values > VALUES_TOTAL_MAX => (VALUES_TOTAL_MAX, values),
                    _ if appetite.product() > FUNCTION_MAX => (FUNCTION_MAX, appetite.product()),
                    _ if total > MODULE_MAX => (MODULE_MAX, total),
                    Appetite { merges, .. } if merges > MERGES_MAX => (MERGES_MAX, merges),
                    _ if merges > MERGES_TOTAL_MAX => (MERGES_TOTAL_MAX, merges),
                    Appetite { passed, .. } if passed > PASSED_MAX => (PASSED_MAX, passed),
                    _ if passed > PASSED_TOTAL_MAX => (PASSED_TOTAL_MAX, passed),
                    _ => {
                        index += 1;
                        continue;
                    }
                };
                return Err(NotAResult::TooLarge(format!(
                    "function {index} is too large to compile: {got} of {limit} ({} labels, {} values, {} merges, {} passed, {} deep)",
                    appetite.labels, appetite.values, appetite.merges, appetite.passed, appetite.nesting
                )));
            }
            _ => {}
        }
    }
    Ok(())
}

fn few_enough(what: &str, got: u64, limit: u64) -> Result<(), NotAResult> {
    if got <= limit {
        return Ok(());
    }
    Err(NotAResult::TooLarge(format!("{got} {what} are too many to compile: {limit} at most")))
}

/// Checks that an instrumented module's functions have no more basic blocks than the native engine compiles in good time.
///
/// # Errors
/// [`NotAResult::TooLarge`] says what is.
pub fn check_points(instrumented: &[u8]) -> Result<(), NotAResult> {
    let unreadable = |error: BinaryReaderError| NotAResult::Compile(error.to_string());
    let (mut index, mut all) = (0, Points::default());
    for payload in Parser::new(0).parse_all(instrumented) {
        let Payload::CodeSectionEntry(body) = payload.map_err(unreadable)? else { continue };
        let mut points = 0u64;
        for operator in body.get_operators_reader().map_err(unreadable)? {
            points += points_of(&operator.map_err(unreadable)?);
        }
        all.add(index, points)?;
        index += 1;
    }
    Ok(())
}

/// Basic blocks that begin at an operator; of those that the compiler makes calls and checks of, as many as cost it what they do.
/// Growing a memory costs it memory too: eight bytes times the square of their number.
fn points_of(operator: &Operator<'_>) -> u64 {
    use Operator as O;
    match operator {
        O::Block { .. } | O::Loop { .. } | O::If { .. } | O::BrIf { .. } => 1,
        O::BrTable { targets } => u64::from(targets.len()) + 1,
        O::TableGet { .. } | O::TableSet { .. } | O::RefFunc { .. } | O::ElemDrop { .. } | O::DataDrop { .. } => 2,
        O::CallIndirect { .. } => 3,
        O::MemoryCopy { .. } | O::MemoryFill { .. } | O::MemoryInit { .. } => 4,
        O::TableCopy { .. } | O::TableInit { .. } | O::TableFill { .. } | O::TableGrow { .. } => 5,
        O::MemoryGrow { .. } => 6,
        _ => 0,
    }
}

/// Squares of the functions' basic blocks.
#[derive(Default)]
struct Points {
    squared: u64,
}

impl Points {
    fn add(&mut self, index: u32, points: u64) -> Result<(), NotAResult> {
        self.squared = self.squared.saturating_add(points.saturating_mul(points));
        let too_large = |limit: u64, got: u64| {
            let message =
                format!("function {index} is too large to compile: {got} of {limit} ({points} basic blocks begin)");
            Err(NotAResult::TooLarge(message))
        };
        if points > POINTS_MAX {
            return too_large(POINTS_MAX, points);
        }
        if self.squared > POINTS_SQUARED_MAX {
            return too_large(POINTS_SQUARED_MAX, self.squared);
        }
        Ok(())
    }
}

/// Parameters and results: of each type, and the type of each function.
#[derive(Default)]
struct Widths {
    types: Vec<u64>,
    functions: Vec<u32>,
}

impl Widths {
    fn of_type(&self, index: u32) -> u64 {
        self.types.get(index as usize).copied().unwrap_or(0)
    }

    fn of_function(&self, index: u32) -> u64 {
        self.functions.get(index as usize).map_or(0, |ty| self.of_type(*ty))
    }
}

struct Appetite {
    locals: u64,
    labels: u64,
    values: u64,
    merges: u64,
    nesting: u64,
    passed: u64,
    points: u64,
}

impl Appetite {
    fn product(&self) -> u64 {
        self.labels.saturating_mul(self.values)
    }
}

fn measure(body: &FunctionBody<'_>, widths: &Widths) -> Result<Appetite, BinaryReaderError> {
    let mut appetite = Appetite { locals: 0, labels: 1, values: 0, merges: 0, nesting: 0, passed: 0, points: 0 };
    // Open blocks, and the locals that have been set in each. A local that is set in a block is set in those around it.
    let mut open: Vec<BTreeSet<u32>> = Vec::new();
    for group in body.get_locals_reader()? {
        appetite.locals += u64::from(group?.0);
    }
    appetite.values = appetite.locals;
    for operator in body.get_operators_reader()? {
        let operator = operator?;
        appetite.points += points_of(&operator);
        match operator {
            Operator::Block { blockty } | Operator::Loop { blockty } | Operator::If { blockty } => {
                open.push(BTreeSet::new());
                appetite.nesting = appetite.nesting.max(open.len() as u64);
                appetite.labels += 1;
                appetite.values += match blockty {
                    BlockType::Empty => 0,
                    BlockType::Type(_) => 1,
                    BlockType::FuncType(index) => widths.of_type(index),
                };
            }
            Operator::Call { function_index } => {
                appetite.passed += widths.of_function(function_index).saturating_sub(CALL_WIDTH);
            }
            Operator::CallIndirect { type_index, .. } => {
                appetite.passed += widths.of_type(type_index).saturating_sub(CALL_WIDTH);
            }
            Operator::End => {
                open.pop();
            }
            Operator::LocalSet { local_index } | Operator::LocalTee { local_index } => {
                // What is beyond the bound is refused; counting it all would be what the bound is there to avoid.
                for set in open.iter_mut().rev() {
                    if !set.insert(local_index) {
                        break;
                    }
                    appetite.merges += 1;
                }
                if appetite.merges > MERGES_MAX || appetite.nesting > NESTING_MAX {
                    return Ok(appetite);
                }
            }
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

    /// Each is a call of the engine, for which the compiler takes some 2.5 KB.
    #[test]
    fn references_and_dropped_segments_count_as_the_calls_that_they_become() {
        let many = |operator: &str, count: usize| {
            let module = format!(r#"(elem $e func $f) (data $d "") (func $f {})"#, operator.repeat(count));
            check_points(&wat::parse_str(format!("(module {module})")).unwrap())
        };
        for operator in ["(elem.drop $e)", "(data.drop $d)", "(drop (ref.func $f))"] {
            many(operator, 10_000).unwrap();
            assert!(matches!(many(operator, 17_000), Err(NotAResult::TooLarge(_))), "{operator}");
        }
    }

    #[test]
    fn many_locals_that_are_set_in_many_loops_are_left_to_the_interpreter() {
        let sets = |count: usize| (0..count).map(|i| format!("(local.set {i} (i64.const {i}))")).collect::<String>();
        let nest = |locals: usize, depth: usize| {
            let (locals_text, ends) = ("i64 ".repeat(locals), "(br_if 0 (i32.const 0)) end ".repeat(depth));
            format!("(func (local {locals_text}) {} {} {ends})", "loop ".repeat(depth), sets(locals))
        };
        check_text(&nest(200, 200)).unwrap();
        check_text(&nest(200, 100).repeat(50)).unwrap();
        // Set one after the other, in no block: nothing is merged.
        check_text(&format!("(func (local {}) {})", "i64 ".repeat(5000), sets(5000))).unwrap();
        for refused in [nest(1000, 300), nest(200, 200).repeat(27)] {
            let Err(NotAResult::TooLarge(reason)) = check_text(&refused) else { panic!("compiled") };
            assert!(reason.contains("merges"), "{reason}");
        }
    }

    #[test]
    fn many_basic_blocks_are_left_to_the_interpreter() {
        let points = |count: usize| format!("(func {})", "(br_if 0 (i32.const 0))".repeat(count));
        let check = |body: &str| check_points(&wat::parse_str(format!("(module {body})")).unwrap());
        check(&points(1 << 15)).unwrap();
        check(&points(1 << 12).repeat(100)).unwrap();
        for refused in [points((1 << 15) + 1), points(1 << 14).repeat(9)] {
            let Err(NotAResult::TooLarge(reason)) = check(&refused) else { panic!("compiled") };
            assert!(reason.contains("basic blocks"), "{reason}");
        }
    }

    /// Each of these took the compiler more than ten seconds or a gigabyte, at a few tens of kilobytes.
    #[test]
    fn many_checked_operators_are_left_to_the_interpreter() {
        let operators = [
            ("(drop (memory.grow (i32.const 0)))", 5461),
            ("(drop (table.get (i32.const 0)))", 16_384),
            ("(call_indirect (i32.const 0))", 10_922),
            ("(memory.fill (i32.const 0) (i32.const 0) (i32.const 0))", 8192),
            ("(table.copy (i32.const 0) (i32.const 0) (i32.const 0))", 6553),
        ];
        for (operator, most) in operators {
            let of =
                |count: usize| check_text(&format!("(memory 1)(table 1 funcref)(func {})", operator.repeat(count)));
            of(most).unwrap();
            let Err(NotAResult::TooLarge(reason)) = of(most + 1) else { panic!("compiled: {operator}") };
            assert!(reason.contains("basic blocks"), "{reason}");
        }
    }

    /// A few kilobytes of such calls took the compiler minutes and gigabytes.
    #[test]
    fn wide_calls_are_left_to_the_interpreter() {
        let wide = |calls: usize, call: &str| {
            let (types, values, drops) = ("i32 ".repeat(990), "(i32.const 0)".repeat(990), "drop ".repeat(990));
            let g = format!("(type $w (func (param {types}) (result {types})))(func $g (type $w) {values})");
            let f = format!("(func {values} {} {drops})", call.repeat(calls));
            format!("(table 1 funcref){g}{f}")
        };
        let indirect = "(call_indirect (type $w) (i32.const 0))";
        check_text(&wide(60, "(call $g)")).unwrap();
        let narrow = "(drop (call $h (i64.const 0) (i64.const 0)))".repeat(20_000);
        check_text(&format!("(func $h (param i64 i64) (result i64) (local.get 0))(func {narrow})")).unwrap();
        for refused in [wide(70, "(call $g)"), wide(70, indirect)] {
            let Err(NotAResult::TooLarge(reason)) = check_text(&refused) else { panic!("compiled") };
            assert!(reason.contains("passed"), "{reason}");
        }
    }

    /// What is refused for its basic blocks is refused before it is instrumented.
    #[test]
    fn many_basic_blocks_are_seen_in_the_source() {
        let loops = "(loop)".repeat((1 << 15) + 1);
        let Err(NotAResult::TooLarge(reason)) = check_text(&format!("(func {loops})")) else { panic!("compiled") };
        assert!(reason.contains("basic blocks begin"), "{reason}");
    }

    #[test]
    fn wide_blocks_many_locals_and_deep_nesting_are_left_to_the_interpreter() {
        let wide = "i32 ".repeat(900);
        let loops = format!("(loop (param {wide}) (result {wide}))").repeat(200);
        let values = "(i32.const 0)".repeat(900);
        let drops = "drop ".repeat(900);
        let wide = check_text(&format!("(func {values} {loops} {drops})"));
        let locals = format!("(func (local {}) {})", "i64 ".repeat(40_000), "(loop)".repeat(2000));
        let with_locals = |count: usize| format!("(func (local {}))", "i64 ".repeat(count));
        check_text(&with_locals(44_000)).unwrap();
        check_text(&with_locals(1 << 14).repeat(1 << 10)).unwrap();
        let (most_locals, many_values) = (with_locals(44_001), with_locals(1 << 14).repeat((1 << 10) + 1));
        let deep = format!("(func {} {})", "block ".repeat(5000), "end ".repeat(5000));
        let types = "(type (func))".repeat((1 << 14) + 1);
        let functions = check_text(&"(func)".repeat((1 << 17) + 1));
        let items = check_text(&format!("(elem funcref {})", "(ref.null func)".repeat((1 << 19) + 1)));
        let others = [check_text(&types), functions, items, check_text(&most_locals), check_text(&many_values)];
        for refused in [wide, check_text(&locals), check_text(&deep)].into_iter().chain(others) {
            let Err(NotAResult::TooLarge(reason)) = refused else { panic!("{refused:?}") };
            assert!(reason.contains("to compile"), "{reason}");
        }
    }
}

//! Admitted shapes with very much of one thing.
//!
//! Each is chosen against a stage behind admission: what it would cost an algorithm there that is quadratic, recursive or
//! generous. Sizes stand at the limits of specs/05-lowering.md, or where the product of two things is worst.

use super::Shape;
use super::bytes::{NOTHING, function, functions, leb, module, program, section, text};

/// Bytes that a body may have, less a few for its frame.
const BODY: usize = (1 << 20) - 64;

pub fn shapes() -> Vec<Shape> {
    [blocks(), locals(), operands(), checked(), calls(), whole_modules(), segments(), names_and_numbers()]
        .into_iter()
        .flatten()
        .collect()
}

fn blocks() -> Vec<Shape> {
    vec![
        Shape::admitted("a hundred thousand blocks deep", || nested(&[0x02, 0x40], 100_000)),
        Shape::admitted("a hundred thousand loops deep", || nested(&[0x03, 0x40], 100_000)),
        Shape::admitted("a hundred thousand ifs deep", || nested(&[0x41, 0, 0x04, 0x40], 100_000)),
        Shape::admitted("loops one after another", || function(&repeated(&[0], &[0x03, 0x40, 0x0b], &[]))),
        Shape::admitted("a branch table of a million targets", || function(&branch_table(1_000_000))),
        Shape::admitted("a branch table into four thousand blocks", || {
            let depth = 4000usize;
            let targets: Vec<u8> = (0..300_000u64).flat_map(|target| leb(target % depth as u64)).collect();
            let table = [&[0x41, 7, 0x0e][..], &leb(300_000), &targets, &[0]].concat();
            function(&[&[0][..], &[0x02, 0x40].repeat(depth), &table, &[0x0b].repeat(depth + 1)].concat())
        }),
        // Each target carries a value to its own height: every one needs a stub.
        Shape::admitted("a branch table whose targets all move values", || {
            let depth = 1000usize;
            let opened: Vec<u8> = [0x41, 1, 0x02, 0x7f].repeat(depth);
            let targets: Vec<u8> = (0..100_000u64).flat_map(|target| leb(target % depth as u64)).collect();
            let table = [&[0x41, 5, 0x41, 3, 0x0e][..], &leb(100_000), &targets, &[0]].concat();
            // At each end the block's result and the constant below it are two values; one stays.
            function(&[&[0][..], &opened, &table, &[0x0b, 0x6a].repeat(depth), &[0x1a, 0x0b]].concat())
        }),
        Shape::admitted("loops that take and leave 990 values", || {
            let wide = [&leb(990)[..], &[0x7f].repeat(990)].concat();
            let types = [&[2][..], NOTHING, &[0x60], &wide, &wide].concat();
            let body = [&[0][..], &[0x41, 1].repeat(990), &[0x03, 1, 0x0b].repeat(7500), &[0x1a].repeat(990), &[0x0b]];
            let body = body.concat();
            let sized = [&[1][..], &leb(body.len() as u64), &body].concat();
            module(&[section(1, &types), section(3, &[1, 0]), section(8, &[0]), section(10, &sized)])
        }),
        Shape::admitted("a block's worth of dead code behind unreachable", || {
            function(&repeated(&[0, 0x00], &[0x02, 0x40, 0x41, 0, 0x0d, 0, 0x0b], &[]))
        }),
    ]
}

fn locals() -> Vec<Shape> {
    let many = |groups: &[u8], body: &[u8]| function(&[groups, body].concat());
    let fifty_thousand = [1, 0xd0, 0x86, 0x03, 0x7f];
    vec![
        Shape::admitted("fifty thousand locals", move || many(&fifty_thousand, &[0x0b])),
        // As many as the native engine compiles, and a few more, with what instrumentation adds.
        Shape::admitted("44,000 locals in each of three hundred functions", || {
            functions(NOTHING, &[&[1][..], &leb(44_000), &[0x7e, 0x0b]].concat(), 300)
        }),
        Shape::admitted("49,998 locals", || function(&[&[1][..], &leb(49_998), &[0x7e, 0x0b]].concat())),
        Shape::admitted("three thousand locals in each of sixteen thousand functions", || {
            functions(NOTHING, &[&[1][..], &leb(3000), &[0x7e, 0x0b]].concat(), 16_000)
        }),
        Shape::admitted("a hundred thousand declarations of no locals", || {
            function(&[&leb(100_000)[..], &[0, 0x7f].repeat(100_000), &[0x0b]].concat())
        }),
        // Nothing may be allocated for each.
        Shape::admitted("fifty thousand locals in each of a thousand functions", move || {
            functions(NOTHING, &[&fifty_thousand[..], &[0x0b]].concat(), 1000)
        }),
        Shape::admitted("fifty thousand locals in each of a quarter of a million functions", move || {
            functions(NOTHING, &[&fifty_thousand[..], &[0x0b]].concat(), 1 << 18)
        }),
        // All of them live over all branches: what a compiler keeps for each pair is a thousand times the module.
        Shape::admitted("twenty thousand locals live over a hundred thousand branches", || {
            let count = 20_000u64;
            let set: Vec<u8> =
                (0..count).flat_map(|local| [&[0x41, 0, 0x28, 2, 0, 0x21][..], &leb(local)].concat()).collect();
            let sum: Vec<u8> = (0..count).flat_map(|local| [&[0x20][..], &leb(local), &[0x6a]].concat()).collect();
            let branches = [0x20, 0, 0x0d, 0].repeat(100_000);
            let body = [&[1][..], &leb(count), &[0x7f], &set, &branches, &[0x41, 0], &sum, &[0x1a, 0x0b]].concat();
            program(&[(5, vec![1, 0, 1])], &[body])
        }),
        // As many choices between two values of a local as the native engine compiles, one after the other.
        Shape::admitted("four thousand loops that each set sixty-four locals", || {
            let sets: Vec<u8> = (0..64).flat_map(|local| [0x42, 0, 0x21, local]).collect();
            let round = [&[0x03, 0x40][..], &sets, &[0x41, 0, 0x0d, 0, 0x0b]].concat();
            function(&[&[1, 64, 0x7e][..], &round.repeat(3900), &[0x0b]].concat())
        }),
        // A write to a local brings every alias of it home.
        Shape::admitted("a local's fifteen thousand aliases, written and made again", || {
            let round = [&[0x20, 0].repeat(15_000)[..], &[0x41, 1, 0x21, 0], &[0x1a].repeat(15_000)].concat();
            function(&[&[1, 1, 0x7f][..], &round.repeat(20), &[0x0b]].concat())
        }),
        // Instrumentation keeps what a call takes in locals of its own.
        Shape::admitted("44,000 locals, and calls with as many arguments of each type as there can be", || {
            let ty = |value: u8| [&[0x60][..], &leb(990), &[value; 990], &[0]].concat();
            let types = [&[5][..], NOTHING, &ty(0x7f), &ty(0x7e), &ty(0x7d), &ty(0x7c)].concat();
            let constants: [&[u8]; 4] = [&[0x41, 0], &[0x42, 0], &[0x43, 0, 0, 0, 0], &[0x44, 0, 0, 0, 0, 0, 0, 0, 0]];
            let calls: Vec<u8> = (1..=4u8)
                .flat_map(|callee| {
                    // Before each call something is settled, so that its arguments are kept apart.
                    let arguments = constants[usize::from(callee) - 1].repeat(990);
                    [&arguments[..], &[0x02, 0x40, 0x0b, 0x10, callee]].concat()
                })
                .collect();
            let caller = [&[1][..], &leb(44_000), &[0x7e], &calls, &[0x0b]].concat();
            let bodies = [caller, vec![0, 0x0b], vec![0, 0x0b], vec![0, 0x0b], vec![0, 0x0b]];
            let code: Vec<u8> =
                bodies.iter().flat_map(|body| [leb(body.len() as u64), body.clone()].concat()).collect();
            module(&[
                section(1, &types),
                section(3, &[5, 0, 1, 2, 3, 4]),
                section(8, &[0]),
                section(10, &[vec![5], code].concat()),
            ])
        }),
        Shape::admitted("locals of every type by turns", || {
            let groups = [1, 0x7f, 1, 0x7e, 1, 0x7d, 1, 0x7c, 1, 0x70].repeat(10_000);
            function(&[&leb(50_000)[..], &groups, &[0x0b]].concat())
        }),
    ]
}

fn operands() -> Vec<Shape> {
    let sum = |height: usize| [&[0x41, 1].repeat(height)[..], &[0x6a].repeat(height - 1), &[0x1a]].concat();
    vec![
        Shape::admitted("an operand stack of sixty thousand", move || {
            function(&[&[0][..], &sum(60_000), &[0x0b]].concat())
        }),
        // Each block settles what lies below it; each must find it settled.
        Shape::admitted("two hundred thousand blocks over sixty thousand operands", || {
            let below = [0x41, 1].repeat(60_000);
            function(&[&[0][..], &below, &[0x02, 0x40, 0x0b].repeat(200_000), &[0x1a].repeat(60_000), &[0x0b]].concat())
        }),
        // The operands are loaded and used in the end, so that they live over every branch between.
        Shape::admitted("forty thousand operands live over a hundred thousand branches", || {
            let below = [0x41, 0, 0x28, 2, 0].repeat(40_000);
            let branches = [0x41, 0, 0x0d, 0].repeat(100_000);
            let body = [&[0][..], &below, &branches, &[0x6a].repeat(39_999), &[0x1a, 0x0b]].concat();
            program(&[(5, vec![1, 0, 1])], &[body])
        }),
        Shape::admitted("forty thousand operands live over a hundred thousand calls", || {
            let below = [0x41, 0, 0x28, 2, 0].repeat(40_000);
            let calls = [0x10, 1].repeat(100_000);
            let body = [&[0][..], &below, &calls, &[0x6a].repeat(39_999), &[0x1a, 0x0b]].concat();
            program(&[(5, vec![1, 0, 1])], &[body, vec![0, 0x0b]])
        }),
        Shape::admitted("thirty thousand operands live over blocks, ifs and loops", || {
            let below = [0x41, 0, 0x28, 2, 0].repeat(30_000);
            let control = [0x03, 0x40, 0x41, 0, 0x04, 0x40, 0x05, 0x0b, 0x0b].repeat(40_000);
            let body = [&[0][..], &below, &control, &[0x6a].repeat(29_999), &[0x1a, 0x0b]].concat();
            program(&[(5, vec![1, 0, 1])], &[body])
        }),
        Shape::admitted("a body of nothing but selects", || {
            function(&repeated(&[0, 0x41, 1], &[0x41, 2, 0x41, 0, 0x1b], &[0x1a]))
        }),
        // Every result may be a NaN that a store shows.
        Shape::admitted("a body of nothing but divisions of zero by zero, stored", || {
            let round = [&[0x41, 0, 0x44][..], &[0; 8], &[0x44], &[0; 8], &[0xa3, 0x39, 3, 0]].concat();
            program(&[(5, vec![1, 0, 1])], &[repeated(&[0], &round, &[])])
        }),
        // A division may trap anywhere.
        Shape::admitted("a body of nothing but divisions", || {
            function(&repeated(&[0, 0x41, 1], &[0x41, 1, 0x6d], &[0x1a]))
        }),
    ]
}

/// Operators that a compiler makes calls and checks of, in mass: about as many of each as the native engine compiles,
/// and many more. Of those that are three bytes, and a call for the compiler, there are also many over many functions.
fn checked() -> Vec<Shape> {
    const OPERATORS: [(&str, &[u8], usize); 11] = [
        ("memory.grow", &[0x41, 0, 0x40, 0, 0x1a], 4600),
        ("table.get", &[0x41, 0, 0x25, 0, 0x1a], 16_000),
        ("call_indirect", &[0x41, 0, 0x11, 0, 0], 8000),
        ("memory.fill", &[0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 11, 0], 6500),
        ("memory.copy", &[0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 10, 0, 0], 6500),
        ("table.copy", &[0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 14, 0, 0], 5400),
        ("table.grow", &[0xd0, 0x70, 0x41, 0, 0xfc, 15, 0, 0x1a], 5400),
        ("table.fill", &[0x41, 0, 0xd0, 0x70, 0x41, 0, 0xfc, 17, 0], 5400),
        ("elem.drop", &[0xfc, 13, 0], 16_000),
        ("data.drop", &[0xfc, 9, 0], 16_000),
        ("ref.func", &[0xd2, 0, 0x1a], 16_000),
    ];
    /// The last of them, which are a call and nothing else.
    const CALLS: usize = 3;
    let shape = |name: String, bytes: &'static [u8], count: usize, functions: usize| {
        Shape::admitted(&name, move || {
            let body = [&[0][..], &bytes.repeat(count), &[0x0b]].concat();
            // A table, a memory, and two segments to drop, one of which has a reference to the first function.
            let (table, memory) = (vec![1, 0x70, 1, 1, 2], vec![1, 0, 1]);
            let (elements, data) = (vec![1, 1, 0, 1, 0], vec![1, 1, 1, 0x55]);
            let sections = [(4, table), (5, memory), (9, elements), (11, data), (12, vec![1])];
            program(&sections, &vec![body; functions])
        })
    };
    let both = |(name, bytes, most): (&str, &'static [u8], usize)| {
        let more = (BODY / bytes.len()).min(60_000);
        [shape(format!("{most} of {name}"), bytes, most, 1), shape(format!("{more} of {name}"), bytes, more, 1)]
    };
    let spread = |(name, bytes, _): (&str, &'static [u8], usize)| {
        shape(format!("a hundred of {name} in each of two thousand functions"), bytes, 100, 2000)
    };
    let calls = OPERATORS.into_iter().skip(OPERATORS.len() - CALLS);
    OPERATORS.into_iter().flat_map(both).chain(calls.map(spread)).collect()
}

/// Two bytes that a compiler sees as hundreds of values that come from the call before and go to the next.
fn calls() -> Vec<Shape> {
    let named = |name: &str, width: usize, calls: usize| {
        Shape::admitted(name, move || {
            let wide = [&leb(width as u64)[..], &vec![0x7f; width]].concat();
            let types = [&[2][..], NOTHING, &[0x60], &wide, &wide].concat();
            let caller = [&[0x41, 0].repeat(width)[..], &[0x10, 1].repeat(calls), &[0x1a].repeat(width), &[0x0b]];
            let callee: Vec<u8> = (0..width as u64).flat_map(|local| [vec![0x20], leb(local)].concat()).collect();
            let bodies = [[vec![0], caller.concat()].concat(), [vec![0], callee, vec![0x0b]].concat()];
            let code: Vec<u8> =
                bodies.iter().flat_map(|body| [leb(body.len() as u64), body.clone()].concat()).collect();
            let code = [vec![2], code].concat();
            module(&[section(1, &types), section(3, &[2, 0, 1]), section(8, &[0]), section(10, &code)])
        })
    };
    vec![
        named("sixty calls that take and give 990 values", 990, 60),
        named("nine hundred calls that take and give 990 values", 990, 900),
        named("sixteen thousand calls that take and give 990 values", 990, 16_900),
        named("eight thousand calls that take and give a hundred values", 100, 8000),
    ]
}

fn whole_modules() -> Vec<Shape> {
    vec![
        Shape::admitted("fifty megabytes of small functions", || {
            functions(NOTHING, &[&[0][..], &[0x41, 0, 0x1a].repeat(70), &[0x0b]].concat(), 1 << 18)
        }),
        Shape::admitted("nearly as many instructions as a program may have", || stores(70)),
        Shape::admitted("more instructions than a program may have", || stores(110)),
        Shape::admitted("thirty thousand functions that each call the next", || {
            let count = 30_000u64;
            let bodies: Vec<Vec<u8>> = (1..=count)
                .map(|next| [&[0, 0x10][..], &leb(if next == count { 0 } else { next }), &[0x0b]].concat())
                .collect();
            program(&[], &bodies)
        }),
        Shape::admitted("sixty thousand types, all different", || {
            let types: Vec<u8> = (0..60_000u32)
                .flat_map(|number| {
                    let value = |bit: u32| if number >> bit & 1 == 1 { 0x7f } else { 0x7e };
                    [&[0x60, 16][..], &(0..16).map(value).collect::<Vec<u8>>(), &[0]].concat()
                })
                .collect();
            module(&[section(1, &[&leb(60_000)[..], &types].concat())])
        }),
        Shape::admitted("sixty thousand globals, each a sum, and a function that writes them all", || {
            let global = |number: u64| format!("(global (mut i64) (i64.add (i64.const {number}) (i64.const 1)))");
            let write = |number: u64| format!("(global.set {number} (global.get {}))", 59_999 - number);
            let (globals, writes) = ((0..60_000).map(global), (0..60_000).map(write));
            let (globals, writes) = (globals.collect::<String>(), writes.collect::<String>());
            text(&format!("(module {globals} (func $start {writes}) (start $start))"))
        }),
        Shape::admitted("a quarter of a million exports of one function under long names", || {
            let export = |number: u64| [&leb(100)[..], format!("{number:0100}").as_bytes(), &[0, 0]].concat();
            let exports: Vec<u8> = (0..1 << 18).flat_map(export).collect();
            program(&[(7, [leb(1 << 18), exports].concat())], &[vec![0, 0x0b]])
        }),
        Shape::admitted("a custom section of sixty megabytes", || custom(b"dump", &vec![0xaa; 60 << 20])),
        Shape::admitted("a million empty custom sections", || module(&vec![section(0, &[1, 0x78]); 1_000_000])),
    ]
}

fn segments() -> Vec<Shape> {
    vec![
        Shape::admitted("a memory of four gigabytes", || text("(module (memory 65536))")),
        Shape::admitted("a byte of data at the end of four gigabytes", || {
            text(r#"(module (memory 65536) (data (i32.const 0xffffffff) "a"))"#)
        }),
        Shape::admitted("a byte of data in each of sixty thousand pages", || {
            let data: String = (0..60_000).map(|page| format!(r#"(data (i32.const {:#x}) "a")"#, page << 16)).collect();
            text(&format!("(module (memory 65536) {data})"))
        }),
        Shape::admitted("a table of a million that may grow to four billion", || {
            text("(module (table 1048576 0xffffffff funcref))")
        }),
        Shape::admitted("thirty-two tables of a million", || {
            text(&format!("(module {})", "(table 1048576 funcref)".repeat(32)))
        }),
        Shape::admitted("forty megabytes of data", || {
            let data = vec![0x55; 40 << 20];
            let segment = [&[1, 0, 0x41, 0, 0x0b][..], &leb(data.len() as u64), &data].concat();
            module(&[section(5, &[&[1, 0][..], &leb(640)].concat()), section(11, &segment)])
        }),
        Shape::admitted("forty megabytes of passive data, initialised and dropped", || {
            let data = vec![0x55; 40 << 20];
            let segment = [&[1, 1][..], &leb(data.len() as u64), &data].concat();
            let length = [&[0x41][..], &[0x80, 0x80, 0x80, 0x14]].concat();
            let body = [&[0, 0x41, 0, 0x41, 0][..], &length, &[0xfc, 8, 0, 0, 0xfc, 9, 0, 0x0b]].concat();
            program(&[(5, [&[1, 0][..], &leb(640)].concat()), (12, vec![1]), (11, segment)], &[body])
        }),
        Shape::admitted("sixty thousand data segments over one another", || {
            let segment = [&[0, 0x41, 0, 0x0b][..], &leb(900), &[0x11; 900]].concat();
            module(&[section(5, &[1, 0, 1]), section(11, &[leb(60_000), segment.repeat(60_000)].concat())])
        }),
        Shape::admitted("sixty thousand passive segments, each used and dropped", || {
            let segments = [leb(60_000), [1, 1, 0x77].repeat(60_000)].concat();
            let using = |segment: u64| {
                [&[0x41, 0, 0x41, 0, 0x41, 1, 0xfc, 8][..], &leb(segment), &[0, 0xfc, 9], &leb(segment)].concat()
            };
            let body = [vec![0], (0..60_000).flat_map(using).collect(), vec![0x0b]].concat();
            program(&[(5, vec![1, 0, 1]), (12, leb(60_000)), (11, segments)], &[body])
        }),
        Shape::admitted("two million null references in a segment", || {
            let items = [&[1, 5, 0x70][..], &leb(2 << 20), &[0xd0, 0x70, 0x0b].repeat(2 << 20)].concat();
            module(&[section(9, &items)])
        }),
        Shape::admitted("two million references to one function, into a table one after another", || {
            let count = 65_000u64;
            let segment = [&[0, 0x41, 0, 0x0b][..], &leb(32), &[0; 32]].concat();
            let segments = [leb(count), segment.repeat(count as usize)].concat();
            program(&[(4, [&[1, 0x70, 0][..], &leb(32)].concat()), (9, segments)], &[vec![0, 0x0b]])
        }),
    ]
}

fn names_and_numbers() -> Vec<Shape> {
    vec![
        // The specification makes the name of a custom section part of the format, and nothing behind it.
        Shape::admitted("names that are no UTF-8 in the names' section", || custom(b"name", b"\xff\xff\xff")),
        Shape::admitted("a module's name that is no UTF-8", || custom(b"name", b"\x00\x03\x02\xff\xfe")),
        Shape::admitted("producers that are no UTF-8", || custom(b"producers", &[0x80; 100])),
        Shape::admitted("debug information that is empty", || custom(b".debug_info", b"")),
        // Numbers may be padded up to their full width.
        Shape::admitted("a constant padded to five bytes", || constant(&[0x80, 0x80, 0x80, 0x80, 0x00])),
        Shape::admitted("a negative constant padded to five bytes", || constant(&[0xff, 0xff, 0xff, 0xff, 0x7f])),
        Shape::admitted("a count padded to five bytes", || {
            module(&[section(1, &[&[0x81, 0x80, 0x80, 0x80, 0x00][..], NOTHING].concat())])
        }),
        // Folding has no recursion.
        Shape::admitted("a constant expression of a million additions", || {
            let sum = [&[0x41, 1][..], &[0x41, 1, 0x6a].repeat(1_000_000), &[0x0b]].concat();
            module(&[section(6, &[&[1, 0x7f, 0][..], &sum].concat())])
        }),
        Shape::admitted("a constant expression a million operands tall", || {
            let tall = [&[0x41, 1].repeat(1_000_000)[..], &[0x6a].repeat(999_999), &[0x0b]].concat();
            module(&[section(6, &[&[1, 0x7f, 0][..], &tall].concat())])
        }),
        Shape::admitted("no bytes but the header", || module(&[])),
    ]
}

/// So many functions of half a megabyte, all of stores, which nothing folds away: 225,000 instructions each.
fn stores(functions: usize) -> Vec<u8> {
    let round = [0x41, 0, 0x41, 1, 0x36, 2, 0];
    let body = [&[0][..], &round.repeat(BODY / 2 / round.len()), &[0x0b]].concat();
    program(&[(5, vec![1, 0, 1])], &vec![body; functions])
}

/// A body with a branch table of so many targets, all the body itself.
pub fn branch_table(targets: u64) -> Vec<u8> {
    let targets = [&[0x0e][..], &leb(targets), &vec![0; targets as usize + 1]].concat();
    [&[0, 0x41, 0][..], &targets, &[0x0b]].concat()
}

/// A module with one custom section.
pub fn custom(name: &[u8], content: &[u8]) -> Vec<u8> {
    module(&[section(0, &[&leb(name.len() as u64)[..], name, content].concat())])
}

/// A function that drops an `i32.const` of these bytes.
pub fn constant(number: &[u8]) -> Vec<u8> {
    function(&[&[0, 0x41][..], number, &[0x1a, 0x0b]].concat())
}

/// A function that opens so many blocks within one another, and closes them.
fn nested(open: &[u8], depth: usize) -> Vec<u8> {
    function(&[&[0][..], &open.repeat(depth), &[0x0b].repeat(depth + 1)].concat())
}

/// A body as long as one may be: its begin, a round over and over, its end.
fn repeated(begin: &[u8], round: &[u8], end: &[u8]) -> Vec<u8> {
    [begin, &round.repeat((BODY - begin.len() - end.len()) / round.len()), end, &[0x0b]].concat()
}

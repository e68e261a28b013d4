//! Float programs: random data flow of NaNs with all payloads through everything that moves or sees bits.
//!
//! A program is a few functions over f64 and f32 locals, with loops, branches that carry values, calls, selects, and a
//! memory that begins full of NaNs and numbers and is written out at the end.

use crate::{Job, Random};

const DEPTH_MAX: usize = 5;
const LOCALS: usize = 6;

/// The program that a random source makes.
pub fn job(random: Random) -> Job {
    let text = Writer { random }.program();
    Job {
        wasm: wat::parse_str(&text).expect("the writer writes valid programs"),
        input: Vec::new(),
        generator: "floats",
    }
}

/// Writes one program's text.
struct Writer {
    random: Random,
}

impl Writer {
    fn address(&mut self) -> String {
        format!("(i32.const {})", 8 * self.random.below(64))
    }

    /// An i32 that may depend on the input.
    fn condition(&mut self, depth: usize) -> String {
        match self.random.below(4) {
            0 => format!("(i32.load8_u {})", self.address()),
            1 if depth > 0 => {
                let operator = self.random.pick(&["eq", "ne", "lt", "gt", "le", "ge"]);
                format!("(f64.{operator} {} {})", self.value(depth - 1, "f64"), self.value(depth - 1, "f64"))
            }
            2 => "(local.get $i)".into(),
            _ => format!("(i32.and (i32.const 1) (i32.load {}))", self.address()),
        }
    }

    /// An expression of a float type.
    fn value(&mut self, depth: usize, ty: &str) -> String {
        let local = self.random.below(LOCALS);
        if depth == 0 {
            return match self.random.below(4) {
                0 => format!("({ty}.load {})", self.address()),
                1 => {
                    format!("({ty}.const {})", self.random.pick(&["0", "1.5", "-2", "nan", "-nan", "nan:0x123", "inf"]))
                }
                _ => format!("(local.get ${ty}{local})"),
            };
        }
        let depth = depth - 1;
        let (other, bits) = if ty == "f64" { ("f32", "i64") } else { ("f64", "i32") };
        match self.random.below(18) {
            0..=4 => {
                let operator = self.random.pick(&["add", "sub", "mul", "div", "min", "max"]);
                format!("({ty}.{operator} {} {})", self.value(depth, ty), self.value(depth, ty))
            }
            5 | 6 => {
                let operator = self.random.pick(&["sqrt", "ceil", "floor", "trunc", "nearest"]);
                format!("({ty}.{operator} {})", self.value(depth, ty))
            }
            7 => format!("({ty}.neg {})", self.value(depth, ty)),
            8 => format!("({ty}.abs {})", self.value(depth, ty)),
            9 => format!("({ty}.copysign {} {})", self.value(depth, ty), self.value(depth, ty)),
            10 => {
                let operator = if ty == "f64" { "promote_f32" } else { "demote_f64" };
                format!("({ty}.{operator} {})", self.value(depth, other))
            }
            11 => format!("(select {} {} {})", self.value(depth, ty), self.value(depth, ty), self.condition(depth)),
            12 => format!("(local.tee ${ty}{local} {})", self.value(depth, ty)),
            13 => format!("({ty}.reinterpret_{bits} ({bits}.reinterpret_{ty} {}))", self.value(depth, ty)),
            14 => format!(
                "(if (result {ty}) {} (then {}) (else {}))",
                self.condition(depth),
                self.value(depth, ty),
                self.value(depth, ty)
            ),
            15 => format!(
                "(block (result {ty}) {} (br_if 0 {}) (drop) {})",
                self.value(depth, ty),
                self.condition(depth),
                self.value(depth, ty)
            ),
            16 => format!("(global.get ${ty})"),
            _ => format!("(call ${ty} {} {})", self.value(depth, ty), self.value(depth, other)),
        }
    }

    fn statement(&mut self, depth: usize) -> String {
        let ty = self.random.pick(&["f64", "f32"]);
        let local = self.random.below(LOCALS);
        match self.random.below(8) {
            0 | 1 => format!("({ty}.store {} {})", self.address(), self.value(depth, ty)),
            2 => format!("(global.set ${ty} {})", self.value(depth, ty)),
            3 if depth > 0 => {
                format!(
                    "(if {} (then {}) (else {}))",
                    self.condition(depth),
                    self.block(depth - 1),
                    self.block(depth - 1)
                )
            }
            4 if depth > 0 => format!(
                "(local.set $i (i32.const {})) (loop {} (br_if 0 (local.tee $i (i32.shr_u (local.get $i) (i32.const 1)))))",
                self.random.below(16),
                self.block(depth - 1)
            ),
            5 => {
                let (a, b) = (self.value(depth, "f64"), self.value(depth, "f32"));
                let other = self.random.below(LOCALS);
                format!("(call $pair {a} {b}) (local.set $f64{local}) (local.set $f32{other})")
            }
            _ => format!("(local.set ${ty}{local} {})", self.value(depth, ty)),
        }
    }

    fn block(&mut self, depth: usize) -> String {
        (0..1 + self.random.below(4)).map(|_| self.statement(depth)).collect()
    }

    /// A function whose first two locals are its parameters. Callees come first and call nothing, so runs end.
    fn function(&mut self, head: &str, params: [&str; 2], result: &str) -> String {
        let locals: String = ["f64", "f32"]
            .iter()
            .flat_map(|ty| (0..LOCALS).map(move |local| format!("{ty}{local}")))
            .filter(|name| !params.contains(&name.as_str()))
            .map(|name| format!("(local ${name} {})", &name[..3]))
            .collect();
        let body: String = (0..4).map(|_| self.statement(DEPTH_MAX)).collect();
        format!("(func {head} {locals} (local $i i32) {body} {result})\n")
    }

    fn program(&mut self) -> String {
        let memory: String = (0..64).map(|_| self.word()).collect();
        let main = self.function("$main", ["", ""], "");
        // The callees are simple: what matters is that their parameters and results are seen.
        format!(
            r#"(module (import "assay" "output_write" (func $output_write (param i32 i32)))
            (memory (export "memory") 1) (data (i32.const 0) "{memory}")
            (global $f64 (mut f64) (f64.const 0)) (global $f32 (mut f32) (f32.const nan:0x5))
            (func $f64 (param f64 f32) (result f64) (f64.store (i32.const 512) (local.get 0))
              (select (local.get 0) (f64.promote_f32 (local.get 1)) (f32.gt (local.get 1) (f32.const 0))))
            (func $f32 (param f32 f64) (result f32) (f64.store (i32.const 520) (local.get 1))
              (f32.sub (local.get 0) (local.get 0)))
            (func $pair (param f64 f32) (result f32 f64)
              (f32.store (i32.const 528) (local.get 1))
              (f32.demote_f64 (local.get 0)) (f64.add (local.get 0) (local.get 0)))
            {main}
            (func (export "_start") (call $main) (f64.store (i32.const 536) (global.get $f64))
              (f32.store (i32.const 544) (global.get $f32)) (call $output_write (i32.const 0) (i32.const 552))))"#
        )
    }

    /// Eight bytes, escaped: a number, or a NaN of either width.
    fn word(&mut self) -> String {
        let payload = self.random.word();
        let word = match self.random.below(6) {
            0 => payload | 0x7ff0_0000_0000_0001,
            1 => 0x7fa0_0001_ffc0_0000 ^ (payload & 0x8000_0000_8000_0000),
            2 => 0xfff8_0000_0000_0000,
            3 => (payload as u32 as f64).to_bits() ^ (payload & (1 << 63)),
            4 => u64::from((payload as i32 as f32).to_bits()),
            _ => 0,
        };
        word.to_le_bytes().iter().map(|byte| format!("\\{byte:02x}")).collect()
    }
}

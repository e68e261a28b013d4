//! The fast interpreter: modules whose lowering gives each instruction, run on edge operands.
//!
//! ```text
//! operators   every numeric operator on the operands of both vector files, from slots, with an immediate and in branches
//! accesses    every load and store at and across the ends of chunks, pages and memory, the first and the last
//! control     calls, tables, bulk moves, input and output: modules by hand
//! ```
//!
//! Each module runs by the definition, step by step, and by the interpreter's handlers: whole, and with stops whose state hashes
//! must be the definition's. What it leaves in memory is held against the vectors, or against a model of memory that is
//! spelled out here. Steps of each opcode, drawn from these runs, go through the twin and the contract.

use super::three::{Three, next_opcode};
use super::vectors::{self, Operator};
use assay_machine::interpreter::Interpreter;
use assay_machine::isa::Instruction;
use assay_machine::memory::{Memory, Region};
use assay_machine::program::{Limits, Program};
use assay_protocol::{Status, TrapCode};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

/// Steps of each opcode that the twin and the contract make too.
const PROVEN_PER_OPCODE: u32 = 4;
/// Steps between two stops of the fast interpreter; shorter than some modules' straight code, longer than others'.
const STRIDES: &[u64] = &[23, 401];
/// Stops of one run.
const STOPS_MAX: u64 = 400;
/// Bytes of a case's operands or result.
const CASE: usize = 16;
/// Where operands and results begin.
const OPERANDS: usize = 0x1_0000;
const RESULTS: usize = 0x2_0000;
/// Whether a branch was taken; no byte of this is zero once a case has run.
const BRANCHES: usize = 0x3_0000;
const TAKEN: u8 = 1;
const LEFT: u8 = 2;

/// Runs modules, and counts what was covered.
struct Runs<'a> {
    three: &'a mut Three,
    /// Steps by definition of each opcode.
    steps: BTreeMap<u16, u64>,
    /// Of these, steps proven.
    proven: BTreeMap<u16, u32>,
    modules: u64,
    runs: u64,
}

/// All modules. Every instruction that lowering emits must have been run.
pub fn all(three: &mut Three) {
    let mut runs = Runs { three, steps: BTreeMap::new(), proven: BTreeMap::new(), modules: 0, runs: 0 };
    for operator in vectors::all() {
        runs.operator(&operator);
    }
    for memory_pages in [1, 65_536] {
        for access in ACCESSES {
            runs.access(memory_pages, access);
        }
    }
    for (name, wat) in super::modules::ALL {
        let program = runs.program(name, wat);
        runs.check(name, &program, &[7; 2500], Limits::default());
    }
    println!("fast interpreter: {} modules, {} runs", runs.modules, runs.runs);
    for opcode in super::opcodes() {
        if !runs.steps.contains_key(&opcode) && !NEVER_LOWERED.contains(&opcode) {
            runs.three.disagree(format!("no lowered module has run {opcode:#06x}"));
        }
    }
}

/// Instructions that lowering does not emit: images by hand alone hold them.
const NEVER_LOWERED: &[u16] = &[];

impl Runs<'_> {
    fn program(&mut self, name: &str, wat: &str) -> Program {
        self.modules += 1;
        let wasm = wat::parse_str(wat).unwrap_or_else(|error| panic!("{name}: {error}\n{wat}"));
        Program::from_wasm(&wasm).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Runs a program both ways; returns the fast run at its end.
    fn check(&mut self, name: &str, program: &Program, input: &[u8], limits: Limits) -> Interpreter {
        self.runs += 1;
        let input = Arc::new(input.to_vec());
        let boot = || program.boot(input.clone(), limits).expect("this host can hold a machine");
        let mut definition = boot();
        let mut stops = vec![Vec::new(); STRIDES.len()];
        while definition.record().is_running() {
            for (stops, stride) in stops.iter_mut().zip(STRIDES) {
                if definition.steps().is_multiple_of(*stride) && (stops.len() as u64) < STOPS_MAX {
                    stops.push((definition.steps(), definition.state_hash()));
                }
            }
            self.step(name, program, &mut definition);
        }
        let end = (definition.steps(), definition.commit());
        for stops in stops {
            let mut fast = boot();
            for (steps, hash) in stops {
                fast.run_to(steps);
                if (fast.steps(), fast.state_hash()) != (steps, hash) {
                    self.three.disagree(format!("the fast interpreter, {name}, stopped at step {steps}"));
                }
            }
        }
        let mut fast = boot();
        fast.run();
        if (fast.steps(), fast.commit()) != end {
            self.three.disagree(format!("the fast interpreter, {name}: {:?}, wanted {end:?}", fast.record()));
        }
        fast
    }

    /// A step by definition, proven if few of its opcode were.
    fn step(&mut self, name: &str, program: &Program, run: &mut Interpreter) {
        let code = |address: u64| {
            let pc = (address - Region::CODE.base()) as usize / Instruction::SIZE;
            program.image().code[pc].to_bytes()
        };
        let opcode = next_opcode(run.record(), code).expect("a running lowered program fetches");
        *self.steps.entry(opcode).or_default() += 1;
        let proven = self.proven.entry(opcode).or_default();
        if *proven == PROVEN_PER_OPCODE {
            return run.run_one();
        }
        *proven += 1;
        let name = format!("{name}, step {}", run.steps());
        let proof = run.prove_one();
        self.three.agree(Some(opcode), proof.before, &proof.witness, proof.after, &name);
    }

    /// One operator on all its operands: from slots and in a branch by a loop, with an immediate by straight code.
    fn operator(&mut self, operator: &Operator) {
        let name = &operator.name;
        let cases = &operator.cases;
        let looped = self.program(name, &operator_module(operator, true));
        let straight = self.program(name, &operator_module(operator, false));
        for (program, form) in [(&looped, "from slots"), (&straight, "immediate")] {
            let name = format!("{name} {form}");
            let mut run = self.check(&name, program, &u32::MAX.to_le_bytes(), Limits::default());
            if run.record().status != Status::Exit as u8 {
                self.three.disagree(format!("{name}: ended as {:?}", run.record()));
            }
            let results = read(&mut run, RESULTS, CASE * cases.len());
            let branches = read(&mut run, BRANCHES, cases.len());
            for (index, case) in cases.iter().enumerate() {
                let got = u64::from_le_bytes(results[CASE * index..][..8].try_into().expect("eight bytes"));
                match case.result {
                    Ok(wanted) => {
                        let taken = if wanted != 0 { TAKEN } else { LEFT };
                        let branch_holds = !operator.is_comparison() || branches[index] == taken;
                        if got != wanted || !branch_holds {
                            self.three.disagree(format!("{name} of {case:?}: {got:#x}, branch {}", branches[index]));
                        }
                    }
                    Err(code) => {
                        let run = self.check(&name, program, &(index as u32).to_le_bytes(), Limits::default());
                        let end = run.record();
                        if (end.status, end.pc_or_code) != (Status::Trap as u8, code as u32) {
                            self.three.disagree(format!("{name} of {case:?}: {end:?}, wanted {code:?}"));
                        }
                    }
                }
            }
        }
    }

    /// A load or store at every address near an end, with several offsets.
    fn access(&mut self, memory_pages: u64, access: &Access) {
        let size = memory_pages << 16;
        let model = Model::new(size);
        for offset in [0, 1, 1023, 4096, size.min(1 << 32) - 8, (1 << 32) - 1] {
            let inside = |address: &u64| *address >= offset && address - offset < 1 << 32;
            let addresses: Vec<u64> = ends(size).into_iter().filter(inside).collect();
            let name = format!("{} offset={offset} in {memory_pages} pages", access.name);
            let program = self.program(&name, &access.module(memory_pages, offset, &addresses, &model));
            let mut run = self.check(&name, &program, &u32::MAX.to_le_bytes(), Limits::default());
            let mut wanted = model.clone();
            for (index, address) in addresses.iter().enumerate() {
                if address + access.width > size {
                    let run = self.check(&name, &program, &(index as u32).to_le_bytes(), Limits::default());
                    let end = run.record();
                    if (end.status, end.pc_or_code) != (Status::Trap as u8, TrapCode::MemoryOutOfBounds as u32) {
                        self.three.disagree(format!("{name} at {address:#x}: {end:?}"));
                    }
                } else {
                    access.apply(&mut wanted, *address, index);
                }
            }
            for (start, bytes) in &wanted.windows {
                if read(&mut run, *start as usize, bytes.len()) != *bytes {
                    self.three.disagree(format!("{name}: the window from {start:#x} differs from the model"));
                }
            }
        }
    }
}

fn read(run: &mut Interpreter, start: usize, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    run.memory().read(Region::MEMORY.base() + start as u64, &mut bytes);
    bytes
}

/// The head of a module whose input is the index of the one case that traps and shall run, or none.
fn head(memory_pages: u64) -> String {
    format!(
        "(module
          (import \"assay\" \"input_read\" (func $input_read (param i32 i64 i32) (result i32)))
          (memory {memory_pages})
          (func (export \"_start\") (local $chosen i32) (local $i i32)
            (drop (call $input_read (i32.const {CHOSEN}) (i64.const 0) (i32.const 4)))
            (local.set $chosen (i32.load (i32.const {CHOSEN})))
            (i32.store (i32.const {CHOSEN}) (i32.const 0))\n"
    )
}

/// Where the input is read to: beside everything else.
const CHOSEN: usize = 0x5ff0;

fn data(start: u64, bytes: &[u8]) -> String {
    let escaped = bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "\\{byte:02x}").expect("writing to a string succeeds");
        text
    });
    // A negative constant names the upper half.
    format!("(data (i32.const {}) \"{escaped}\")\n", start as u32 as i32)
}

/// A module that stores the result of each case that does not trap, then runs the chosen one that does.
fn operator_module(operator: &Operator, is_looped: bool) -> String {
    let Operator { name, cases, .. } = operator;
    let (of, gives) = (operator.operand_type(), operator.result_type());
    let load = |at: &str, offset: usize| format!("({of}.load offset={offset} {at})");
    let call = |at: &str, b: Option<u64>| match b {
        _ if !operator.is_binary => format!("({name} {})", load(at, OPERANDS)),
        None => format!("({name} {} {})", load(at, OPERANDS), load(at, OPERANDS + 8)),
        Some(b) => format!("({name} {} {})", load(at, OPERANDS), constant(of, b)),
    };
    // `at` is the case's first byte among the operands, `index` its number.
    let run = |at: &str, index: &str, b: Option<u64>| {
        let store = format!("({gives}.store offset={RESULTS} {at} {})\n", call(at, b));
        if !operator.is_comparison() {
            return store;
        }
        format!(
            "{store}(block $left (block $taken (br_if $taken {})
               (i32.store8 offset={BRANCHES} {index} (i32.const {LEFT})) (br $left))
               (i32.store8 offset={BRANCHES} {index} (i32.const {TAKEN})))\n",
            call(at, b)
        )
    };
    let mut text = head(4);
    let traps = |index: usize| cases[index].result.is_err();
    if is_looped {
        // Cases that trap go last.
        let (at, index) = ("(i32.shl (local.get $i) (i32.const 4))", "(local.get $i)");
        let body = run(at, index, None);
        let skip: String = (0..cases.len())
            .filter(|index| traps(*index))
            .map(|index| format!("(br_if $next (i32.eq (local.get $i) (i32.const {index})))\n"))
            .collect();
        write!(
            text,
            "(if (i32.ne (local.get $chosen) (i32.const -1)) (then (local.set $i (local.get $chosen)) {body}))
             (loop $all (block $next {skip} {body})
               (br_if $all (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const {}))))\n",
            cases.len()
        )
        .expect("writing to a string succeeds");
    } else {
        for (index, case) in cases.iter().enumerate() {
            let body = run(&format!("(i32.const {})", CASE * index), &format!("(i32.const {index})"), Some(case.b));
            if traps(index) {
                text += &format!("(if (i32.eq (local.get $chosen) (i32.const {index})) (then {body}))\n");
            } else {
                text += &body;
            }
        }
    }
    text += ")\n";
    for (index, case) in cases.iter().enumerate() {
        let operands = [case.a.to_le_bytes(), case.b.to_le_bytes()].concat();
        text += &data((OPERANDS + CASE * index) as u64, &operands);
    }
    text + ")"
}

/// A constant with these bits, which lowering may make an immediate.
fn constant(of: &str, bits: u64) -> String {
    match of {
        "i32" => format!("(i32.const {})", bits as u32 as i32),
        "i64" => format!("(i64.const {})", bits as i64),
        "f32" => {
            let value = f32::from_bits(bits as u32);
            let sign = if value.is_sign_negative() { "-" } else { "" };
            match value.is_nan() {
                true => format!("(f32.const {sign}nan:{:#x})", bits as u32 & 0x7f_ffff),
                false => format!("(f32.const {})", decimal(value.is_infinite(), sign, format!("{value:e}"))),
            }
        }
        _ => {
            let value = f64::from_bits(bits);
            let sign = if value.is_sign_negative() { "-" } else { "" };
            match value.is_nan() {
                true => format!("(f64.const {sign}nan:{:#x})", bits & 0xf_ffff_ffff_ffff),
                false => format!("(f64.const {})", decimal(value.is_infinite(), sign, format!("{value:e}"))),
            }
        }
    }
}

fn decimal(is_infinite: bool, sign: &str, text: String) -> String {
    if is_infinite { format!("{sign}inf") } else { text }
}

/// A load or a store.
struct Access {
    name: &'static str,
    /// Bytes in memory.
    width: u64,
    /// Of a load: extends the sign of what it reads.
    is_signed: bool,
}

const fn access(name: &'static str, width: u64, is_signed: bool) -> Access {
    Access { name, width, is_signed }
}

const ACCESSES: &[Access] = &[
    access("i32.load", 4, false),
    access("i64.load", 8, false),
    access("f32.load", 4, false),
    access("f64.load", 8, false),
    access("i32.load8_s", 1, true),
    access("i32.load8_u", 1, false),
    access("i32.load16_s", 2, true),
    access("i32.load16_u", 2, false),
    access("i64.load8_s", 1, true),
    access("i64.load8_u", 1, false),
    access("i64.load16_s", 2, true),
    access("i64.load16_u", 2, false),
    access("i64.load32_s", 4, true),
    access("i64.load32_u", 4, false),
    access("i32.store", 4, false),
    access("i64.store", 8, false),
    access("f32.store", 4, false),
    access("f64.store", 8, false),
    access("i32.store8", 1, false),
    access("i32.store16", 2, false),
    access("i64.store8", 1, false),
    access("i64.store16", 2, false),
    access("i64.store32", 4, false),
];

/// Where loads leave what they have read: no end lies there.
const LOADED: usize = 0x7000;

/// Addresses around every end of a memory.
fn ends(size: u64) -> Vec<u64> {
    let around = |end: u64| (end.saturating_sub(9)..end + 2).collect::<Vec<_>>();
    [0, 1024, 2048, 4096, 64_512, 65_536, size - 4096, size - 1024, size].into_iter().flat_map(around).collect()
}

/// The parts of a memory that accesses touch, by their first address. Written anew, not the machine's.
#[derive(Clone)]
struct Model {
    windows: BTreeMap<u64, Vec<u8>>,
}

impl Model {
    fn new(size: u64) -> Self {
        let noise = |start: u64, length: u64| (start..start + length).map(|at| (at * at / 7 + at * 13) as u8).collect();
        let results = vec![0; CASE * ends(size).len()];
        let windows = [
            (0, noise(0, 4200)),
            (LOADED as u64, results),
            (65_536 - 2048, noise(65_536 - 2048, (size - 63_488).min(2100))),
            (size - 5000, noise(size - 5000, 5000)),
        ];
        // In the smallest memory the last two overlap: the longer one holds both.
        let is_small = size == 65_536;
        Self { windows: windows.into_iter().filter(|(start, _)| !(is_small && *start == 63_488)).collect() }
    }

    fn byte(&mut self, address: u64) -> &mut u8 {
        let (start, bytes) = self.windows.range_mut(..=address).next_back().expect("the first window begins at 0");
        &mut bytes[(address - start) as usize]
    }
}

impl Access {
    fn is_store(&self) -> bool {
        self.name.contains("store")
    }

    /// The value that a store of a case writes; its first byte is in the lowest address.
    fn value(index: usize) -> u64 {
        (index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn apply(&self, model: &mut Model, address: u64, index: usize) {
        if self.is_store() {
            for (i, byte) in Self::value(index).to_le_bytes().into_iter().take(self.width as usize).enumerate() {
                *model.byte(address + i as u64) = byte;
            }
            return;
        }
        let read: Vec<u8> = (0..self.width).map(|i| *model.byte(address + i)).collect();
        let fill = if self.is_signed && read[self.width as usize - 1] >= 0x80 { 0xff } else { 0 };
        let result_width = if self.name.starts_with("i64") || self.name.starts_with("f64") { 8 } else { 4 };
        for i in 0..result_width {
            *model.byte((LOADED + CASE * index + i) as u64) = read.get(i).copied().unwrap_or(fill);
        }
    }

    /// Straight code: the accesses inside the memory, and of those outside the chosen one.
    fn module(&self, memory_pages: u64, offset: u64, addresses: &[u64], model: &Model) -> String {
        let mut text = head(memory_pages);
        let of = &self.name[..3];
        for (index, address) in addresses.iter().enumerate() {
            let base = format!("(i32.const {})", (address - offset) as u32 as i32);
            let body = if self.is_store() {
                let value = Self::value(index);
                let value = match of {
                    "f32" => format!("(f32.reinterpret_i32 (i32.const {}))", value as u32 as i32),
                    "f64" => format!("(f64.reinterpret_i64 (i64.const {}))", value as i64),
                    _ => constant(of, value),
                };
                format!("({} offset={offset} {base} {value})\n", self.name)
            } else {
                let at = LOADED + CASE * index;
                format!("({of}.store (i32.const {at}) ({} offset={offset} {base}))\n", self.name)
            };
            if address + self.width > memory_pages << 16 {
                text += &format!("(if (i32.eq (local.get $chosen) (i32.const {index})) (then {body}))\n");
            } else {
                text += &body;
            }
        }
        text += ")\n";
        for (start, bytes) in &model.windows {
            text += &data(*start, bytes);
        }
        text + ")"
    }
}

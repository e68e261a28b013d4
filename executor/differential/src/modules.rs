//! Modules of wasm-smith: any admitted operator in any order, over a memory, tables and globals.
//!
//! Owns the shape of the modules and how likely each kind of them is. What comes out is a program whose entry is
//! [`super::driver`]'s.

use arbitrary::Unstructured;
use wasm_encoder::ValType;
use wasm_smith::{Config, InstructionKind, InstructionKinds, MemoryOffsetChoices, Module};

use crate::driver::{Driving, Function, Rounds, drive};
use crate::{Job, Random};

const TYPES: [ValType; 4] = [ValType::I32, ValType::I64, ValType::F32, ValType::F64];

/// The job that a random source makes of `bytes`; none if they do not make a module.
pub fn job(mut random: Random, bytes: &[u8]) -> Option<Job> {
    let functions = functions(&mut random);
    let config = config(&mut random, shape(&functions));
    let mut module = Module::new(config, &mut Unstructured::new(bytes)).ok()?;
    // Endless loops show little: most modules count their loops and calls, and stop when they have had enough.
    let rounds = if random.one_in(8) {
        None
    } else {
        let count = 1 << (4 + random.below(10));
        Some(Rounds { global: module.ensure_termination(count).ok()?, count })
    };
    // To return instead of trapping lets the calls to come be seen.
    let how = Driving { rounds, returns: !random.one_in(4) };
    let wasm = drive(&module.to_bytes(), &functions, how, &mut random)?;
    let length = random.below(400);
    Some(Job { wasm, input: random.bytes(length), generator: crate::WASM_SMITH })
}

/// Signatures of the functions that the driver calls.
fn functions(random: &mut Random) -> Vec<Function> {
    let types = |random: &mut Random, most: usize| -> Vec<ValType> {
        (0..random.below(most + 1)).map(|_| random.pick(&TYPES)).collect()
    };
    let count = 2 + random.below(4);
    (0..count).map(|_| Function { params: types(random, 4), results: types(random, 3) }).collect()
}

/// A module with the imports and exports that the generated one shall have.
fn shape(functions: &[Function]) -> Vec<u8> {
    let exports: String = functions
        .iter()
        .enumerate()
        .map(|(at, function)| {
            let names = |types: &[ValType]| types.iter().map(|ty| name(*ty)).collect::<Vec<_>>().join(" ");
            let (params, results) = (names(&function.params), names(&function.results));
            format!(r#"(func (export "{at}") (param {params}) (result {results}) unreachable)"#)
        })
        .collect();
    let text = format!(
        r#"(module
            (import "assay" "input_size" (func (result i64)))
            (import "assay" "input_read" (func (param i32 i64 i32) (result i32)))
            (import "assay" "output_write" (func (param i32 i32)))
            (import "assay" "exit" (func (param i32)))
            (memory (export "memory") 1 3) {exports})"#
    );
    wat::parse_str(text).expect("the shape is valid")
}

fn name(ty: ValType) -> &'static str {
    match ty {
        ValType::I64 => "i64",
        ValType::F32 => "f32",
        ValType::F64 => "f64",
        _ => "i32",
    }
}

fn config(random: &mut Random, shape: Vec<u8>) -> Config {
    use InstructionKind::{Control, Memory, Numeric, NumericInt, Parametric, Reference, Table, Variable};
    let kinds: &[&[InstructionKind]] = &[
        &[Numeric, Reference, Parametric, Variable, Table, Memory, Control],
        &[Numeric, Parametric, Variable, Memory, Control],
        &[NumericInt, Parametric, Variable, Memory, Control],
        &[Numeric, Variable, Control],
        &[Reference, Parametric, Variable, Table, Control],
    ];
    // References come with externref, for which funcref is put.
    let has_references = random.one_in(3);
    let kinds = if has_references { kinds[4 * random.below(2)] } else { kinds[random.below(4)] };
    let offsets = random.pick(&[(95, 4, 1), (1, 0, 0), (60, 30, 10)]);
    Config {
        module_shape: Some(shape),
        allowed_instructions: InstructionKinds::new(kinds),
        max_memories: 1,
        min_tables: u32::from(random.one_in(2)),
        max_tables: if has_references { 3 } else { 1 },
        max_table_elements: 100,
        max_funcs: 8 + random.below(6),
        max_globals: random.below(8),
        max_types: 12 + random.below(12),
        max_type_size: 300,
        max_elements: 20,
        max_element_segments: 6,
        max_data_segments: 6,
        max_instructions: 20 + random.below(160),
        memory_offset_choices: MemoryOffsetChoices(offsets.0, offsets.1, offsets.2),
        disallow_traps: !random.one_in(3),
        allow_start_export: random.one_in(4),
        bulk_memory_enabled: true,
        reference_types_enabled: has_references,
        multi_value_enabled: true,
        saturating_float_to_int_enabled: true,
        sign_extension_ops_enabled: true,
        extended_const_enabled: true,
        canonicalize_nans: false,
        simd_enabled: false,
        relaxed_simd_enabled: false,
        exceptions_enabled: false,
        tail_call_enabled: false,
        threads_enabled: false,
        gc_enabled: false,
        memory64_enabled: false,
        custom_page_sizes_enabled: false,
        wide_arithmetic_enabled: false,
        ..Config::default()
    }
}

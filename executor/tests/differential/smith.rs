//! Programs of wasm-smith: any admitted operator in any order. Mostly they trap soon, so many are run.

use wasm_smith::{Config, Module};

use super::*;

/// What every program exports and what it may import.
const EXPORTS: &str = r#"(module (func (export "_start")))"#;
const IMPORTS: &str = r#"(module
    (import "assay" "input_size" (func (result i64)))
    (import "assay" "input_read" (func (param i32 i64 i32) (result i32)))
    (import "assay" "output_write" (func (param i32 i32)))
    (import "assay" "exit" (func (param i32))))"#;

fn config(random: &mut Random) -> Config {
    Config {
        exports: Some(wat::parse_str(EXPORTS).unwrap()),
        available_imports: Some(wat::parse_str(IMPORTS).unwrap()),
        min_memories: 1,
        max_memories: 1,
        max_tables: 3,
        max_table_elements: 1000,
        max_memory32_bytes: 1 << 22,
        min_funcs: 2,
        max_funcs: 8,
        max_instructions: 20 + random.below(400),
        memory_max_size_required: random.below(2) == 0,
        allow_start_export: random.below(2) == 0,
        memory_offset_choices: wasm_smith::MemoryOffsetChoices(95, 4, 1),
        bulk_memory_enabled: true,
        // It would come with externref; tables of several kinds are tested by hand.
        reference_types_enabled: false,
        multi_value_enabled: true,
        saturating_float_to_int_enabled: true,
        sign_extension_ops_enabled: true,
        simd_enabled: false,
        relaxed_simd_enabled: false,
        exceptions_enabled: false,
        tail_call_enabled: false,
        threads_enabled: false,
        gc_enabled: false,
        memory64_enabled: false,
        custom_page_sizes_enabled: false,
        wide_arithmetic_enabled: false,
        extended_const_enabled: true,
        canonicalize_nans: false,
        disallow_traps: random.below(2) == 0,
        ..Config::default()
    }
}

#[test]
fn generated_modules_end_alike() {
    let (mut ran, mut refused, mut endings) = (0, 0, [0; 5]);
    for seed in seeds(0..300) {
        let mut random = Random::new(seed);
        let bytes: Vec<u8> = (0..4096).map(|_| random.next() as u8).collect();
        let config = config(&mut random);
        let Ok(module) = Module::new(config, &mut arbitrary::Unstructured::new(&bytes)) else { continue };
        let wasm = module.to_bytes();
        // wasm-smith knows features that are not admitted and have no switch.
        let Ok(program) = Program::from_wasm(&wasm) else {
            refused += 1;
            continue;
        };
        let limits = Limits { fuel: 200_000, output_bytes: 5000 };
        let run = check(&format!("seed {seed}"), &program, &bytes[..random.below(500)], limits).unwrap();
        endings[run.outcome.status as usize] += 1;
        ran += 1;
    }
    println!("{ran} ran (by status {endings:?}), {refused} refused");
    assert!(ran > refused, "most generated modules should be programs: {ran} are, {refused} are not");
}

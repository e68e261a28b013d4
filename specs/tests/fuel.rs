//! Chapter 6: the charge by length covers the steps of repeating instructions, and fuel bounds steps.

use std::sync::Arc;

use assay_machine::interpreter::Interpreter;
use assay_machine::program::{Limits, Program};
use assay_protocol::Status;

/// Steps of a repeating instruction by chapter 4: pieces of at most `piece` units, clipped where `chunk` units end.
fn pieces(mut left: u64, mut starts: [u64; 2], piece: u64, chunks: [u64; 2]) -> u64 {
    let mut steps = 0;
    loop {
        steps += 1;
        let clip = |side: usize| chunks[side] - starts[side] % chunks[side];
        let k = piece.min(left).min(clip(0)).min(clip(1));
        starts = starts.map(|start| start + k);
        left -= k;
        if left == 0 {
            return steps;
        }
    }
}

#[test]
fn the_charge_by_length_covers_every_piece() {
    // Destination and source chunks in bytes: bulk and bulk; bulk and control (memory.init). In words: control twice.
    // Least slack: three bytes can be three pieces, which is all that 1 + 2 + 0 covers; three entries have 1 + 2 + 1.
    for (unit, piece, shift, chunks, slack) in
        [("bytes", 32, 4, [1024, 1024], 0), ("bytes", 32, 4, [1024, 256], 0), ("entries", 4, 1, [32, 32], 1)]
    {
        let distances: Vec<u64> =
            [0, 1, 2, 3, 5, 15, 16, 17, 31].iter().flat_map(|d| [*d, chunks[1] - 1 - d]).collect();
        let mut tightest = u64::MAX;
        for n in (0..200).chain([255, 256, 257, 1023, 1024, 1025, 1055, 4095, 4096, 5000]) {
            for to in (0..chunks[0]).filter(|to| to % 31 < 3 || chunks[0] - to < 40) {
                for distance in &distances {
                    let steps = pieces(n, [to, to + distance], piece, chunks);
                    // The block's charge covers one step, the charge by length the others.
                    let covered = 1 + 2 + (n >> shift);
                    assert!(steps <= covered, "{n} {unit} from {to} and {distance} further: {steps} steps");
                    tightest = tightest.min(covered - steps);
                }
            }
        }
        assert_eq!(tightest, slack, "{unit}");
    }
}

/// A program that goes through blocks of every kind and repeating instructions across chunk ends.
const PROGRAM: &str = r#"(module
  (import "assay" "input_read" (func $input_read (param i32 i64 i32) (result i32)))
  (import "assay" "output_write" (func $output_write (param i32 i32)))
  (memory 1) (table 3 40 funcref) (elem (i32.const 0) func $leaf)
  (data $d "some bytes that are kept until they are asked for")
  (type $t (func (param i32) (result i32)))
  (func $leaf (type $t)
    (block $b (block $a (br_table $a $b $a (local.get 0))) (return (i32.const 1)))
    (if (result i32) (i32.gt_s (local.get 0) (i32.const 3)) (then (i32.const 5)) (else (i32.const 6))))
  (func (export "_start") (local $i i32)
    (drop (call $input_read (i32.const 1022) (i64.const 1) (i32.const 70)))
    (memory.copy (i32.const 1021) (i32.const 1022) (i32.const 3))
    (memory.copy (i32.const 2047) (i32.const 1023) (i32.const 2))
    (memory.init $d (i32.const 1020) (i32.const 7) (i32.const 40))
    (memory.fill (i32.const 3000) (i32.const 1) (i32.const 100))
    (drop (table.grow (ref.func $leaf) (i32.const 35)))
    (drop (table.grow (ref.func $leaf) (i32.const 35)))
    (table.copy (i32.const 3) (i32.const 2) (i32.const 33))
    (loop $l
      (drop (call_indirect (type $t) (local.get $i) (i32.const 0)))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 6))))
    (call $output_write (i32.const 1000) (i32.const 300))))"#;

fn finished(program: &Program, fuel: u64) -> Interpreter {
    let limits = Limits { fuel, output_bytes: 1000 };
    let mut run = program.boot(Arc::new(vec![9; 100]), limits).expect("this host can hold a machine");
    run.run();
    run
}

#[test]
fn steps_are_at_most_fuel_and_one_more_when_it_runs_out() {
    let program = Program::from_wasm(&wat::parse_str(PROGRAM).unwrap()).unwrap();
    let plenty = finished(&program, 1_000_000);
    assert_eq!(plenty.record().status, Status::Exit as u8);
    let used = 1_000_000 - plenty.record().fuel;
    assert!(plenty.steps() <= used, "{} steps, {used} fuel", plenty.steps());
    let mut is_tight = false;
    for fuel in 0..used {
        let run = finished(&program, fuel);
        assert_eq!(run.record().status, Status::OutOfFuel as u8, "fuel {fuel} of {used}");
        assert!(run.steps() <= fuel + 1, "fuel {fuel}: {} steps", run.steps());
        is_tight |= run.steps() == fuel + 1;
    }
    assert!(is_tight, "the bound is met");
    assert_eq!(finished(&program, used).record().status, Status::Exit as u8);
}

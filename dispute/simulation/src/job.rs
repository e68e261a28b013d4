//! Jobs of simulations: a program with an input, and what is true of its run.

use std::sync::Arc;

use assay_dispute::evidence::TraceEvidence;
use assay_dispute::game::Claimed;
use assay_machine::memory::commit_blob;
use assay_machine::program::{Limits, Program};
use assay_machine::trace::Trace;
use assay_protocol::BlobRef;

/// A program, what it is given, and how its run ends.
pub struct Job {
    /// Tells jobs apart in reports.
    pub name: &'static str,
    /// The program.
    pub program: Program,
    /// The program as its author wrote it.
    pub wasm: Vec<u8>,
    /// The input.
    pub input: Arc<Vec<u8>>,
    /// The input by its content.
    pub input_ref: BlobRef,
    /// The limits.
    pub limits: Limits,
    /// The true result.
    pub truth: Claimed,
    /// Evidence of the run.
    pub evidence: Arc<TraceEvidence>,
    /// The step at which the run halts.
    pub halt_step: u64,
}

impl Job {
    /// A job from the text of its program.
    ///
    /// # Panics
    /// If the program is refused.
    #[must_use]
    pub fn new(name: &'static str, wat: &str, input: &[u8], limits: Limits) -> Self {
        let wasm = wat::parse_str(wat).expect("the programs of simulations are WAT");
        let program = Program::from_wasm(&wasm).expect("the programs of simulations are admitted");
        let input = Arc::new(input.to_vec());
        let run = program.boot(input.clone(), limits).expect("they fit");
        let mut trace = Trace::new(run);
        let halt_step = trace.halt_step();
        let record = trace.record_at(halt_step);
        let output = commit_blob(trace.output()).expect("outputs are short");
        let truth = Claimed {
            status: record.status,
            code: record.pc_or_code,
            fuel_used: limits.fuel - record.fuel,
            fuel_limit: limits.fuel,
            output,
        };
        let input_ref = commit_blob(&input).expect("inputs are short");
        Self {
            name,
            program,
            wasm,
            input,
            input_ref,
            limits,
            truth,
            evidence: Arc::new(TraceEvidence::new(trace)),
            halt_step,
        }
    }

    /// Runs that end in every way: a few steps, some thousands, a trap, out of fuel, a call of the host at the end.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let limits = |fuel| Limits { fuel, output_bytes: 1 << 16 };
        vec![
            Self::new("nothing", r#"(module (func (export "_start")))"#, b"", limits(1 << 20)),
            Self::new(
                "echo",
                r#"(module
                  (import "assay" "input_read" (func $read (param i32 i64 i32) (result i32)))
                  (import "assay" "output_write" (func $write (param i32 i32)))
                  (memory 1)
                  (func (export "_start")
                    (call $write (i32.const 8) (call $read (i32.const 8) (i64.const 0) (i32.const 40)))))"#,
                b"what goes in comes out",
                limits(1 << 20),
            ),
            Self::new(
                "sieve",
                r#"(module
                  (import "assay" "output_write" (func $write (param i32 i32)))
                  (memory 1)
                  (func (export "_start") (local $i i32) (local $j i32)
                    (local.set $i (i32.const 2))
                    (loop $outer
                      (local.set $j (i32.mul (local.get $i) (local.get $i)))
                      (block $done (loop $inner
                        (br_if $done (i32.ge_u (local.get $j) (i32.const 3000)))
                        (i32.store8 (local.get $j) (i32.const 1))
                        (local.set $j (i32.add (local.get $j) (local.get $i)))
                        (br $inner)))
                      (br_if $outer (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 54))))
                    (call $write (i32.const 0) (i32.const 3000))))"#,
                b"",
                limits(1 << 30),
            ),
            Self::new(
                "trap",
                r#"(module (memory 1) (func (export "_start") (local i32)
                  (loop $l
                    (i32.store (local.get 0) (i32.const 7))
                    (local.set 0 (i32.add (local.get 0) (i32.const 5000)))
                    (br $l))))"#,
                b"",
                limits(1 << 20),
            ),
            Self::new("endless", r#"(module (func (export "_start") (loop $l (br $l))))"#, b"", limits(1000)),
        ]
    }
}

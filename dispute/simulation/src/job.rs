//! Jobs of simulations: a program with an input, and what is true of its run.

use std::convert::Infallible;
use std::sync::Arc;

use assay_dispute::evidence::TraceEvidence;
use assay_dispute::game::{Claimed, Evidence};
use assay_machine::memory::commit_blob;
use assay_machine::program::{Descriptor, Limits, Program};
use assay_machine::trace::Trace;
use assay_protocol::BlobRef;

/// The evidence of a run, whoever made it.
pub type Truth = Arc<dyn Evidence<Error = Infallible> + Send + Sync>;

/// A program, what it is given, and how its run ends.
pub struct Job {
    /// Tells jobs apart in reports.
    pub name: String,
    /// The program.
    pub descriptor: Descriptor,
    /// The program as its author wrote it.
    pub wasm: Vec<u8>,
    /// The input.
    pub input: Arc<Vec<u8>>,
    /// The input by its content.
    pub input_ref: BlobRef,
    /// The limits.
    pub limits: Limits,
    /// The true result, or the nearest to it.
    pub truth: Claimed,
    /// Whether there is a true result: an image by hand can have none.
    pub has_truth: bool,
    /// Evidence of the run.
    pub evidence: Truth,
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
        let output = commit_blob(trace.output().expect("the host has room for it")).expect("outputs are short");
        let truth = Claimed {
            status: record.status,
            code: record.pc_or_code,
            fuel_used: limits.fuel - record.fuel,
            fuel_limit: limits.fuel,
            output,
        };
        let input_ref = commit_blob(&input).expect("inputs are short");
        let evidence = TraceEvidence::new(trace);
        evidence.survey(truth.segment());
        Self {
            name: name.into(),
            descriptor: program.descriptor().clone(),
            wasm,
            input,
            input_ref,
            limits,
            truth,
            has_truth: true,
            evidence: Arc::new(evidence),
            halt_step,
        }
    }

    /// A loop that writes as it goes, of at least `steps` steps.
    #[must_use]
    pub fn long(steps: u64) -> Self {
        // Five instructions and one charge a turn, whatever the lowering makes of it: never below one step for a unit of fuel.
        let wat = format!(
            r#"(module (memory 1) (func (export "_start") (local $i i64)
                 (loop $l
                   (i64.store (i32.wrap_i64 (i64.and (local.get $i) (i64.const 0xfff8))) (local.get $i))
                   (br_if $l (i64.lt_u (local.tee $i (i64.add (local.get $i) (i64.const 1))) (i64.const {}))))))"#,
            steps / 4
        );
        Self::new("long", &wat, b"", Limits { fuel: 8 * steps, output_bytes: 1 << 10 })
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
                limits((1 << 30) - 1),
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

//! Modules made by enemies, all the way: admitted, lowered, compiled or declined, and run in both engines to the same end.
//!
//! ```text
//! this test -- one process for each shape --> admit, lower, commit -- interpreter --> run
//!           <-- what became of it, peak memory --                  -- native      --> the same run, or no result
//! ```
//!
//! A shape has a process to itself, so that its peak of memory is its own, and a hang or an abort is told from a failure.
//! The shapes are those of `assay_cases::hostile`. `ASSAY_HOSTILE=name` runs the shapes whose name contains it.
#![allow(clippy::unwrap_used)]

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use assay_cases::hostile::{self, Shape};
use assay_executor::{Engine, EngineConfig, NotAResult, Run};
use assay_machine::admission::admit_library;
use assay_machine::program::{Limits, Program, ProgramError};
use assay_protocol::{BlobRef, Outcome, Status};

/// Names the shape that a process is for.
const SHAPE: &str = "ASSAY_HOSTILE_SHAPE";
/// Set, a process says how long each stage took.
const STAGES: &str = "ASSAY_HOSTILE_STAGES";
/// The process that runs all truncated, changed and random modules.
const CHANGES: &str = "small modules, cut and changed everywhere";
const RANDOM: usize = 4000;

/// Fuel of a run: enough to come to the end of every shape that ends, too little for one that does not to be felt. It
/// also bounds the pages that a run can touch, which are the job's own and no matter of its module's shape.
const FUEL: u64 = 1 << 24;
const OUTPUT_BYTES: u64 = 4 << 20;
/// Most memory of a process: a module of 64 MiB may lower to 2^24 instructions of 16 bytes, which are held as an image, as
/// bytes to be hashed and as the interpreter's code, beside the module, its normalised form and native code.
const PEAK_BYTES_MAX: u64 = 3 << 29;
/// A hang, and not a slow machine: far above what any shape takes.
const PATIENCE: Duration = Duration::from_secs(300);
/// Larger modules are compiled with one metering only: what the other would do to time and memory, the first has shown.
const BOTH_METERINGS_BYTES_MAX: usize = 4 << 20;

/// What became of a module.
#[derive(Default)]
struct Fate {
    refused: u64,
    not_lowered: u64,
    declined: u64,
    agreed: u64,
    /// The last reason, or the last end.
    last: String,
}

fn interpret(program: &Program, limits: Limits) -> Run {
    let mut interpreter = program.boot(Arc::new(Vec::new()), limits).unwrap();
    interpreter.run();
    let record = interpreter.commit();
    let status = Status::from_byte(record.status).unwrap();
    let outcome = Outcome { status, code: record.pc_or_code, fuel_used: limits.fuel - record.fuel };
    Run { outcome, output: interpreter.output().to_vec() }
}

/// Says where the time goes, to whoever runs a shape by itself.
fn stage(name: &str, since: &mut Instant) {
    if std::env::var_os(STAGES).is_some() {
        eprintln!("{name:9} {:8.3} s", since.elapsed().as_secs_f64());
    }
    *since = Instant::now();
}

/// Takes a module as far as it goes.
fn walk(engine: &Engine, wasm: &[u8], fate: &mut Fate) {
    let mut since = Instant::now();
    let admitted = match admit_library(wasm, &[]) {
        Ok(admitted) => admitted,
        Err(error) => {
            fate.refused += 1;
            fate.last = format!("refused: {}", error.reason());
            return;
        }
    };
    stage("admitted", &mut since);
    let blob = BlobRef { root: Default::default(), length: wasm.len() as u64 };
    let program = match Program::from_admitted(admitted, blob) {
        Ok(program) => program,
        Err(ProgramError::Lower(error)) => {
            fate.not_lowered += 1;
            fate.last = format!("not lowered: {error}");
            return;
        }
        Err(error) => panic!("{error}"),
    };
    stage("lowered", &mut since);
    let limits = Limits { fuel: FUEL, output_bytes: OUTPUT_BYTES };
    let wanted = interpret(&program, limits);
    stage("stepped", &mut since);
    let prepared = engine.prepare_program(&program);
    stage("compiled", &mut since);
    let native = prepared.and_then(|prepared| {
        let fast = prepared.run(&[][..], limits)?;
        stage("ran", &mut since);
        let both = wasm.len() <= BOTH_METERINGS_BYTES_MAX;
        Ok((fast, both.then(|| prepared.run_exact(&[][..], limits)).transpose()?))
    });
    stage("ran exact", &mut since);
    match native {
        Ok((fast, exact)) => {
            assert!(fast == wanted, "native {:?}, interpreter {:?}", fast.outcome, wanted.outcome);
            if let Some(exact) = exact {
                assert!(exact == wanted, "exact {:?}, interpreter {:?}", exact.outcome, wanted.outcome);
            }
            fate.agreed += 1;
            fate.last = format!("{:?}, {} instructions", wanted.outcome, program.image().code.len());
        }
        // The engine's own bounds; and one of wasmtime's own, on the types of a module's imports and exports together. What else the
        // compiler refuses is a failure of ours.
        Err(NotAResult::TooLarge(reason)) => decline(fate, &reason),
        Err(NotAResult::Compile(reason)) if reason.contains("effective type size exceeds the limit") => {
            decline(fate, &reason);
        }
        Err(error) => panic!("{error}"),
    }
}

fn decline(fate: &mut Fate, reason: &str) {
    fate.declined += 1;
    fate.last = format!("declined: {reason}");
}

/// The peak of this process's resident memory, where the host tells.
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}

/// The work of one process.
fn process(name: &str) {
    let engine = Engine::new(EngineConfig::default()).unwrap();
    let mut fate = Fate::default();
    if name == CHANGES {
        let random = hostile::random_changes(0x5eed_0003).take(RANDOM).chain(hostile::random_bodies(7).take(RANDOM));
        let changed = hostile::truncated().chain(hostile::changed_everywhere()).chain(random);
        changed.for_each(|module| walk(&engine, &module, &mut fate));
    } else {
        let shape = hostile::shapes().into_iter().find(|shape| shape.name == name).unwrap();
        walk(&engine, &(shape.build)(), &mut fate);
        assert_eq!(fate.refused == 0, shape.reason == hostile::ADMITTED, "{}", fate.last);
    }
    let Fate { refused, not_lowered, declined, agreed, last } = fate;
    println!("{name}|{refused}|{not_lowered}|{declined}|{agreed}|{}|{last}", peak_bytes().unwrap_or(0));
}

/// What a process has told of itself.
struct Told {
    name: String,
    /// Modules refused, not lowered, declined by the native engine, alike in both engines.
    counts: [u64; 4],
    /// Peak of memory; 0 if the host does not tell.
    peak_bytes: u64,
    last: String,
}

impl Told {
    /// Reads the line that [`process`] prints.
    fn parse(line: &str) -> Self {
        let fields: Vec<&str> = line.splitn(7, '|').collect();
        let number = |at: usize| fields[at].parse().unwrap();
        let counts = [number(1), number(2), number(3), number(4)];
        Self { name: fields[0].into(), counts, peak_bytes: number(5), last: fields[6].into() }
    }

    fn row(&self, elapsed: Duration) -> String {
        let Self { name, peak_bytes, last, .. } = self;
        format!("{name:82} {:5} MiB {:6.1} s  {last}\n", peak_bytes >> 20, elapsed.as_secs_f64())
    }
}

/// Runs a shape in a process of its own; an error says how it hung or failed.
fn run_apart(name: &str) -> Result<Told, String> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "hostile_modules_end_alike_in_both_engines", "--nocapture"]).env(SHAPE, name);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut printed, mut complaints) = (String::new(), String::new());
        stdout.read_to_string(&mut printed).unwrap();
        stderr.read_to_string(&mut complaints).unwrap();
        // Nobody listens after a hang.
        let _ = send.send((printed, complaints));
    });
    let Ok((printed, complaints)) = receive.recv_timeout(PATIENCE) else {
        child.kill().unwrap();
        child.wait().unwrap();
        return Err(format!("{name}: does not end within {PATIENCE:?}"));
    };
    let status = child.wait().unwrap();
    let line = printed.lines().find(|line| line.contains('|'));
    match line {
        Some(line) if status.success() => Ok(Told::parse(&line[line.find(name).unwrap()..])),
        _ => Err(format!("{name}: {status}\n{complaints}")),
    }
}

#[test]
fn hostile_modules_end_alike_in_both_engines() {
    if let Ok(name) = std::env::var(SHAPE) {
        return process(&name);
    }
    let wanted = std::env::var("ASSAY_HOSTILE").unwrap_or_default();
    let admitted = |shape: &Shape| shape.reason == hostile::ADMITTED;
    let mut names: Vec<_> = hostile::shapes().into_iter().filter(admitted).map(|shape| shape.name).collect();
    names.push(CHANGES.into());
    names.retain(|name| name.contains(&wanted));

    // Two at a time: more would ask a small machine for more memory than it has.
    let queue = Mutex::new(names.iter());
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(name) = { queue.lock().unwrap().next() } {
                    let begin = Instant::now();
                    let result = run_apart(name);
                    let told =
                        result.as_ref().map_or_else(|failure| format!("{failure}\n"), |fate| fate.row(begin.elapsed()));
                    print!("{told}");
                    results.lock().unwrap().push(result);
                }
            });
        }
    });

    let (mut failures, mut counts, mut unmeasured) = (Vec::new(), [0u64; 4], 0);
    for result in results.into_inner().unwrap() {
        match result {
            Err(failure) => failures.push(failure),
            Ok(told) => {
                counts.iter_mut().zip(told.counts).for_each(|(count, number)| *count += number);
                unmeasured += u64::from(told.peak_bytes == 0);
                if told.peak_bytes > PEAK_BYTES_MAX {
                    let Told { name, peak_bytes, .. } = told;
                    failures.push(format!("{name}: {peak_bytes} bytes of memory, at most {PEAK_BYTES_MAX} wanted"));
                }
            }
        }
    }
    let [refused, not_lowered, declined, agreed] = counts;
    println!("{refused} refused, {not_lowered} too large to lower, {declined} left to the interpreter, {agreed} alike");
    println!("{unmeasured} processes whose memory the host does not tell");
    assert!(failures.is_empty(), "{} fail:\n{}", failures.len(), failures.join("\n"));
    assert!(agreed > 0, "nothing was run");
}

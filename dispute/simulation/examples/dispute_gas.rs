//! What a dispute about a run of at least 2^32 steps costs: gas of each call, and steps that are interpreted off-chain; the steps also for
//! a run that writes more memory than checkpoints usually may hold.
//!
//! ```sh
//! cargo run --release -p assay-simulation --example dispute_gas [-- LOG2_OF_STEPS]
//! ```
//!
//! Every state hash is one of the run. Gas is what each sender pays, the floor of EIP-7623 for calldata included. Evidence is lent as a
//! player's is: a few games come first, then many, and nobody says beforehand how many there will be.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use alloy_sol_types::SolInterface;
use assay_dispute::evidence::TraceEvidence;
use assay_dispute::evidence::runs::{RunId, Runs, RunsConfig};
use assay_dispute::game::{ARITY, Claimed, Evidence, Segment, Side, dissect};
use assay_machine::interpreter::Interpreter;
use assay_machine::memory::commit_blob;
use assay_machine::program::{Limits, Program};
use assay_machine::trace::Trace;
use assay_protocol::contracts::Court::CourtCalls;
use assay_protocol::presets::PASSES;
use assay_simulation::actor::{Actor, Belief, Habit};
use assay_simulation::bout::Bout;
use assay_simulation::dice::Dice;
use assay_simulation::job::{Job, Truth};
use assay_simulation::liar::{Corruption, Liar, Story};
use assay_simulation::plan::{challenger, executor, parameters};
use assay_simulation::stage::{Entry, Stage};
use assay_simulation::world::Block;

const BASE_FEE: u64 = 1_000_000_000;
const GAS_MAX: u64 = 2_500_000;
const DISSECTIONS_MAX: u32 = 6;
const WORK_MAX: f64 = 1.5;
const GAMES: u32 = 300;
/// Games besides, whose moves are computed and not played.
const MORE_GAMES: u32 = 1000;
/// Steps of the run that writes much, and games on it besides the first.
const RESTLESS_STEPS: u64 = 1 << 28;
const RESTLESS_GAMES: u32 = 6;

/// A call of the court: its name, the hashes in it, and its gas.
type Call = (&'static str, usize, u64);

fn main() {
    let log2: u32 =
        std::env::args().nth(1).map_or(32, |text| text.parse().expect("the logarithm of a number of steps"));
    still(1 << log2);
    restless(RESTLESS_STEPS);
}

/// A run that writes the same cell again and again.
fn still(steps: u64) {
    let (job, boot) = run("tight loop", 1, "(i32.const 64)", steps);
    let runs = Runs::new(RunsConfig::default());
    let truth = lend(&runs, &job, &boot);
    let dearest = duels(&job, &truth);
    interpreted("two games", &runs, &job, WORK_MAX);
    table(&dearest, job.truth.segment().length.ilog2());
    siege(&job, &truth);
    interpreted(&format!("{GAMES} games more"), &runs, &job, WORK_MAX);
    ask(&job, &truth, MORE_GAMES, &mut Dice::new(3, 0));
    interpreted(&format!("{MORE_GAMES} games more"), &runs, &job, WORK_MAX);
    println!("{} MiB are held", runs.held_bytes() >> 20);
}

/// A run that writes another page in each turn, 320 MiB again and again.
fn restless(steps: u64) {
    let address = "(i32.rem_u (i32.mul (i32.wrap_i64 (local.get $i)) (i32.const 4100)) (i32.const 0x13fffff0))";
    let (job, boot) = run("restless loop", 5120, address, steps);
    let runs = Runs::new(RunsConfig::default());
    let truth = lend(&runs, &job, &boot);
    let mut dice = Dice::new(4, 0);
    ask(&job, &truth, 1, &mut dice);
    interpreted("a game", &runs, &job, PASSES as f64);
    // Checkpoints of that much memory are few: games at many places of such a run go back far.
    ask(&job, &truth, RESTLESS_GAMES, &mut dice);
    interpreted(&format!("{RESTLESS_GAMES} games more"), &runs, &job, f64::INFINITY);
    println!("{} MiB are held", runs.held_bytes() >> 20);
}

/// A loop of so many steps that writes to an address in each turn, run to its end once; and what starts it anew.
fn run(name: &str, memory_pages: u32, address: &str, steps: u64) -> (Job, impl Fn() -> Interpreter) {
    let wat = format!(
        r#"(module (memory {memory_pages}) (func (export "_start") (local $i i64)
             (loop $l
               (i64.store {address} (local.get $i))
               (br_if $l (i64.lt_u (local.tee $i (i64.add (local.get $i) (i64.const 1))) (i64.const {}))))))"#,
        steps / 3
    );
    let limits = Limits { fuel: 8 * steps, output_bytes: 1 << 10 };
    let wasm = wat::parse_str(&wat).expect("the program is WAT");
    let program = Arc::new(Program::from_wasm(&wasm).expect("the program is admitted"));
    let descriptor = program.descriptor().clone();
    let boot = move || program.boot(Arc::new(Vec::new()), limits).expect("it fits");
    let begun = Instant::now();
    let mut first = Trace::new(boot());
    let halt_step = first.halt_step();
    assert!(halt_step >= steps, "the loop is as long as it should be: {halt_step}");
    let record = first.record_at(halt_step);
    let (log2, seconds) = ((halt_step as f64).log2(), begun.elapsed().as_secs_f64());
    println!("\n{name}: a run of {halt_step} steps (2^{log2:.2}), {seconds:.1} s a pass");
    let empty = commit_blob(&[]).expect("nothing is short");
    let truth = Claimed {
        status: record.status,
        code: record.pc_or_code,
        fuel_used: limits.fuel - record.fuel,
        fuel_limit: limits.fuel,
        output: empty,
    };
    let job = Job {
        name: name.into(),
        descriptor,
        wasm,
        input: Arc::new(Vec::new()),
        input_ref: empty,
        limits,
        truth,
        has_truth: true,
        evidence: Arc::new(TraceEvidence::new(first)),
        halt_step,
    };
    (job, boot)
}

/// The evidence of a run as a player has it, surveyed: the work of a dispute begins with a first pass of its own.
fn lend(runs: &Runs, job: &Job, boot: &impl Fn() -> Interpreter) -> Truth {
    let begun = Instant::now();
    let id = RunId { program: job.descriptor.id(), input: job.input_ref, limits: job.limits };
    let Ok(lent) = runs.lend(id, job.truth.segment(), || Ok::<_, Infallible>(boot()));
    println!("surveyed in {:.1} s", begun.elapsed().as_secs_f64());
    Arc::new(lent)
}

/// All that a player has to know in games that go down to a step each, at random parts, all of them at the same level at a time. It goes
/// about them in the order of the run.
fn ask(job: &Job, truth: &Truth, games: u32, dice: &mut Dice) {
    let begun = Instant::now();
    let run = job.truth.segment();
    let mut games: Vec<(u64, Segment)> = (0..games).map(|_| (dice.below(job.halt_step), run)).collect();
    for _ in 0..run.length.ilog2().div_ceil(ARITY.ilog2()) {
        games.sort_by_key(|(_, segment)| segment.start);
        for (target, segment) in &mut games {
            let Ok(_) = truth.state_hashes(&segment.boundaries().collect::<Vec<u64>>());
            if segment.length == segment.parts() {
                let Ok(_) = truth.step_proof(*target);
                continue;
            }
            let part = (*target - segment.start) / (segment.length / segment.parts()) + 1;
            *segment = segment.part(part);
            let Ok(_) = dissect(*segment, truth);
        }
    }
    println!("\n{} games computed in {:.1} s", games.len(), begun.elapsed().as_secs_f64());
}

fn bout(job: &Job, claimed: Claimed, actors: Vec<Actor>) -> Bout {
    let mut parameters = parameters();
    // Longer runs than the devnet admits.
    parameters.fuel_limit_max = 1 << 38;
    let stage = Stage::new(parameters, BASE_FEE, &[Entry { job, executor: &executor(0), claimed }]);
    let (is_true, errands) = (vec![claimed == job.truth], Vec::new());
    Bout {
        stage,
        actors,
        is_true,
        pace: 2,
        base_fee_top: None,
        errands,
        reorganisations: 0,
        tampering: 0,
        dice: Dice::new(1, 0),
    }
}

fn liar(truth: &Truth, job: &Job, from: u64) -> Belief {
    let end = job.truth.segment().length;
    Belief::Lie(Liar { truth: truth.clone(), from, story: Story::Steady, corruption: Corruption::Fuel, end })
}

/// A game with the executor honest and one with the challenger honest; returns the calls of the dearer one.
fn duels(job: &Job, truth: &Truth) -> Vec<Call> {
    let from = job.halt_step / 3 * 2 + 12_345;
    let games = [true, false].map(|is_true| {
        let (honest, lie) = (Belief::Truth(truth.clone()), liar(truth, job, from));
        let claimed = if is_true { job.truth } else { Claimed { code: job.truth.code ^ 1, ..job.truth } };
        let (defends, attacks) = if is_true { (honest, lie) } else { (lie, honest) };
        let actors = vec![
            Actor::new(executor(0), Side::Executor, defends, Habit::Prompt, 0),
            Actor::new(challenger(0), Side::Challenger, attacks, Habit::Prompt, 0),
        ];
        let (report, world) = bout(job, claimed, actors).play_on().expect("the honest side wins");
        let calls = calls(world.blocks());
        let total = total(&calls);
        println!("\nthe {} is honest:", if is_true { "executor" } else { "challenger" });
        for (name, hashes, gas) in &calls {
            println!("  {name:<8} {hashes:>4} hashes {gas:>9} gas");
        }
        println!("  in all {} dissections {total:>9} gas", report.dissections_max);
        assert!(total <= GAS_MAX, "a dispute costs {total} gas");
        assert!(report.dissections_max <= DISSECTIONS_MAX, "{} dissections", report.dissections_max);
        calls
    });
    games.into_iter().max_by_key(|calls| total(calls)).expect("there are two")
}

fn total(calls: &[Call]) -> u64 {
    calls.iter().map(|(_, _, gas)| gas).sum()
}

/// What was sent to the court and taken, in order.
fn calls(blocks: &[Block]) -> Vec<Call> {
    let call = |data: &[u8]| match CourtCalls::abi_decode(data).ok()? {
        CourtCalls::commit(_) => Some(("commit", 0)),
        CourtCalls::reveal(call) => Some(("reveal", call.hashes.len())),
        CourtCalls::r#move(call) => Some(("move", call.hashes.len())),
        CourtCalls::step(_) => Some(("step", 0)),
        CourtCalls::timeout(_) => Some(("timeout", 0)),
        CourtCalls::settle(_) => Some(("settle", 0)),
        _ => None,
    };
    let taken = blocks.iter().flat_map(|block| &block.transactions).filter(|sent| sent.is_taken);
    taken.filter_map(|sent| call(&sent.data).map(|(name, hashes)| (name, hashes, sent.gas))).collect()
}

/// Many liars against one executor, each at a part of its own.
fn siege(job: &Job, truth: &Truth) {
    let mut dice = Dice::new(2, 0);
    let mut actors = vec![Actor::new(executor(0), Side::Executor, Belief::Truth(truth.clone()), Habit::Prompt, 0)];
    for number in 0..GAMES {
        let lie = liar(truth, job, 1 + dice.below(job.halt_step));
        actors.push(Actor::new(challenger(number), Side::Challenger, lie, Habit::Prompt, 0));
    }
    let begun = Instant::now();
    let report = bout(job, job.truth, actors).play().expect("the honest side wins");
    println!(
        "\n{} games at random parts: all won, at most {} dissections and {} s of {} each, {} gas in all, played in {:.1} s",
        report.games,
        report.dissections_max,
        report.duration_max,
        report.duration_bound,
        report.gas,
        begun.elapsed().as_secs_f64()
    );
}

fn interpreted(what: &str, runs: &Runs, job: &Job, most: f64) {
    let all = runs.interpreted_steps();
    let ratio = all as f64 / job.halt_step as f64;
    println!("{what}: {all} steps interpreted so far, by both sides together: {ratio:.3} of the run");
    assert!(ratio <= most, "{what}: {ratio} of the run");
}

/// The same dispute at other arities, estimated: a dissection's gas is taken as linear in its hashes, from the measured move of
/// most hashes and the measured move of fewest. A proof's depth, a few hundred gas, is not taken into account.
fn table(calls: &[Call], length_log2: u32) {
    let moves = || calls.iter().filter(|(name, _, _)| *name == "move");
    let (Some(most), Some(fewest)) = (moves().max_by_key(|call| call.1), moves().min_by_key(|call| call.1)) else {
        return;
    };
    if most.1 == fewest.1 {
        println!("\nno table: all moves have as many hashes");
        return;
    }
    let each = (most.2 - fewest.2) / (most.1 - fewest.1) as u64;
    let base = most.2 - each * most.1 as u64;
    let dissected: u64 =
        calls.iter().filter(|call| matches!(call.0, "reveal" | "move")).map(|call| call.1 as u64).sum();
    let count = 1 + moves().count() as u64;
    let rest = total(calls) - each * dissected - base * (count - 1);
    println!("\nestimated from {each} gas a hash and {base} a move:\narity  dissections  gas");
    for arity_log2 in [4, 6, 8] {
        let dissections = length_log2.div_ceil(arity_log2);
        let last = length_log2 - (dissections - 1) * arity_log2;
        let hashes = u64::from(dissections - 1) * (1 << arity_log2) + (1 << last);
        println!(
            "{:>5}  {dissections:>11}  {}",
            1 << arity_log2,
            rest + u64::from(dissections - 1) * base + each * hashes
        );
    }
}

//! What is held, what goes, what comes back, and who waits.

use assay_machine::memory::commit_blob;
use assay_machine::program::Program;

use super::*;

/// Steps that are more than any run here has.
const LENGTH: u64 = 1 << 18;

fn id(number: u8) -> RunId {
    RunId { program: B256::repeat_byte(number), input: commit_blob(&[]).unwrap(), limits: Limits::default() }
}

/// A run that writes so many groups of 2 MiB, a cell in each.
fn boot(groups: u32) -> Interpreter {
    let wasm = wat::parse_str(format!(
        r#"(module (memory 1024) (func (export "_start") (local i32)
          (loop $l
            (i32.store (i32.mul (local.get 0) (i32.const 0x200000)) (i32.const 7))
            (br_if $l (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const {groups}))))))"#,
    ))
    .unwrap();
    Program::from_wasm(&wasm).unwrap().boot(Arc::new(Vec::new()), Limits::default()).unwrap()
}

fn lend(runs: &Runs, number: u8, groups: u32) -> Lent {
    let claimed = Segment { start: 0, length: LENGTH };
    runs.lend(id(number), claimed, || Ok::<_, Infallible>(boot(groups))).unwrap_or_else(|never| match never {})
}

/// Bytes that a run takes which writes so many groups.
fn bytes_of(groups: u32) -> u64 {
    let runs = Runs::new(RunsConfig::default());
    drop(lend(&runs, 0, groups));
    runs.held_bytes()
}

#[test]
fn bytes_are_those_that_a_run_has_written() {
    let (one, nine) = (bytes_of(1), bytes_of(9));
    assert!((6 << 20..12 << 20).contains(&one), "{one}");
    assert!((16 << 20..18 << 20).contains(&(nine - one)), "{nine} and {one}");
}

/// All claims of one run share it, however long they say that it is.
#[test]
fn a_run_is_derived_once_for_all_who_claim_it() {
    let runs = Runs::new(RunsConfig::default());
    let (one, other) = (lend(&runs, 1, 4), lend(&runs, 1, 4));
    assert!(std::ptr::eq(one.evidence(), other.evidence()));
    let not_asked = || -> Result<Interpreter, ()> { unreachable!("it is held") };
    let shorter = runs.lend(id(1), Segment { start: 0, length: 16 }, not_asked).unwrap();
    assert!(std::ptr::eq(one.evidence(), shorter.evidence()));
    assert_eq!((runs.count(), runs.surveys()), (1, 1));
    let longer = runs.lend(id(1), Segment { start: 0, length: 2 * LENGTH }, not_asked).unwrap();
    assert!(std::ptr::eq(one.evidence(), longer.evidence()));
    assert_eq!((runs.count(), runs.surveys()), (1, 2));
    let limits = Limits { fuel: 1 << 20, ..Limits::default() };
    let claimed = Segment { start: 0, length: LENGTH };
    drop(runs.lend(RunId { limits, ..id(1) }, claimed, || Ok::<_, ()>(boot(4))).unwrap());
    assert_eq!((runs.count(), runs.surveys()), (2, 3), "other limits are another run");
}

/// Beyond the bytes the traces of what nobody uses go, the least recently used first. The answers stay, and with a new trace they go on.
#[test]
fn idle_traces_go_and_come_back_without_a_survey() {
    let one = bytes_of(4);
    let runs = Runs::new(RunsConfig { bytes_max: 2 * one + one / 2, ..RunsConfig::default() });
    let wanted = lend(&runs, 1, 4).state_hashes(&[LENGTH]).unwrap();
    let held = lend(&runs, 2, 4);
    drop(lend(&runs, 1, 4));
    drop(lend(&runs, 3, 4));
    // 1 was used since, and 2 is lent: 1 is the one that can go.
    assert_eq!((runs.count(), runs.surveys()), (3, 3));
    assert!(runs.held_bytes() <= 2 * one + one / 2, "{} bytes, {one} each", runs.held_bytes());
    assert!(!held.evidence().is_at_rest(), "it is lent");
    let steps = runs.interpreted_steps();
    drop(held);
    let again = lend(&runs, 1, 4);
    assert_eq!(again.state_hashes(&[LENGTH]).unwrap(), wanted);
    assert_eq!((runs.surveys(), runs.interpreted_steps()), (3, steps), "nothing is run again for what is known");
    assert!(again.step_proof(10).is_ok());
    assert!(runs.interpreted_steps() > steps, "what is not known is asked of another trace");
    drop(again);
    assert!(runs.held_bytes() <= 2 * one + one / 2);
}

/// Where there is no room for answers either, nothing is left but what was used last; it is all derived anew.
#[test]
fn what_went_is_derived_anew() {
    let steps = |config| {
        let runs = Runs::new(config);
        let first = lend(&runs, 1, 4).state_hashes(&[100]).unwrap();
        drop(lend(&runs, 2, 4));
        let count = runs.count();
        assert_eq!(lend(&runs, 1, 4).state_hashes(&[100]).unwrap(), first);
        (count, runs.surveys(), runs.interpreted_steps() > 0)
    };
    assert_eq!(steps(RunsConfig::default()), (2, 2, true));
    assert_eq!(steps(RunsConfig { bytes_max: 1, ..RunsConfig::default() }), (1, 3, true));
    assert_eq!(steps(RunsConfig { count_max: 1, ..RunsConfig::default() }), (1, 3, true));
}

/// What is lent is more than half of the bytes: another run waits until it is given back, and who asks for the same does not.
#[test]
fn a_run_waits_for_room() {
    let bytes_max = bytes_of(4) * 3 / 2;
    let runs = Runs::new(RunsConfig { bytes_max, ..RunsConfig::default() });
    let must_wait = |number| lock(&runs.shared.table).must_wait(&id(number), bytes_max);
    assert!(!must_wait(1), "nothing is lent");
    let (one, same) = (lend(&runs, 1, 4), lend(&runs, 1, 4));
    assert!(must_wait(2) && !must_wait(1));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| drop(lend(&runs, 2, 4)));
        drop(one);
        drop(same);
        waiting.join().unwrap();
    });
    assert!(!must_wait(1) && !must_wait(2));
    assert!(runs.held_bytes() <= bytes_max, "the first went for the second");
    assert_eq!((runs.count(), runs.surveys()), (2, 2));
}

/// Many claims whose runs write much: whatever is held after each question is within the bytes, and a game on each comes to its end.
#[test]
fn many_runs_that_write_much_stay_within_the_bytes() {
    let bytes_max = bytes_of(32) * 5 / 2;
    let runs = Runs::new(RunsConfig { bytes_max, ..RunsConfig::default() });
    for step in [50, 60, 70] {
        for number in 0..16 {
            let proof = lend(&runs, number, 32).step_proof(step).unwrap();
            assert_eq!(lend(&runs, number, 32).state_hashes(&[step + 1]).unwrap(), [proof.after.hash()]);
            assert!(runs.held_bytes() <= bytes_max, "{} of {bytes_max} bytes", runs.held_bytes());
        }
    }
    assert_eq!((runs.count(), runs.surveys()), (16, 16));
}

#[test]
fn a_run_that_can_t_be_had_leaves_nothing() {
    let runs = Runs::new(RunsConfig::default());
    let refused = runs.lend(id(1), Segment { start: 0, length: LENGTH }, || Err::<Interpreter, _>("nowhere"));
    assert_eq!(refused.err(), Some("nowhere"));
    assert_eq!(runs.count(), 0);
    drop(lend(&runs, 1, 1));
    assert_eq!(runs.count(), 1);
}

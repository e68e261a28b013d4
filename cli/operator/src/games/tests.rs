//! Games from events, as the court would emit them.

use alloy_primitives::{Address, B256, Log, U256, keccak256};
use alloy_sol_types::{SolEvent, SolValue};
use assay_dispute::game::{DissectionTree, Side};
use assay_player::chain::{Head, View};
use assay_protocol::contracts::Court;
use assay_protocol::deployment::Contracts;

use super::{Stage, all};
use crate::snapshot::Snapshot;

const COURT: Address = Address::repeat_byte(5);
const EXECUTOR: Address = Address::repeat_byte(0xe0);

fn contracts() -> Contracts {
    let [step_verifier, bonds, programs, batches] = [1, 2, 3, 4].map(Address::repeat_byte);
    Contracts { step_verifier, bonds, programs, batches, faults: Address::repeat_byte(6), court: COURT }
}

fn committed(game: u8, expiry: u64) -> Court::Committed {
    Court::Committed {
        game: B256::repeat_byte(game),
        claim: B256::repeat_byte(9),
        executor: EXECUTOR,
        challenge: Court::Challenge {
            challenger: Address::repeat_byte(0xc0),
            batchHash: B256::ZERO,
            index: 3,
            leaf: B256::ZERO,
            commitment: B256::ZERO,
            bond: U256::from(300),
            isStay: false,
            expiry,
        },
        record: Default::default(),
    }
}

fn dissected(game: u8, phase: u8, expiry: u64, other_left: u64) -> Court::Dissected {
    let hashes = vec![B256::ZERO; 64];
    let root = DissectionTree::new(&hashes).root();
    let (previous, start_state) = (B256::ZERO, B256::ZERO);
    let position = Court::Position { previous, start: 64, lengthLog2: 6, version: 1, startState: start_state, root };
    let state = keccak256(position.abi_encode());
    Court::Dissected { game: B256::repeat_byte(game), state, phase, expiry, otherLeft: other_left, position, hashes }
}

/// The head's time is 1000; each event is of a block of its own.
fn snapshot(events: &[(u64, Log)]) -> Snapshot {
    let mut view = View::new(contracts());
    for (number, (time, log)) in events.iter().enumerate() {
        view.apply(number as u64, *time, log).expect("the court can emit it");
    }
    Snapshot { head: Head { number: 99, hash: B256::ZERO, time: 1000 }, view, logs: Vec::new() }
}

fn log(event: &impl SolEvent) -> Log {
    Log { address: COURT, data: event.encode_log_data() }
}

#[test]
fn whoever_would_win_if_nobody_moved_is_ahead() {
    let late = committed(1, 990);
    let early = committed(2, 1060);
    let answered = committed(3, 1060);
    let events =
        [(930, log(&late)), (1000, log(&early)), (1000, log(&answered)), (1000, log(&dissected(3, 2, 1030, 55)))];
    let games = all(&snapshot(&events));
    // The most urgent is first.
    let [late, answered, early] = &games[..] else { panic!("there are three: {games:?}") };
    assert_eq!((late.stage, late.mover, late.mover_left), (Stage::Committed, Some(Side::Challenger), Some(0)));
    assert!(late.is_overdue && late.ahead == Side::Executor);
    assert_eq!((early.mover_left, early.is_overdue, early.ahead), (Some(60), false, Side::Executor));
    assert_eq!((answered.mover, answered.mover_left, answered.other_left), (Some(Side::Executor), Some(30), Some(55)));
    assert_eq!((answered.ahead, answered.segment, answered.dissections), (Side::Challenger, Some((64, 64)), 1));
}

#[test]
fn conviction_decides_every_game_against_the_convict() {
    let convicted = Court::Convicted {
        executor: EXECUTOR,
        game: B256::repeat_byte(1),
        voidFrom: 990,
        pot: U256::from(8),
        costPaid: U256::ZERO,
        winners: U256::from(1),
        share: U256::from(8),
    };
    let settled = Court::Settled {
        game: B256::repeat_byte(1),
        challenger: Address::repeat_byte(0xc0),
        bond: U256::from(300),
        reward: U256::from(8),
    };
    let events = [
        (990, log(&committed(1, 1060))),
        (995, log(&committed(2, 1060))),
        (996, log(&convicted)),
        (997, log(&settled)),
    ];
    let games = all(&snapshot(&events));
    let stage = |id: u8| games.iter().find(|game| game.id == B256::repeat_byte(id)).expect("it is there");
    assert_eq!((stage(1).stage, stage(1).mover, stage(1).ahead), (Stage::Settled, None, Side::Challenger));
    assert_eq!((stage(2).stage, stage(2).mover, stage(2).ahead), (Stage::Convicted, None, Side::Challenger));
    let lost = Court::ChallengeLost {
        game: B256::repeat_byte(4),
        challenger: Address::repeat_byte(0xc0),
        toExecutor: U256::from(1),
        burned: U256::from(2),
    };
    let games = all(&snapshot(&[(990, log(&committed(4, 991))), (995, log(&lost))]));
    assert_eq!((games[0].stage, games[0].ahead, games[0].is_overdue), (Stage::Lost, Side::Executor, false));
}

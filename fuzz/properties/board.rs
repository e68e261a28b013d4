//! Any bytes as what happens to a board: logs of the court, right and garbled, new blocks, reorganisations.
//!
//! It holds that nothing panics, that a log that is refused changes nothing, and that a board that was rolled back or cut
//! short is the one that the remaining logs make. Seeded tests and libFuzzer drive it alike.

use alloy_sol_types::{SolEvent, SolValue};
use assay_dispute::game::DissectionTree;
use assay_dispute::player::{Account, Board, GameState, duties};
use assay_protocol::contracts::Court::{
    Challenge, ChallengeLost, Committed, Convicted, Dissected, Position, Settled, Stepped,
};
use assay_protocol::{Address, B256, keccak256};
use revm::primitives::{Bytes, Log, LogData, U256};

const COURT: Address = Address::repeat_byte(0xc0);

/// A log with its block and time.
type Taken = (u64, u64, Log);

/// Numbers from bytes; zeros behind the last.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// Small numbers, and some that are as large as can be.
    fn number(&mut self) -> u64 {
        match self.byte() {
            255 => u64::MAX - u64::from(self.byte()),
            254 => 1 << (self.byte() % 64),
            small => u64::from(small),
        }
    }

    /// One of few, so that logs are of the same games.
    fn name(&mut self) -> B256 {
        B256::with_last_byte(self.byte() % 4)
    }

    fn account(&mut self) -> Address {
        Address::with_last_byte(self.byte() % 4)
    }
}

/// Plays what the bytes say. Returns how many logs were taken.
///
/// # Panics
/// If the board is not what it should be.
pub fn board(bytes: &[u8]) -> usize {
    let mut reader = Reader(bytes);
    let (mut board, mut taken) = (Board::new(COURT), Vec::new());
    let (mut block, mut time, mut last): (u64, u64, u64) = (1, 1_000, 0);
    while !reader.0.is_empty() {
        match reader.byte() % 16 {
            0 => (block, time) = (block + 1, time + 1 + u64::from(reader.byte())),
            1 => {
                block = block.saturating_sub(1 + u64::from(reader.byte() % 5)).max(last);
                board.roll_back(block);
                taken.retain(|(at, _, _): &Taken| *at <= block);
                assert_eq!(games(&board), games(&of(&taken)), "the board of the logs that are left");
            }
            2 => {
                last = last.max(block.saturating_sub(u64::from(reader.byte() % 5)));
                board.finalise(last);
            }
            _ => {
                let log = log(&mut reader, time);
                let before = games(&board);
                match board.apply(block, time, &log) {
                    Ok(()) => taken.push((block, time, log)),
                    Err(_) => assert_eq!(games(&board), before, "what is refused changes nothing"),
                }
            }
        }
        for number in 0..4 {
            let who = Some(Address::with_last_byte(number));
            let due = duties(&board, &Account { challenger: who, executor: who }, time);
            assert!(due.is_sorted_by_key(|duty| duty.until), "the most urgent first");
            assert!(due.iter().all(|duty| board.game(duty.game).is_some_and(GameState::is_running)), "nothing is over");
        }
    }
    assert_eq!(games(&board), games(&of(&taken)), "the board of the logs");
    taken.len()
}

fn of(taken: &[Taken]) -> Board {
    let mut board = Board::new(COURT);
    for (block, time, log) in taken {
        board.apply(*block, *time, log).expect("it was taken before");
    }
    board
}

fn games(board: &Board) -> Vec<GameState> {
    board.games().cloned().collect()
}

/// A log of the court as it could be, one time in four with something garbled.
fn log(reader: &mut Reader<'_>, time: u64) -> Log {
    let mut data = event(reader, time);
    let (mut topics, mut bytes) = (data.topics().to_vec(), data.data.to_vec());
    match reader.byte() {
        0..32 if !bytes.is_empty() => {
            let at = reader.number() as usize % bytes.len();
            bytes[at] ^= reader.byte();
        }
        32..48 => bytes.truncate(reader.number() as usize),
        48..56 => topics.truncate(usize::from(reader.byte() % 4)),
        56..64 => topics.push(reader.name()),
        _ => {}
    }
    // Nobody can emit more than four topics; then the log stays as it was.
    data = LogData::new(topics, bytes.into()).unwrap_or(data);
    let address = if reader.byte() == 7 { Address::ZERO } else { COURT };
    Log { address, data }
}

fn event(reader: &mut Reader<'_>, time: u64) -> LogData {
    match reader.byte() % 8 {
        0 | 1 => committed(reader, time),
        2 | 3 => dissected(reader, time),
        4 => ChallengeLost {
            game: reader.name(),
            challenger: reader.account(),
            toExecutor: U256::from(reader.number()),
            burned: U256::from(reader.number()),
        }
        .encode_log_data(),
        5 => Convicted {
            executor: reader.account(),
            game: reader.name(),
            voidFrom: reader.number(),
            pot: U256::ZERO,
            costPaid: U256::ZERO,
            winners: U256::ZERO,
            share: U256::ZERO,
        }
        .encode_log_data(),
        6 => Settled { game: reader.name(), challenger: reader.account(), bond: U256::ZERO, reward: U256::ZERO }
            .encode_log_data(),
        _ => Stepped { game: reader.name(), step: reader.number(), outcome: reader.name() }.encode_log_data(),
    }
}

fn committed(reader: &mut Reader<'_>, time: u64) -> LogData {
    let challenge = Challenge {
        challenger: reader.account(),
        batchHash: reader.name(),
        index: reader.number() as u32,
        leaf: reader.name(),
        commitment: reader.name(),
        bond: U256::from(reader.number()),
        isStay: reader.byte().is_multiple_of(2),
        expiry: time.wrapping_add(reader.number()),
    };
    let record = Bytes::from(vec![reader.byte(); usize::from(reader.byte())]);
    let (game, claim, executor) = (reader.name(), reader.name(), reader.account());
    Committed { game, claim, executor, challenge, record }.encode_log_data()
}

fn dissected(reader: &mut Reader<'_>, time: u64) -> LogData {
    let log2 = reader.byte();
    // Mostly as many hashes as there should be.
    let right = 1 << log2.min(6);
    let count = if reader.byte().is_multiple_of(8) { usize::from(reader.byte()) } else { right };
    let hashes = vec![reader.name(); count];
    // Mostly their root, and the position's hash.
    let is_root_right = !reader.byte().is_multiple_of(8) && count.is_power_of_two();
    let position = Position {
        previous: reader.name(),
        start: reader.number(),
        lengthLog2: log2,
        version: reader.byte(),
        startState: reader.name(),
        root: if is_root_right { DissectionTree::new(&hashes).root() } else { reader.name() },
    };
    let is_state_right = !reader.byte().is_multiple_of(8);
    Dissected {
        game: reader.name(),
        state: if is_state_right { keccak256(position.abi_encode()) } else { reader.name() },
        phase: 2 + reader.byte() % 3,
        expiry: time.wrapping_add(reader.number()),
        otherLeft: reader.number(),
        position,
        hashes,
    }
    .encode_log_data()
}

//! Players that watch for what is about to be mined: who joins a conviction in its block, and who evades a stay.
//!
//! Owns the contract that makes the same call again and again in one transaction, which is as cheap as calls can be: the
//! schedule of gas must not pay more for a commitment than it costs there (specs/14-bonds.md).

use alloy_sol_types::{SolCall, SolInterface};
use assay_dispute::game::Side;
use assay_dispute::player::{Intent, Task};
use assay_protocol::contracts::Bonds::depositCall;
use assay_protocol::contracts::Court::{CourtCalls, commitCall};
use assay_protocol::{Address, B256, keccak256};
use revm::primitives::{Bytes, U256};

use crate::actor::{Actor, View, Wish};
use crate::stage::executor_of;

/// The contract. Its input is three words, the callee, the wei for each call and the bytes of each, and then the calls; if one
/// is refused, all are.
pub const BATCHER: &[u8] = &[
    0x60, 0x60, // the first call is behind the three words
    0x5b, 0x36, 0x81, 0x10, 0x15, 0x60, 0x24, 0x57, // until the input ends
    0x60, 0x40, 0x35, 0x80, 0x82, 0x5f, 0x37, // copy the call
    0x5f, 0x5f, 0x82, 0x5f, 0x60, 0x20, 0x35, 0x5f, 0x35, 0x5a, 0xf1, // make it
    0x15, 0x60, 0x26, 0x57, 0x01, 0x60, 0x02, 0x56, // go on with the next
    0x5b, 0x00, // the end
    0x5b, 0x5f, 0x5f, 0xfd, // a call was refused
];

/// Where the contract of a player is.
#[must_use]
pub fn batcher_of(owner: Address) -> Address {
    Address::from_slice(&keccak256([b"batcher", owner.as_slice()].concat())[12..])
}

/// Input of the contract: the same callee and as many wei for each of the calls, which are equally long.
#[must_use]
pub fn batch(callee: Address, value: U256, calls: &[Vec<u8>]) -> Bytes {
    let length = U256::from(calls.first().map_or(0, Vec::len));
    let words = [callee.into_word(), B256::from(value), B256::from(length)];
    words.iter().map(|word| word.to_vec()).chain(calls.iter().cloned()).flatten().collect::<Vec<u8>>().into()
}

/// The executor that a transaction is about to convict.
fn convict_of(view: &View<'_>, wish: &Wish) -> Option<Address> {
    let duty = wish.duty?;
    let game = view.board.game(duty.game)?;
    let convicts = match duty.task {
        Task::Answer(Side::Challenger) => matches!(CourtCalls::abi_decode(&wish.intent.data), Ok(CourtCalls::step(_))),
        Task::Timeout => game.mover() == Some(Side::Executor),
        _ => false,
    };
    convicts.then_some(game.executor)
}

impl Actor {
    /// Games against each executor that is about to fall.
    pub(crate) fn ride(&self, view: &View<'_>, games: u32) -> Vec<Wish> {
        let Some(batcher) = self.batcher else { return Vec::new() };
        let mut wishes: Vec<Wish> = Vec::new();
        for convict in view.mempool.iter().filter_map(|wish| convict_of(view, wish)) {
            let is_open = |case: &usize| view.now + view.pace <= view.window_ends[*case];
            let of_convict = |case: &usize| executor_of(&view.cases[*case]) == convict;
            let Some(case) = self.beliefs.keys().copied().find(|case| is_open(case) && of_convict(case)) else {
                continue;
            };
            let is_aboard = view
                .board
                .games()
                .any(|game| game.executor == convict && game.challenge.challenger == batcher && game.is_running());
            let id = keccak256([self.address().as_slice(), convict.as_slice()].concat());
            if is_aboard || wishes.iter().any(|wish| wish.intent.id == id) {
                continue;
            }
            let commit = |game: u32| {
                let commitment = keccak256([id.as_slice(), &game.to_be_bytes()].concat());
                commitCall { proof: view.cases[case].proof.clone(), commitment, stay: false }.abi_encode()
            };
            let bond = view.parameters.challenge_bond;
            let data = batch(view.board.court(), bond, &(0..games).map(commit).collect::<Vec<_>>());
            let value = bond * U256::from(games);
            let intent = Intent { id, to: batcher, value, data, valid_until: view.window_ends[case] };
            wishes.push(Wish { from: self.address(), intent, duty: None, is_honest: false });
        }
        wishes
    }

    /// A wei for each stay that is on its way against this executor.
    pub(crate) fn dodge(&self, view: &View<'_>) -> Vec<Wish> {
        let is_stay = |wish: &&Wish| {
            let Ok(CourtCalls::commit(call)) = CourtCalls::abi_decode(&wish.intent.data) else { return false };
            call.stay && view.cases.iter().any(|case| case.proof == call.proof && executor_of(case) == self.address())
        };
        let deposit = |wish: &Wish| {
            let data: Bytes = depositCall { role: 0 }.abi_encode().into();
            let id = keccak256([wish.intent.id.as_slice(), &data].concat());
            let intent = Intent { id, to: view.bonds, value: U256::from(1), data, valid_until: view.now + view.pace };
            Wish { from: self.address(), intent, duty: None, is_honest: false }
        };
        view.mempool.iter().filter(is_stay).map(deposit).collect()
    }
}

//! The pool against a model of L1: a mempool that loses transactions, blocks that are reorganised away, fees that jump, another process
//! with the same key, and restarts.
//!
//! The model knows every transaction's nonce, intent and fees, and mines by the rules of L1: one a nonce, in order, at a sufficient fee.

use super::fees::{FeePolicy, Fees, Market};
use super::intent::{Attempt, Intent, IntentId, Outcome, Priority, SlotRow};
use super::pool::{EMPTY_TRANSFER_GAS, Mined, Plan, Pool, PoolConfig, Settlement, Shortage, View};
use super::refusal::Refusal;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use std::collections::{BTreeMap, HashMap};

const FEES: FeePolicy =
    FeePolicy { tip_min: 1, routine_cap: 1_000, urgent_cap: 50_000, bump_percent: 10, hurry_seconds: 600 };
const CONFIRMATIONS: u64 = 3;

fn config() -> PoolConfig {
    PoolConfig { confirmations: CONFIRMATIONS, fees: FEES, resubmit_after_ms: 1_000, unmined_max: 8 }
}

fn intent(number: u64, priority: Priority) -> Intent {
    Intent {
        id: id(number),
        to: Address::with_last_byte(1),
        data: Bytes::new(),
        value: U256::ZERO,
        gas_limit: Some(100_000),
        priority,
        expires_at: None,
        after: None,
    }
}

fn id(number: u64) -> IntentId {
    B256::left_padding_from(&number.to_be_bytes())
}

/// What a signer would make of a plan.
fn attempt(nonce: u64, intent: Option<IntentId>, fees: Fees, gas_limit: u64) -> Attempt {
    let hash = keccak256(format!("{nonce} {intent:?} {fees:?}"));
    Attempt { hash, intent, fees, gas_limit, value: U256::ZERO, raw: Bytes::new() }
}

/// L1 and its mempool.
#[derive(Clone)]
struct Chain {
    now_ms: u64,
    market: Market,
    balance: U256,
    mempool: BTreeMap<u64, Attempt>,
    /// What each block mined, block 0 first.
    blocks: Vec<Vec<(u64, Attempt)>>,
}

impl Chain {
    fn new() -> Self {
        let market = Market { base_fee: 100, tip: 10 };
        Chain { now_ms: 0, market, balance: U256::from(u64::MAX), mempool: BTreeMap::new(), blocks: vec![vec![]] }
    }

    fn nonce(&self) -> u64 {
        self.blocks.iter().flatten().count() as u64
    }

    fn view(&self) -> View {
        let head = self.blocks.len() as u64 - 1;
        let timestamp = 12 * head;
        View { now_ms: self.now_ms, head, timestamp, market: self.market, nonce: self.nonce(), balance: self.balance }
    }

    /// Takes a transaction as geth does.
    fn send(&mut self, nonce: u64, attempt: &Attempt) -> Result<(), Refusal> {
        if nonce < self.nonce() {
            return Err(Refusal::NonceTooLow);
        }
        if let Some(had) = self.mempool.get(&nonce) {
            if had.hash == attempt.hash {
                return Err(Refusal::Known);
            }
            let enough = |old: u128, new: u128| new * 100 >= old * 110;
            if !enough(had.fees.tip, attempt.fees.tip) || !enough(had.fees.cap, attempt.fees.cap) {
                return Err(Refusal::Underpriced);
            }
        }
        self.mempool.insert(nonce, attempt.clone());
        Ok(())
    }

    /// Mines a block with what offers enough, in order of nonces, at most `most` transactions.
    fn mine(&mut self, most: usize) {
        let mut mined = Vec::new();
        let mut nonce = self.nonce();
        while let Some(attempt) = self.mempool.get(&nonce) {
            if mined.len() == most || attempt.fees.cap < self.market.base_fee {
                break;
            }
            mined.push((nonce, attempt.clone()));
            self.mempool.remove(&nonce);
            nonce += 1;
        }
        self.blocks.push(mined);
        self.now_ms += 300;
    }

    /// Drops the newest blocks. What they mined returns to the mempool, except what gets lost.
    fn reorganise(&mut self, depth: usize, mut lost: impl FnMut() -> bool) {
        let keep = self.blocks.len().saturating_sub(depth).max(1);
        for (nonce, attempt) in self.blocks.split_off(keep).into_iter().flatten() {
            if !lost() {
                self.mempool.insert(nonce, attempt);
            }
        }
    }

    fn receipt(&self, hash: B256) -> Option<Mined> {
        let at = self.blocks.iter().position(|block| block.iter().any(|(_, attempt)| attempt.hash == hash))?;
        Some(Mined { transaction: hash, block: at as u64, succeeded: true })
    }

    fn times_mined(&self, intent: IntentId) -> usize {
        self.blocks.iter().flatten().filter(|(_, attempt)| attempt.intent == Some(intent)).count()
    }
}

/// What the actor does, without I/O: one look at L1.
fn tick(pool: &mut Pool, chain: &mut Chain, log: &mut Vec<Settlement>) -> Vec<Plan> {
    let view = chain.view();
    let answers = pool.questions(&view).into_iter();
    let answers =
        answers.map(|(nonce, hashes)| (nonce, hashes.into_iter().find_map(|hash| chain.receipt(hash)))).collect();
    log.extend(pool.observe(&view, &answers));
    let mut plans = Vec::new();
    while let Some(plan) = pool.plan(&view) {
        plans.push(plan.clone());
        assert!(plans.len() < 500, "the pool does not come to rest");
        let nonce = match plan {
            Plan::Estimate(id) => {
                pool.estimated(&id, 90_000);
                continue;
            }
            Plan::Close { .. } => continue,
            Plan::Sign { nonce, intent, fees, gas_limit } => {
                pool.signed(nonce, attempt(nonce, intent, fees, gas_limit), view.now_ms);
                nonce
            }
            Plan::Send { nonce } => nonce,
        };
        let newest = pool.row(nonce).expect("a plan's nonce has a slot").attempts.pop().expect("it has an attempt");
        match chain.send(nonce, &newest) {
            Ok(()) => pool.taken(nonce, view.now_ms),
            Err(refusal) => assert_eq!(pool.refused(nonce, refusal, view.now_ms), None),
        }
    }
    plans
}

/// A pool as a restarted process makes it from what was written down.
fn restart(pool: &Pool, nonces: std::ops::Range<u64>, open: &HashMap<IntentId, (Intent, u64)>) -> Pool {
    let mut fresh = Pool::new(config());
    for nonce in nonces {
        if let Some(row) = pool.row(nonce) {
            fresh.restore(nonce, row);
        }
    }
    open.values().for_each(|(intent, turn)| fresh.submit(intent.clone(), *turn));
    fresh
}

fn run(pool: &mut Pool, chain: &mut Chain, blocks: usize) -> Vec<Settlement> {
    let mut log = Vec::new();
    for _ in 0..blocks {
        tick(pool, chain, &mut log);
        chain.mine(usize::MAX);
    }
    tick(pool, chain, &mut log);
    log
}

fn settled(log: &[Settlement]) -> Vec<IntentId> {
    log.iter().filter_map(|settlement| settlement.mined.map(|(id, _)| id)).collect()
}

#[test]
fn intents_settle_in_order_after_their_confirmations() {
    let (mut pool, mut chain) = (Pool::new(config()), Chain::new());
    (0..3).for_each(|number| pool.submit(intent(number, Priority::Routine), number));
    pool.submit(intent(9, Priority::Urgent), 3);
    let plans = tick(&mut pool, &mut chain, &mut vec![]);
    let nonces = plans.iter().map(|plan| match plan {
        Plan::Sign { nonce, intent, .. } => (*nonce, *intent),
        other => panic!("{other:?}"),
    });
    assert_eq!(nonces.collect::<Vec<_>>(), [(0, Some(id(9))), (1, Some(id(0))), (2, Some(id(1))), (3, Some(id(2)))]);
    chain.mine(usize::MAX);
    let mut log = Vec::new();
    for _ in 1..CONFIRMATIONS {
        tick(&mut pool, &mut chain, &mut log);
        assert_eq!(log, [], "not deep enough");
        chain.mine(0);
    }
    tick(&mut pool, &mut chain, &mut log);
    assert_eq!(settled(&log), [id(9), id(0), id(1), id(2)]);
    assert_eq!(pool.load(), (0, 0));
}

#[test]
fn a_stuck_transaction_is_raised_to_its_cap_and_then_only_repeated() {
    let (mut pool, mut chain) = (Pool::new(config()), Chain::new());
    pool.submit(intent(0, Priority::Routine), 0);
    tick(&mut pool, &mut chain, &mut vec![]);
    chain.market.base_fee = 5_000;
    let mut caps = vec![];
    for _ in 0..40 {
        chain.now_ms += 1_000;
        match tick(&mut pool, &mut chain, &mut vec![])[..] {
            [Plan::Sign { nonce: 0, intent: Some(_), fees, .. }] => caps.push(fees.cap),
            [Plan::Send { nonce: 0 }] => caps.push(0),
            ref other => panic!("{other:?}"),
        }
        chain.mempool.clear();
    }
    assert_eq!(caps[0], FEES.routine_cap, "the market asks for more than the cap");
    assert!(caps[1..].iter().all(|&cap| cap == 0), "{caps:?}");
    chain.market.base_fee = 900;
    chain.now_ms += 1_000;
    tick(&mut pool, &mut chain, &mut vec![]);
    assert_eq!(settled(&run(&mut pool, &mut chain, 4)), [id(0)]);
}

/// Rule 5: routine work that is too cheap for the market makes way for urgent work behind it, and is done later.
#[test]
fn urgent_work_is_not_blocked_by_a_stuck_transaction() {
    let (mut pool, mut chain) = (Pool::new(config()), Chain::new());
    (0..3).for_each(|number| pool.submit(intent(number, Priority::Routine), number));
    tick(&mut pool, &mut chain, &mut vec![]);
    chain.market.base_fee = 3_000;
    pool.submit(intent(9, Priority::Urgent), 3);
    let mut log = Vec::new();
    let mut rounds = 0;
    while chain.times_mined(id(9)) == 0 {
        rounds += 1;
        assert!(rounds < 12, "urgent work is blocked");
        tick(&mut pool, &mut chain, &mut log);
        chain.mine(usize::MAX);
        chain.now_ms += 400;
    }
    for number in 0..3 {
        assert_eq!(chain.times_mined(id(number)), 0, "its place was used up by an empty transfer");
    }
    let empty = chain.blocks.iter().flatten().filter(|(_, attempt)| attempt.intent.is_none());
    assert!(empty.clone().all(|(_, attempt)| attempt.gas_limit == EMPTY_TRANSFER_GAS));
    assert_eq!(empty.count(), 3);
    log.extend(run(&mut pool, &mut chain, 6));
    assert_eq!(settled(&log), [id(9)], "routine work waits for its price");
    assert_eq!(pool.load(), (3, 0));
    chain.market.base_fee = 100;
    assert_eq!(settled(&run(&mut pool, &mut chain, 6)), [id(0), id(1), id(2)]);
}

/// Urgent work that comes when every slot is taken by stuck routine work.
#[test]
fn slots_are_kept_for_urgent_work() {
    let (mut pool, mut chain) = (Pool::new(config()), Chain::new());
    (0..20).for_each(|number| pool.submit(intent(number, Priority::Routine), number));
    tick(&mut pool, &mut chain, &mut vec![]);
    assert_eq!(pool.load(), (14, 6), "a quarter of eight is kept");
    (20..22).for_each(|number| pool.submit(intent(number, Priority::Urgent), number));
    tick(&mut pool, &mut chain, &mut vec![]);
    assert_eq!(pool.load(), (14, 8));
    // All are taken, and the market leaves the routine ones behind.
    chain.market.base_fee = 3_000;
    pool.submit(intent(22, Priority::Urgent), 22);
    let mut log = Vec::new();
    for _ in 0..20 {
        tick(&mut pool, &mut chain, &mut log);
        chain.mine(usize::MAX);
        chain.now_ms += 400;
    }
    assert_eq!(settled(&log), [id(20), id(21), id(22)]);
}

/// Reported: nonces that were mined and not settled counted as if they waited, so that on a chain with many confirmations a few
/// transactions were sent and then nothing for minutes.
#[test]
fn mined_nonces_leave_their_places_before_they_are_settled() {
    let (mut pool, mut chain) = (Pool::new(config()), Chain::new());
    (0..200).for_each(|number| pool.submit(intent(number, Priority::Routine), number));
    for block in 1..=10 {
        tick(&mut pool, &mut chain, &mut Vec::new());
        assert_eq!(chain.mempool.len(), 6, "eight may wait, two of them urgent");
        chain.mine(usize::MAX);
        assert_eq!(chain.nonce(), 6 * block);
    }
    // Nothing settles: then there is an end to what L1 is asked about.
    let deep = PoolConfig { confirmations: 1000, ..config() };
    let (mut pool, mut chain) = (Pool::new(deep), Chain::new());
    (0..200).for_each(|number| pool.submit(intent(number, Priority::Routine), number));
    for _ in 0..100 {
        tick(&mut pool, &mut chain, &mut Vec::new());
        chain.mine(usize::MAX);
    }
    assert_eq!((chain.nonce(), pool.questions(&chain.view()).len()), (8 * 16, 8 * 16));
    // Urgent work goes on.
    pool.submit(intent(1000, Priority::Urgent), 1000);
    tick(&mut pool, &mut chain, &mut Vec::new());
    assert_eq!(chain.mempool.len(), 1);
}

#[test]
fn a_poor_account_opens_nothing_it_can_not_pay() {
    let (mut pool, mut chain) = (Pool::new(config()), Chain::new());
    (0..2).for_each(|number| pool.submit(intent(number, Priority::Urgent), number));
    // One costs at most (2 * 100 + 10) * 100,000.
    chain.balance = U256::from(30_000_000);
    let plans = tick(&mut pool, &mut chain, &mut vec![]);
    assert_eq!((plans.len(), pool.load()), (1, (1, 1)));
    let wanted = U256::from(42_000_000);
    assert_eq!(pool.shortage(), Some(Shortage { got: chain.balance, wanted, reserved: wanted / U256::from(2) }));
    chain.balance = wanted;
    assert_eq!(tick(&mut pool, &mut chain, &mut vec![]).len(), 1);
    assert_eq!(pool.shortage(), None);
}

/// Rule 7: who asks for more than there is waits alone, and money that comes is used.
#[test]
fn what_can_not_be_paid_for_keeps_nothing_back() {
    let (mut pool, mut chain) = (Pool::new(config()), Chain::new());
    chain.balance = U256::from(100_000_000);
    let dear = Intent { value: U256::from(1_000_000_000), gas_limit: None, ..intent(0, Priority::Urgent) };
    pool.submit(dear, 0);
    (1..3).for_each(|number| pool.submit(intent(number, Priority::Urgent), number));
    tick(&mut pool, &mut chain, &mut vec![]);
    assert_eq!(pool.load(), (1, 2), "what stands behind it is sent");
    assert!(pool.shortage().is_some_and(|shortage| shortage.wanted > U256::from(1_000_000_000)));
    assert_eq!(settled(&run(&mut pool, &mut chain, 6)), [id(1), id(2)]);
    chain.balance = U256::from(2_000_000_000);
    assert_eq!(pool.plan(&chain.view()), Some(Plan::Estimate(id(0))));
    assert_eq!(pool.shortage(), None);
}

/// Rule 4: with days left, silence costs nothing. On the last day everything is offered.
#[test]
fn patient_work_is_raised_by_the_market_alone() {
    let (mut pool, mut chain) = (Pool::new(config()), Chain::new());
    pool.submit(Intent { expires_at: Some(1_000), ..intent(0, Priority::Urgent) }, 0);
    let mut next = |chain: &mut Chain| {
        chain.now_ms += 1_000;
        let plans = tick(&mut pool, chain, &mut vec![]);
        chain.mempool.clear();
        plans
    };
    let first = next(&mut chain);
    assert!(matches!(first[..], [Plan::Sign { fees: Fees { tip: 10, cap: 210 }, .. }]), "{first:?}");
    for _ in 0..100 {
        let plans = next(&mut chain);
        assert!(matches!(plans[..], [Plan::Send { nonce: 0 }]), "nobody asks for more: {plans:?}");
    }
    chain.market.base_fee = 300;
    let plans = next(&mut chain);
    assert!(matches!(plans[..], [Plan::Sign { fees: Fees { cap: 611, .. }, .. }]), "{plans:?}");
    chain.market.base_fee = 900;
    let plans = next(&mut chain);
    assert!(matches!(plans[..], [Plan::Sign { fees: Fees { cap: 1_000, .. }, .. }]), "{plans:?}");
    chain.market.base_fee = 2_000;
    let plans = next(&mut chain);
    assert!(matches!(plans[..], [Plan::Send { nonce: 0 }]), "it waits for the base fee to come down: {plans:?}");
    // 600 seconds before its time is over.
    while 12 * (chain.blocks.len() as u64 - 1) < 400 {
        chain.mine(0);
    }
    let plans = next(&mut chain);
    assert!(matches!(plans[..], [Plan::Sign { fees: Fees { cap: 4_000.., .. }, .. }]), "{plans:?}");
    let plans = next(&mut chain);
    assert!(matches!(plans[..], [Plan::Sign { .. }]), "and again, whatever the market asks for: {plans:?}");
}

#[test]
fn times_withdrawals_and_refusals_end_an_intent() {
    let (mut pool, mut chain) = (Pool::new(config()), Chain::new());
    let late = Intent { expires_at: Some(12), ..intent(0, Priority::Routine) };
    chain.mine(0);
    pool.submit(late, 0);
    let closed = Plan::Close { intent: id(0), outcome: Outcome::Expired };
    assert_eq!(tick(&mut pool, &mut chain, &mut vec![]), [closed]);
    assert!(pool.intent(&id(0)).is_none());

    pool.submit(intent(1, Priority::Routine), 1);
    assert!(pool.withdraw(&id(1)) && !pool.withdraw(&id(1)));
    pool.submit(intent(2, Priority::Routine), 2);
    tick(&mut pool, &mut chain, &mut vec![]);
    assert!(!pool.withdraw(&id(2)), "it is in flight");

    // What no node will ever take ends; what was offered before by another transaction of this nonce does not.
    assert_eq!(pool.refused(0, Refusal::Impossible, 0), Some(id(2)));
    assert_eq!(pool.load(), (0, 0));
    pool.submit(intent(3, Priority::Routine), 3);
    chain.mempool.clear();
    tick(&mut pool, &mut chain, &mut vec![]);
    let fees = Fees { tip: 500, cap: 900 };
    pool.signed(0, attempt(0, Some(id(3)), fees, 1), 0);
    assert_eq!(pool.refused(0, Refusal::Impossible, 0), None);
    assert_eq!(pool.load(), (0, 1));
}

/// Reported: what a poor account could not pay for was passed over by what had to come behind it, and reverted.
#[test]
fn what_follows_is_sent_behind_or_not_at_all() {
    let follower = |number: u64| Intent { after: Some(id(number - 1)), ..intent(number, Priority::Routine) };
    let dear = Intent { gas_limit: Some(1_000_000), ..intent(0, Priority::Routine) };
    let (mut pool, mut chain) = (Pool::new(config()), Chain::new());
    pool.submit(dear.clone(), 0);
    (1..4).for_each(|number| pool.submit(follower(number), number));
    // One costs at most (2 * 100 + 10) * 100,000; the first ten times that.
    chain.balance = U256::from(100_000_000);
    assert_eq!(tick(&mut pool, &mut chain, &mut vec![]), []);
    chain.balance = U256::from(u64::MAX);
    let nonces = |plans: Vec<Plan>| {
        let signed = |plan| match plan {
            Plan::Sign { nonce, intent, .. } => Some((nonce, intent)),
            _ => None,
        };
        plans.into_iter().filter_map(signed).collect::<Vec<_>>()
    };
    let expected = (0..4).map(|number| (number, Some(id(number)))).collect::<Vec<_>>();
    assert_eq!(nonces(tick(&mut pool, &mut chain, &mut vec![])), expected);
    assert_eq!(settled(&run(&mut pool, &mut chain, 6)), [id(0), id(1), id(2), id(3)]);

    // The first is never sent: none is.
    let (mut pool, mut chain) = (Pool::new(config()), Chain::new());
    chain.mine(0);
    pool.submit(Intent { expires_at: Some(12), ..intent(0, Priority::Routine) }, 0);
    (1..4).for_each(|number| pool.submit(follower(number), number));
    let closed = |number, outcome| Plan::Close { intent: id(number), outcome };
    let mut expected = vec![closed(0, Outcome::Expired)];
    expected.extend((1..4).map(|number| closed(number, Outcome::Orphaned)));
    assert_eq!(tick(&mut pool, &mut chain, &mut vec![]), expected);
    assert_eq!(pool.load(), (0, 0));

    // The first fails on L1: what waits behind it is not sent.
    let (mut pool, mut chain) = (Pool::new(PoolConfig { unmined_max: 1, ..config() }), Chain::new());
    pool.submit(intent(0, Priority::Routine), 0);
    pool.submit(follower(1), 1);
    tick(&mut pool, &mut chain, &mut vec![]);
    chain.mine(1);
    (0..4).for_each(|_| chain.mine(0));
    let view = chain.view();
    let mined = pool.questions(&view).into_iter().map(|(nonce, hashes)| {
        let mined = chain.receipt(hashes[0]).map(|mined| Mined { succeeded: false, ..mined });
        (nonce, mined)
    });
    let answers = mined.collect();
    assert_eq!(pool.observe(&view, &answers).len(), 1);
    assert_eq!(pool.plan(&view), Some(closed(1, Outcome::Orphaned)));

    // After a restart.
    let mut pool = Pool::new(config());
    pool.submit(follower(1), 1);
    pool.orphan(id(1));
    assert_eq!(pool.plan(&view), Some(closed(1, Outcome::Orphaned)));
    // What was carried out long ago is not here.
    pool.submit(follower(2), 2);
    assert!(matches!(pool.plan(&view), Some(Plan::Sign { .. })));
}

#[test]
fn estimates_come_before_signatures() {
    let (mut pool, mut chain) = (Pool::new(config()), Chain::new());
    pool.submit(Intent { gas_limit: None, ..intent(0, Priority::Routine) }, 0);
    let plans = tick(&mut pool, &mut chain, &mut vec![]);
    assert_eq!(plans[0], Plan::Estimate(id(0)));
    assert!(matches!(plans[1], Plan::Sign { gas_limit: 90_000, .. }));
}

#[test]
fn what_a_node_does_not_estimate_keeps_nothing_back() {
    let (mut pool, mut chain) = (Pool::new(config()), Chain::new());
    pool.submit(Intent { gas_limit: None, ..intent(0, Priority::Urgent) }, 0);
    pool.submit(intent(1, Priority::Routine), 1);
    assert_eq!(pool.plan(&chain.view()), Some(Plan::Estimate(id(0))));
    pool.unestimated(&id(0), chain.view().now_ms);
    assert!(matches!(pool.plan(&chain.view()), Some(Plan::Sign { intent: Some(next), .. }) if next == id(1)));
    chain.now_ms += config().resubmit_after_ms;
    assert_eq!(pool.plan(&chain.view()), Some(Plan::Estimate(id(0))), "it is asked again");
}

/// The whole way down: L1 loses, reorganises, gets dear; another process uses the key; ours dies. Every intent is settled in the end, and
/// stands in the chain exactly once.
#[test]
fn whatever_happens_each_intent_is_carried_out_once() {
    let (mut foreign_nonces, mut restarts, mut displaced) = (0, 0, 0);
    for seed in 1..=300_u64 {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut random = |bound: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % bound
        };
        let (mut pool, mut chain) = (Pool::new(config()), Chain::new());
        let mut open: HashMap<IntentId, (Intent, u64)> = HashMap::new();
        let mut done: Vec<(IntentId, B256)> = Vec::new();
        let (mut next, mut highest_head) = (0, 0);
        for round in 0..400 {
            let troubled = round < 250;
            if troubled && random(3) == 0 {
                let priority = if random(4) == 0 { Priority::Urgent } else { Priority::Routine };
                let new = intent(next, priority);
                open.insert(new.id, (new.clone(), next));
                pool.submit(new, next);
                next += 1;
            }
            let mut log = Vec::new();
            tick(&mut pool, &mut chain, &mut log);
            displaced += log.iter().map(|settlement| settlement.given_back.len()).sum::<usize>();
            for (id, mined) in log.into_iter().filter_map(|settlement| settlement.mined) {
                assert!(open.remove(&id).is_some(), "seed {seed}: {id} was settled twice");
                done.push((id, mined.transaction));
            }
            chain.market.base_fee = match random(40) {
                0 if troubled => 1_500 + u128::from(random(5_000)),
                1 => 50 + u128::from(random(300)),
                _ if !troubled => 100,
                _ => chain.market.base_fee,
            };
            if troubled {
                match random(12) {
                    0 => chain.mempool.retain(|_, _| random(2) == 0),
                    // At most as deep as what is not settled, also when one follows another: deeper is beyond the promise.
                    1 => {
                        highest_head = chain.view().head.max(highest_head);
                        let settled = (highest_head + 1).saturating_sub(CONFIRMATIONS);
                        let deepest = chain.view().head.saturating_sub(settled);
                        chain.reorganise((1 + random(CONFIRMATIONS)).min(deepest) as usize, || random(3) == 0);
                    }
                    2 => {
                        let highest = chain.mempool.keys().last().map_or(chain.nonce(), |nonce| nonce + 1);
                        pool = restart(&pool, 0..highest.max(1_000), &open);
                        restarts += 1;
                    }
                    3 if random(4) == 0 => {
                        let nonce = chain.nonce();
                        let fees = Fees { tip: 40_000, cap: 40_000 };
                        let mut foreign = attempt(nonce, None, fees, EMPTY_TRANSFER_GAS);
                        foreign.hash = keccak256(format!("foreign {seed} {round}"));
                        chain.mempool.insert(nonce, foreign);
                        foreign_nonces += 1;
                    }
                    _ => {}
                }
            }
            chain.mine(random(5) as usize + usize::from(!troubled));
        }
        assert!(open.is_empty(), "seed {seed}: {} of {next} intents are not settled, {:?}", open.len(), pool.load());
        assert_eq!(pool.load(), (0, 0), "seed {seed}");
        for number in 0..next {
            assert_eq!(chain.times_mined(id(number)), 1, "seed {seed}: intent {number}");
        }
        for (_, transaction) in done {
            assert!(chain.receipt(transaction).is_some(), "seed {seed}: a settled transaction is gone");
        }
    }
    assert!(foreign_nonces > 100 && restarts > 1_000 && displaced > 100, "{foreign_nonces} {restarts} {displaced}");
}

/// A reorganisation deeper than the confirmations un-mines what was settled: the hole is filled, so that later work is not stuck.
#[test]
fn a_hole_left_by_a_deep_reorganisation_is_filled() {
    let (mut pool, mut chain) = (Pool::new(config()), Chain::new());
    pool.submit(intent(0, Priority::Routine), 0);
    assert_eq!(settled(&run(&mut pool, &mut chain, 5)), [id(0)]);
    pool.submit(intent(1, Priority::Routine), 1);
    tick(&mut pool, &mut chain, &mut vec![]);
    chain.reorganise(100, || true);
    assert_eq!(chain.nonce(), 0);
    let log = run(&mut pool, &mut chain, 6);
    assert_eq!(settled(&log), [id(1)]);
    assert!(chain.blocks.iter().flatten().any(|(nonce, attempt)| *nonce == 0 && attempt.intent.is_none()));
}

#[test]
fn an_empty_row_is_no_slot() {
    let mut pool = Pool::new(config());
    pool.restore(5, SlotRow { attempts: vec![] });
    assert_eq!(pool.row(5), None);
}

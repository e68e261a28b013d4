//! The player's metrics: its games and who is ahead in them, clocks, moves, what was won and lost, what is locked, what it is owed.
//!
//! Owns the numbers. A game that ends, is taken back by a reorganisation and ends again counts twice.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, U256};
use assay_dispute::game::Side;
use assay_dispute::player::{Account, GameState, Phase};
use assay_node::telemetry::Metrics;
use assay_protocol::B256;
use assay_protocol::objects::Role;
use tracing::info;

use crate::chain::{Head, View};

/// A unit of credit that fits a gauge.
const GWEI: u64 = 1_000_000_000;

macro_rules! meters {
    ($($kind:ident $name:ident: $help:literal;)*) => {
        /// What is counted.
        pub(super) struct Counted { $(pub $name: meters!(@type $kind)),* }
        impl Counted {
            fn new(metrics: &Metrics) -> Self {
                Self { $($name: meters!(@make $kind metrics, stringify!($name), $help)),* }
            }
        }
    };
    (@type gauge) => { Gauge };
    (@type counter) => { Counter };
    (@make gauge $metrics:ident, $name:expr, $help:literal) => { Gauge::new($metrics, $name, $help) };
    (@make counter $metrics:ident, $name:expr, $help:literal) => { Counter::new($metrics, $name, $help) };
}

meters! {
    gauge games_challenger: "Games under way as a challenger";
    gauge games_executor: "Games under way as an executor";
    gauge games_ahead: "Games under way that it wins if nobody moves any more";
    gauge games_behind: "Games under way that it loses if nobody moves any more: the next move is its own";
    gauge games_hopeless: "Games under way that can't be won";
    gauge clock_least_seconds: "Least that is left on a clock of ours that runs; -1 if none does";
    gauge credit_gwei: "What contracts owe the account";
    gauge bonds_locked_gwei: "What bonds of its open challenges lock";
    gauge stake_gwei: "The executor's stake, as far as it was not withdrawn or slashed";
    gauge challenges_wanted: "Challenges that were asked for and whose fates are open";
    counter moves: "Intents submitted";
    counter attempts_failed: "Intents that came to nothing while their job was due";
    counter games_won: "Games won";
    counter games_lost: "Games lost";
}

/// A number that goes up and down.
pub(super) struct Gauge(Box<dyn Fn(i64) + Send + Sync>);

impl Gauge {
    fn new(metrics: &Metrics, name: &str, help: &str) -> Self {
        let gauge = metrics.gauge(name, help);
        Self(Box::new(move |value| {
            gauge.set(value);
        }))
    }

    pub(super) fn set(&self, value: i64) {
        (self.0)(value);
    }
}

/// A number that only grows.
pub(super) struct Counter(Box<dyn Fn() + Send + Sync>);

impl Counter {
    fn new(metrics: &Metrics, name: &str, help: &str) -> Self {
        let counter = metrics.counter(name, help);
        Self(Box::new(move || {
            counter.inc();
        }))
    }

    pub(super) fn add(&self) {
        (self.0)();
    }
}

/// Metrics, and the games that were under way when they were last taken.
pub(super) struct Meters {
    pub counted: Counted,
    running: BTreeMap<B256, Side>,
}

impl Meters {
    pub(super) fn new(metrics: &Metrics) -> Self {
        Self { counted: Counted::new(metrics), running: BTreeMap::new() }
    }

    /// Takes the numbers of a head.
    pub(super) fn take(
        &mut self,
        view: &View,
        account: &Account,
        sender: Address,
        hopeless: &BTreeSet<B256>,
        head: &Head,
    ) {
        let (mut running, mut least) = (BTreeMap::new(), None);
        let (mut ahead, mut behind, mut locked) = (0, 0, U256::ZERO);
        for game in view.board().games().filter(|game| game.is_running()) {
            let Some(side) = side_of(account, game) else { continue };
            running.insert(game.id, side);
            if !self.running.contains_key(&game.id) {
                info!(game = %game.id, ?side, claim = %game.claim, "a game is under way");
            }
            if side == Side::Challenger {
                locked = locked.saturating_add(game.challenge.bond);
            }
            // Whoever has to move loses by the clock. Once the executor is convicted, a challenger has won what is left of its games.
            let leads = match view.conviction(game.executor) {
                Some(_) => Side::Challenger,
                None => game.mover().map_or(Side::Executor, Side::opponent),
            };
            if leads == side {
                ahead += 1
            } else {
                behind += 1
            }
            if game.mover() == Some(side) {
                let left = game.expiry.saturating_sub(head.time);
                least = Some(least.map_or(left, |least: u64| least.min(left)));
            }
        }
        for (id, side) in &self.running {
            if !running.contains_key(id)
                && let Some(game) = view.board().game(*id)
            {
                self.ended(game, *side);
            }
        }
        let count = |of| running.values().filter(|side| **side == of).count() as i64;
        self.counted.games_challenger.set(count(Side::Challenger));
        self.counted.games_executor.set(count(Side::Executor));
        self.counted.games_ahead.set(ahead);
        self.counted.games_behind.set(behind);
        self.counted.bonds_locked_gwei.set(gwei(locked));
        let registration = account.executor.and_then(|owner| view.stakes().registration(Role::Executor, owner));
        self.counted.stake_gwei.set(gwei(registration.map_or(U256::ZERO, |registration| registration.stake)));
        self.counted.games_hopeless.set(running.keys().filter(|id| hopeless.contains(*id)).count() as i64);
        self.counted.clock_least_seconds.set(least.map_or(-1, |least| i64::try_from(least).unwrap_or(i64::MAX)));
        let owed = view.creditors().map(|contract| view.credit(contract, sender).owed);
        self.counted.credit_gwei.set(gwei(owed.into_iter().fold(U256::ZERO, U256::saturating_add)));
        self.running = running;
    }

    fn ended(&self, game: &GameState, side: Side) {
        let is_won = match game.phase {
            Phase::Lost => side == Side::Executor,
            Phase::Settled => side == Side::Challenger,
            // It was taken back by a reorganisation.
            _ => return,
        };
        if is_won {
            self.counted.games_won.add()
        } else {
            self.counted.games_lost.add()
        }
        info!(game = %game.id, ?side, is_won, "a game is over");
    }
}

fn gwei(wei: U256) -> i64 {
    i64::try_from(wei / U256::from(GWEI)).unwrap_or(i64::MAX)
}

/// The side of a game that an account plays.
pub(super) fn side_of(account: &Account, game: &GameState) -> Option<Side> {
    if account.challenger == Some(game.challenge.challenger) {
        Some(Side::Challenger)
    } else if account.executor == Some(game.executor) {
        Some(Side::Executor)
    } else {
        None
    }
}

//! The loop: a head, what it asks for, workers, submissions.
//!
//! Owns what is being made and what has failed here. Looking at the store happens on worker threads, as making does (`look`); an intent and
//! the row of its attempt are one commit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use assay_dispute::player::Task;
use assay_node::telemetry::Metrics;
use assay_node::tx::{Intent, Priority};
use assay_protocol::B256;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use super::attempt::{intent_id, wait};
use super::job::Job;
use super::look::Ready;
use super::make::{Call, Made, MakeError, make};
use super::meters::Meters;
use super::rows::{CHALLENGES, WORKS, WorkRow, challenge_key};
use super::{PlayerError, Shared};
use crate::chain::{Head, LeafId};

/// Heads between two looks for rows that have served.
const SWEEP_EVERY: u64 = 64;

/// The actor of one account. Does nothing until [`Actor::run`] is polled.
pub struct Actor {
    shared: Arc<Shared>,
    meters: Meters,
    /// For moves.
    permits: Arc<Semaphore>,
    /// For commitments: many lies at once don't keep moves from their workers.
    commits: Arc<Semaphore>,
    /// Jobs of the newest look for which no worker was free, in the order in which they get one.
    waiting: Vec<Ready>,
    /// Jobs that are being made.
    making: JoinSet<(Ready, Result<Made, MakeError>)>,
    busy: BTreeSet<B256>,
    /// Jobs that are due by the newest head.
    due: BTreeSet<B256>,
    /// Jobs that could not be made: how often, and the L1 time before which they are not tried again.
    failed: BTreeMap<B256, (u32, u64)>,
    /// L1 time of the newest head that was looked at.
    now: u64,
    /// Moves in games that can't be won by what is known, said once; with the game. They are tried again as those that failed are.
    hopeless: BTreeMap<B256, B256>,
    rounds: u64,
}

impl Actor {
    pub(super) fn new(shared: Arc<Shared>, metrics: &Metrics) -> Self {
        let permits = Arc::new(Semaphore::new(shared.config.workers.max(1)));
        Self {
            shared,
            meters: Meters::new(metrics),
            permits,
            commits: Arc::new(Semaphore::new(1)),
            waiting: Vec::new(),
            making: JoinSet::new(),
            busy: BTreeSet::new(),
            due: BTreeSet::new(),
            failed: BTreeMap::new(),
            now: 0,
            hopeless: BTreeMap::new(),
            rounds: 0,
        }
    }

    /// Plays until the token is cancelled. What was submitted goes on without it.
    ///
    /// # Errors
    /// [`PlayerError`].
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), PlayerError> {
        let shared = self.shared.clone();
        let mut heads = shared.chain.heads();
        loop {
            let head = *heads.borrow_and_update();
            if let Some(head) = head {
                self.round(head).await?;
            }
            // Until there is news, what workers have made is submitted.
            loop {
                tokio::select! {
                    biased;
                    () = stop.cancelled() => return Ok(()),
                    Some(made) = self.making.join_next(), if !self.making.is_empty() => {
                        let (ready, made) = made.expect("making a job does not panic, and nobody aborts it");
                        self.made(ready, made).await?;
                        self.start_waiting();
                    }
                    changed = heads.changed() => {
                        changed.map_err(|_| PlayerError::Unfollowed)?;
                        break;
                    }
                    () = shared.wake.notified() => break,
                }
            }
        }
    }

    /// Does what a head asks for.
    async fn round(&mut self, head: Head) -> Result<(), PlayerError> {
        let (shared, unmade) = (self.shared.clone(), self.failed.keys().copied().collect::<BTreeSet<B256>>());
        let look = tokio::task::spawn_blocking(move || shared.look(head, &unmade)).await;
        let look = look.expect("a look does not panic, and a runtime that ends it ends its caller too")?;
        self.due = look.due;
        self.failed.retain(|name, _| self.due.contains(name));
        self.hopeless.retain(|name, _| self.due.contains(name));
        for ready in look.taken_back {
            self.take_back(ready);
        }
        // What still waits of an older look is in this one, if it is due, and may have another place.
        self.now = head.time;
        self.waiting = look.ready;
        // What fails holds up no other, however long it takes to fail.
        self.waiting.sort_by_key(|ready| self.failed.contains_key(&ready.wanted.name));
        self.start_waiting();
        self.forget_challenges(&look.spent).await?;
        self.meters.counted.challenges_wanted.set(look.challenges as i64);
        let hopeless = self.hopeless.values().copied().collect();
        let (config, sender) = (&self.shared.config, self.shared.sender.account());
        self.meters.take(&self.shared.chain.view(), &config.account, sender, &hopeless, &head);
        self.rounds += 1;
        if self.rounds.is_multiple_of(SWEEP_EVERY) {
            self.sweep(head).await?;
        }
        Ok(())
    }

    /// Gives jobs to workers, as many as are free.
    fn start_waiting(&mut self) {
        for ready in std::mem::take(&mut self.waiting) {
            let unstarted = self.start(ready);
            self.waiting.extend(unstarted);
        }
    }

    /// Gives a job to a worker, unless it has one, or nothing can be done about it now. Gives it back if no worker is free.
    fn start(&mut self, ready: Ready) -> Option<Ready> {
        let name = ready.wanted.name;
        let is_early = self.failed.get(&name).is_some_and(|(_, after)| ready.head.time < *after);
        if is_early || self.busy.contains(&name) {
            return None;
        }
        let permits = match ready.wanted.job {
            Job::Commit { .. } => Some(&self.commits),
            // No evidence is needed: they wait for nobody's.
            Job::Play { duty, .. } if matches!(duty.task, Task::Timeout | Task::Settle) => None,
            Job::Play { .. } => Some(&self.permits),
            Job::Withdraw { .. } => None,
        };
        // Semaphores are never closed: there is a permit, or there is none now.
        let Ok(permit) = permits.map(|permits| permits.clone().try_acquire_owned()).transpose() else {
            return Some(ready);
        };
        self.busy.insert(name);
        if let Some(reason) = &ready.reason {
            self.meters.counted.attempts_failed.add();
            error!(job = ?ready.wanted.job, reason, "an intent came to nothing while its job is due, it is made again");
        }
        let shared = self.shared.clone();
        self.making.spawn(async move {
            let job = ready.wanted.job;
            let made = tokio::task::spawn_blocking(move || {
                let made = make(&shared, &job);
                drop(permit);
                made
            });
            (ready, made.await.expect("making a job does not panic, and a runtime that ends it ends its caller too"))
        });
        None
    }

    /// Takes an intent back, unless it was sent meanwhile. Nothing waits for it: the sender answers between two looks at L1.
    fn take_back(&mut self, ready: Ready) {
        let name = ready.wanted.name;
        if !self.busy.insert(name) {
            return;
        }
        let sender = self.shared.sender.clone();
        self.making.spawn(async move {
            let made = match sender.withdraw(intent_id(name, ready.attempt)).await {
                Ok(()) => Made::TakenBack,
                Err(error) => {
                    debug!(job = ?ready.wanted.job, %error, "an intent can't be taken back");
                    Made::Nothing
                }
            };
            (ready, Ok(made))
        });
    }

    /// Takes what a worker has made.
    async fn made(&mut self, ready: Ready, made: Result<Made, MakeError>) -> Result<(), PlayerError> {
        let (name, job) = (ready.wanted.name, ready.wanted.job);
        self.busy.remove(&name);
        match made {
            Ok(Made::Call(_)) if !self.due.contains(&name) => debug!(?job, "L1 has moved on"),
            Ok(Made::Call(call)) => {
                self.failed.remove(&name);
                self.hopeless.remove(&name);
                return self.submit(ready, call).await;
            }
            Ok(Made::Nothing) => debug!(?job, "L1 has moved on"),
            Ok(Made::TakenBack) => {
                warn!(?job, "there is not the money for a stay, the claim is challenged by a game");
                self.shared.wake.notify_one();
            }
            Ok(Made::True) => {
                error!(?job, "a claim that was to be challenged is true");
                if let Job::Commit { leaf, .. } = job {
                    self.forget_challenges(&[leaf]).await?;
                }
            }
            Ok(Made::Hopeless { reason }) => {
                // What a node has told of L1 may be wrong: a clock that runs is reason enough to look again.
                self.put_off(&ready);
                if let Job::Play { duty, .. } = job
                    && self.hopeless.insert(name, duty.game).is_none()
                {
                    error!(?job, reason, "a game can't be won");
                }
            }
            Err(problem) => {
                let failures = self.put_off(&ready);
                error!(?job, error = %problem, failures, "a job can't be made now");
            }
        }
        Ok(())
    }

    /// Lets a job that could not be made wait from now on, longer each time. Returns how often that was so before.
    fn put_off(&mut self, ready: &Ready) -> u32 {
        let name = ready.wanted.name;
        let failures = self.failed.get(&name).map_or(0, |(failures, _)| failures + 1);
        self.failed.insert(name, (failures, self.now.saturating_add(wait(failures))));
        failures
    }

    async fn submit(&mut self, ready: Ready, call: Call) -> Result<(), PlayerError> {
        let (name, job) = (ready.wanted.name, ready.wanted.job);
        let (game, priority) = match job {
            Job::Commit { .. } => (None, Priority::Urgent),
            Job::Play { duty, .. } if duty.until == u64::MAX => (Some(duty.game), Priority::Routine),
            Job::Play { duty, .. } => (Some(duty.game), Priority::Urgent),
            Job::Withdraw { .. } => (None, Priority::Routine),
        };
        let account = self.shared.sender.account();
        let row = WorkRow { attempt: ready.attempt, made_at: ready.head.time, block: ready.head.number, game };
        let mut batch = self.shared.chain.store().batch();
        batch.put(&WORKS, &(account, name), &row)?;
        let intent = Intent {
            id: intent_id(name, ready.attempt),
            to: call.to,
            data: call.data,
            value: call.value,
            gas_limit: None,
            priority,
            expires_at: call.until.checked_add(1),
            after: None,
        };
        let intent_name = intent.id;
        self.shared.sender.submit_with(batch, vec![intent]).await?;
        self.meters.counted.moves.add();
        info!(?job, intent = %intent_name, attempt = ready.attempt, "submitted");
        Ok(())
    }

    async fn forget_challenges(&self, leaves: &[LeafId]) -> Result<(), PlayerError> {
        if leaves.is_empty() {
            return Ok(());
        }
        let mut batch = self.shared.chain.store().batch();
        let account = self.shared.sender.account();
        leaves.iter().for_each(|leaf| batch.delete(&CHALLENGES, &challenge_key(account, *leaf)));
        Ok(batch.commit_async().await?)
    }

    /// Throws away rows and intents of games that are over and buried.
    async fn sweep(&self, head: Head) -> Result<(), PlayerError> {
        let shared = self.shared.clone();
        let swept = tokio::task::spawn_blocking(move || shared.sweep(head)).await;
        swept.expect("a sweep does not panic, and a runtime that ends it ends its caller too")
    }
}

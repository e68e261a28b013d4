//! The loop: a head, what it asks for, workers, submissions.
//!
//! Owns what is being made and what has failed here. Looking at the store happens on worker threads, as making does; an intent and the
//! row of its attempt are one commit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

use assay_dispute::player::Task;
use assay_node::store::StoreError;
use assay_node::telemetry::Metrics;
use assay_node::tx::{INTENTS, Intent, Priority};
use assay_protocol::B256;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info};

use super::attempt::{Decision, Progress, decide, intent_id, wait};
use super::job::{Challenge, Job, Wanted, wanted};
use super::make::{Call, Made, MakeError, make};
use super::meters::Meters;
use super::rows::{CHALLENGES, ChallengeRow, WORKS, WorkRow, challenge_key, challenges};
use super::{PlayerError, Shared};
use crate::chain::{ChainError, Head, LeafId};

/// Blocks after which the rows of a game that is over are thrown away: more than a reader heals.
const BURIED_BLOCKS: u64 = 256;
/// Heads between two looks for such rows.
const SWEEP_EVERY: u64 = 64;

/// The actor of one account. Does nothing until [`Actor::run`] is polled.
pub struct Actor {
    shared: Arc<Shared>,
    meters: Meters,
    /// For moves.
    permits: Arc<Semaphore>,
    /// For commitments: many lies at once don't keep moves from their workers.
    commits: Arc<Semaphore>,
    /// Jobs that are being made.
    making: JoinSet<(Ready, Result<Made, MakeError>)>,
    busy: BTreeSet<B256>,
    /// Jobs that are due by the newest head.
    due: BTreeSet<B256>,
    /// Jobs that could not be made: how often, and the L1 time before which they are not tried again.
    failed: BTreeMap<B256, (u32, u64)>,
    /// Jobs that nothing can be done about, said once; with the game, if there is one.
    closed: BTreeMap<B256, Option<B256>>,
    rounds: u64,
}

/// A job that is to be made, as which attempt, by which head.
#[derive(Clone, Debug)]
struct Ready {
    wanted: Wanted,
    attempt: u32,
    head: Head,
    /// Why the attempt before was for nothing.
    reason: Option<String>,
}

/// What a look at view and store came to.
#[derive(Default)]
struct Look {
    due: BTreeSet<B256>,
    ready: Vec<Ready>,
    given_up: Vec<(Wanted, String)>,
    /// Challenges whose fates are known.
    spent: Vec<LeafId>,
    challenges: usize,
}

impl Actor {
    pub(super) fn new(shared: Arc<Shared>, metrics: &Metrics) -> Self {
        let permits = Arc::new(Semaphore::new(shared.config.workers.max(1)));
        Self {
            shared,
            meters: Meters::new(metrics),
            permits,
            commits: Arc::new(Semaphore::new(1)),
            making: JoinSet::new(),
            busy: BTreeSet::new(),
            due: BTreeSet::new(),
            failed: BTreeMap::new(),
            closed: BTreeMap::new(),
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
        let shared = self.shared.clone();
        let look = tokio::task::spawn_blocking(move || shared.look(head)).await;
        let look = look.expect("a look does not panic, and a runtime that ends it ends its caller too")?;
        self.due = look.due;
        self.failed.retain(|name, _| self.due.contains(name));
        self.closed.retain(|name, _| self.due.contains(name));
        for (wanted, reason) in look.given_up {
            if self.closed.insert(wanted.name, None).is_none() {
                error!(job = ?wanted.job, reason, "no attempt is left at a job that is due");
            }
        }
        for ready in look.ready {
            self.start(ready);
        }
        self.forget_challenges(&look.spent).await?;
        self.meters.counted.challenges_wanted.set(look.challenges as i64);
        let hopeless = self.closed.values().flatten().copied().collect();
        let (config, sender) = (&self.shared.config, self.shared.sender.account());
        self.meters.take(&self.shared.chain.view(), &config.account, sender, &hopeless, &head);
        self.rounds += 1;
        if self.rounds.is_multiple_of(SWEEP_EVERY) {
            self.sweep(head).await?;
        }
        Ok(())
    }

    /// Gives a job to a worker, unless it has one, or nothing can be done about it now.
    fn start(&mut self, ready: Ready) {
        let name = ready.wanted.name;
        let is_early = self.failed.get(&name).is_some_and(|(_, after)| ready.head.time < *after);
        if is_early || self.closed.contains_key(&name) || !self.busy.insert(name) {
            return;
        }
        if let Some(reason) = &ready.reason {
            self.meters.counted.attempts_failed.add();
            error!(job = ?ready.wanted.job, reason, "an intent came to nothing while its job is due, it is made again");
        }
        let permits = match ready.wanted.job {
            Job::Commit { .. } => Some(self.commits.clone()),
            // No evidence is needed: they wait for nobody's.
            Job::Play { duty, .. } if matches!(duty.task, Task::Timeout | Task::Settle) => None,
            Job::Play { .. } => Some(self.permits.clone()),
            Job::Withdraw { .. } => None,
        };
        let shared = self.shared.clone();
        self.making.spawn(async move {
            let permit = match permits {
                Some(permits) => Some(permits.acquire_owned().await.expect("the semaphore is never closed")),
                None => None,
            };
            let job = ready.wanted.job;
            let made = tokio::task::spawn_blocking(move || {
                let made = make(&shared, &job);
                drop(permit);
                made
            });
            (ready, made.await.expect("making a job does not panic, and a runtime that ends it ends its caller too"))
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
                return self.submit(ready, call).await;
            }
            Ok(Made::Nothing) => debug!(?job, "L1 has moved on"),
            Ok(Made::True) => {
                error!(?job, "a claim that was to be challenged is true");
                if let Job::Commit { leaf, .. } = job {
                    self.forget_challenges(&[leaf]).await?;
                }
            }
            Ok(Made::Hopeless { reason }) => {
                let game = if let Job::Play { duty, .. } = job { Some(duty.game) } else { None };
                if self.closed.insert(name, game).is_none() {
                    error!(?job, reason, "a game can't be won");
                }
            }
            Err(problem) => {
                let failures = self.failed.get(&name).map_or(0, |(failures, _)| failures + 1);
                self.failed.insert(name, (failures, ready.head.time + wait(failures)));
                error!(?job, error = %problem, failures, "a job can't be made now");
            }
        }
        Ok(())
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

impl Shared {
    /// What is due at a head, and what is to be done about it.
    fn look(&self, head: Head) -> Result<Look, PlayerError> {
        let (store, account) = (self.chain.store(), self.sender.account());
        let asked = challenges(store, account)?;
        let parameters = self.chain.parameters();
        let mut look = Look { challenges: asked.len(), ..Look::default() };
        let challenges = self.with_executors(&asked)?;
        let wanted = {
            let view = self.chain.view();
            // Once no game on it can be open any more, a challenge has served.
            let fate_by = |posted_at: u64| posted_at + parameters.window + 2 * parameters.clock;
            let is_over = |leaf: &LeafId| {
                view.batch(leaf.region, leaf.batch).is_some_and(|batch| head.time > fate_by(batch.posted_at))
            };
            look.spent = asked.keys().filter(|leaf| is_over(leaf)).copied().collect();
            let (config, now) = (&self.config, head.time);
            let balance = self.sender.balance();
            wanted(&view, &config.account, account, &challenges, parameters, config.withdraw_from, balance, now)
        };
        for wanted in wanted {
            look.due.insert(wanted.name);
            let row = store.get(&WORKS, &(account, wanted.name))?;
            let last = match row {
                Some(row) => Some((row, self.progress(intent_id(wanted.name, row.attempt))?)),
                None => None,
            };
            let has_clock = match wanted.job {
                Job::Commit { .. } => true,
                Job::Play { duty, .. } => duty.until < u64::MAX,
                Job::Withdraw { .. } => false,
            };
            match decide(last, has_clock, &head) {
                Decision::Wait => {}
                Decision::GiveUp { failed } => look.given_up.push((wanted, failed)),
                Decision::Make { attempt, failed: reason } => {
                    look.ready.push(Ready { wanted, attempt, head, reason });
                }
            }
        }
        Ok(look)
    }

    /// Challenges with the executors of their claims; those that are not on L1 now are left out.
    fn with_executors(
        &self,
        asked: &BTreeMap<LeafId, ChallengeRow>,
    ) -> Result<BTreeMap<LeafId, Challenge>, StoreError> {
        let mut known = self.executors.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut challenges, mut kept) = (BTreeMap::new(), BTreeMap::new());
        for (leaf, row) in asked {
            let Some(batch) = self.chain.batch(leaf.region, leaf.batch) else { continue };
            let key = (batch.hash, leaf.index);
            let executor = match known.get(&key).copied() {
                Some(executor) => Some(executor),
                None => match self.chain.claim(*leaf) {
                    Err(ChainError::Store(error)) => return Err(error),
                    // Data that is not to be read is a fault of the batch.
                    Err(_) | Ok(None) => None,
                    Ok(Some(claim)) => Some(claim.result.executor),
                },
            };
            if let Some(executor) = executor {
                kept.insert(key, executor);
                challenges.insert(*leaf, Challenge { row: *row, executor });
            }
        }
        *known = kept;
        Ok(challenges)
    }

    fn sweep(&self, head: Head) -> Result<(), PlayerError> {
        let (store, account) = (self.chain.store(), self.sender.account());
        let mut batch = store.batch();
        for row in store.prefix(&WORKS, &account) {
            let ((_, name), row) = row?;
            let is_running = |id| self.chain.view().board().game(id).is_some_and(|game| game.is_running());
            if head.number <= row.block + BURIED_BLOCKS || row.game.is_some_and(is_running) {
                continue;
            }
            // What is not settled stays, and its row with it.
            let ids = (0..=row.attempt).map(|attempt| intent_id(name, attempt));
            let mut is_known = false;
            for id in ids {
                match self.progress(id)? {
                    Progress::Settled(_) => self.sender.forget(&mut batch, &id)?,
                    Progress::UnderWay => is_known = true,
                    Progress::Unknown => {}
                }
            }
            if !is_known {
                batch.delete(&WORKS, &(account, name));
            }
        }
        Ok(batch.commit()?)
    }

    /// What became of an intent. The sender's own answer says more, and looks through all that is in flight for it.
    fn progress(&self, id: B256) -> Result<Progress, PlayerError> {
        let row = self.chain.store().get(&INTENTS, &(self.sender.account(), id))?;
        Ok(row.map_or(Progress::Unknown, |row| row.outcome.map_or(Progress::UnderWay, Progress::Settled)))
    }
}

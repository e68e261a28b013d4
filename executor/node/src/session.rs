//! The work for one sequencer: a connection, a session on it, and the jobs that come.
//!
//! # Protocol
//!
//! Connect, ask who the sequencer is, say who this is, sign its nonce, subscribe with as many slots as both sides have. Then assignments come,
//! each becomes a job; jobs outlive the connection, so that what they come to is handed in on the next one. A connection that breaks is opened
//! again, later each time and at random.
//!
//! *Mailbox*: the subscription, of as many assignments as there are slots, twice; a sequencer that sends more loses the subscription.
//!
//! *Bounds*: as many jobs as slots. An assignment beyond them is declined; one that is here already is left to the job that has it. Results of
//! earlier sessions are handed in a page at a time.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use assay_node::endpoint::Backoff;
use assay_node::keys::{KeyError, Wallet};
use assay_node::telemetry::Part;
use assay_protocol::objects::{ExecutorSession, TypedData};
use assay_protocol::rpc::{Assignment, AssignmentId, Decline, DeclineReason, SignedResult};
use assay_protocol::{B256, keccak256};
use assay_runner::{BlobPeer, FetchError};
use thiserror::Error;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::job::{Context, Job, submit};
use crate::ledger::LedgerError;
use crate::wire::{Wire, WireError};

/// First and longest wait between connections.
const WAIT: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));
/// Results of earlier sessions that are handed in at once.
const UNSENT_MAX: usize = 256;
/// How often those that were not taken are tried again.
const UNSENT_EVERY: Duration = Duration::from_secs(60);
/// How long jobs have to say that they stop.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// Why a session ended.
#[derive(Debug, Error)]
pub(crate) enum SessionError {
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("the sequencer is of chain {got_chain} and contract {got}, wanted chain {wanted_chain} and {wanted}")]
    OtherDeployment {
        got_chain: u64,
        got: alloy_primitives::Address,
        wanted_chain: u64,
        wanted: alloy_primitives::Address,
    },
    #[error("the subscription has ended")]
    Ended,
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// One sequencer.
pub(crate) struct Session {
    pub context: Arc<Context>,
    pub address: String,
    pub wallet: Wallet,
    pub slots: u64,
    pub health: Part,
}

/// Jobs that are here.
#[derive(Default)]
struct Jobs {
    tasks: JoinSet<(AssignmentId, Result<(), LedgerError>)>,
    ids: HashSet<AssignmentId>,
}

impl Session {
    /// Works until the token is cancelled.
    ///
    /// # Errors
    /// [`LedgerError`]: nothing can be signed any more; [`FetchError::Address`]; [`KeyError`].
    pub(crate) async fn run(self, stop: CancellationToken) -> Result<(), SessionFailed> {
        let peer = BlobPeer::new(&self.address)?.with_token(&self.upload_token()?);
        let (tell, line) = watch::channel(None);
        let mut jobs = Jobs::default();
        let mut backoff = Backoff::new(WAIT.0, WAIT.1);
        loop {
            let ended = tokio::select! {
                () = stop.cancelled() => break,
                ended = self.connected(&tell, &line, &peer, &mut jobs, &mut backoff, &stop) => ended,
            };
            let Err(error) = ended;
            if tell.send_replace(None).is_some() {
                self.context.meters.sessions.dec();
            }
            match error {
                SessionError::Ledger(error) => return Err(error.into()),
                error => {
                    // One sequencer is enough to have work.
                    if self.context.meters.sessions.get() == 0 {
                        self.health.not_ready(error.to_string());
                    }
                    warn!(sequencer = peer.peer(), %error, failures = backoff.failures(), "no session");
                }
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = backoff.wait() => {}
            }
        }
        // The connection stands a little longer, for refusals.
        let _ = tokio::time::timeout(STOP_PATIENCE, async { while jobs.tasks.join_next().await.is_some() {} }).await;
        Ok(())
    }

    /// Whose uploads are this executor's. Names of outputs can be computed by anybody: who guessed this too could spoil an upload. No
    /// sequencer learns what another is told, and a process that starts again goes on with what it had begun.
    fn upload_token(&self) -> Result<B256, KeyError> {
        let words = format!("assay.upload.token.v1 {}", self.address);
        Ok(keccak256(self.wallet.sign_hash(&keccak256(words))?))
    }

    async fn connected(
        &self,
        tell: &watch::Sender<Option<Arc<Wire>>>,
        line: &watch::Receiver<Option<Arc<Wire>>>,
        peer: &BlobPeer,
        jobs: &mut Jobs,
        backoff: &mut Backoff,
        stop: &CancellationToken,
    ) -> Result<Infallible, SessionError> {
        let context = &self.context;
        let deployment = context.chain.deployment();
        let wire = Wire::connect(&self.address, 2 * self.slots as usize + 16).await?;
        let status = wire.status().await?;
        let (got_chain, got) = (status.chain_id, status.batches_contract);
        let (wanted_chain, wanted) = (deployment.chain_id, deployment.contracts.batches);
        if (got_chain, got) != (wanted_chain, wanted) {
            return Err(SessionError::OtherDeployment { got_chain, got, wanted_chain, wanted });
        }
        let nonce = wire.hello(context.executor, self.wallet.address()).await?;
        let region = status.region;
        let signed = ExecutorSession { region, executor: context.executor, nonce };
        let signature = self.wallet.sign_hash(&signed.digest(&context.chain.domain()))?;
        let session = wire.authenticate(signature.to_vec().into()).await?;
        let slots = self.slots.min(session.slots_max).max(1);
        let mut assignments = wire.subscribe(slots).await?;
        let wire = Arc::new(wire);
        tell.send_replace(Some(wire.clone()));
        context.meters.sessions.inc();
        backoff.reset();
        self.health.ready();
        info!(sequencer = peer.peer(), %region, slots, "a session is open");

        // Each is tried once in a round; those that come to be left are tried again in the next.
        let (mut handing, mut last, mut is_over) = (HashSet::new(), None, false);
        let mut round = tokio::time::interval_at(Instant::now() + UNSENT_EVERY, UNSENT_EVERY);
        loop {
            if handing.is_empty() && !is_over {
                let page = self.unsent(region, last).await?;
                is_over = page.len() < UNSENT_MAX;
                for signed in page {
                    let id = AssignmentId { task: signed.result.task, attempt: signed.result.attempt };
                    handing.insert(id);
                    last = Some(id);
                    let (context, line, peer, stop) = (context.clone(), line.clone(), peer.clone(), stop.clone());
                    jobs.start(id, async move { submit(&context, region, &line, &peer, &signed, &stop).await });
                }
            }
            context.meters.assigned.set(jobs.ids.len() as i64);
            tokio::select! {
                Some(ended) = jobs.tasks.join_next(), if !jobs.tasks.is_empty() => {
                    handing.remove(&jobs.ended(ended)?);
                }
                _ = round.tick(), if handing.is_empty() && is_over => (last, is_over) = (None, false),
                next = assignments.next() => match next {
                    None => return Err(SessionError::Ended),
                    Some(Err(error)) => warn!(%error, "a sequencer sent what is no assignment"),
                    Some(Ok(assignment)) => {
                        context.meters.assignments.inc();
                        if jobs.ids.contains(&assignment.id()) {
                            debug!(task = %assignment.task, "an assignment came again");
                        } else if jobs.ids.len() as u64 >= slots + UNSENT_MAX as u64 {
                            self.busy(&wire, &assignment).await;
                        } else {
                            let id = assignment.id();
                            let (context, line, peer) = (context.clone(), line.clone(), peer.clone());
                            let job = Job { context, region, line, peer, assignment };
                            jobs.start(id, job.run(stop.clone()));
                        }
                    }
                },
            }
        }
    }

    /// The next results that no sequencer of a region has said it has.
    async fn unsent(&self, region: B256, after: Option<AssignmentId>) -> Result<Vec<SignedResult>, LedgerError> {
        let ledger = self.context.ledger.clone();
        let page = tokio::task::spawn_blocking(move || ledger.unsent(region, after, UNSENT_MAX)).await;
        page.expect("reading does not panic, and a runtime that ends it ends its caller too")
    }

    async fn busy(&self, wire: &Wire, assignment: &Assignment) {
        self.context.meters.declined(DeclineReason::Busy);
        let (task, attempt, executor) = (assignment.task, assignment.attempt, self.context.executor);
        let words = "more assignments than slots".into();
        let decline = Decline { task, attempt, executor, reason: DeclineReason::Busy, words };
        if let Err(error) = wire.decline(&decline).await {
            debug!(%error, "a refusal was not taken");
        }
    }
}

impl Jobs {
    fn start(&mut self, id: AssignmentId, job: impl Future<Output = Result<(), LedgerError>> + Send + 'static) {
        if self.ids.insert(id) {
            self.tasks.spawn(async move { (id, job.await) });
        }
    }

    /// Which one it was.
    fn ended(
        &mut self,
        ended: Result<(AssignmentId, Result<(), LedgerError>), tokio::task::JoinError>,
    ) -> Result<AssignmentId, LedgerError> {
        let (id, outcome) = ended.expect("a job does not panic, and nobody aborts it");
        self.ids.remove(&id);
        outcome.map(|()| id)
    }
}

/// Why the work for a sequencer ended for good.
#[derive(Debug, Error)]
pub(crate) enum SessionFailed {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Address(#[from] FetchError),
    #[error(transparent)]
    Key(#[from] KeyError),
}

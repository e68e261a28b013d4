//! One assignment, from its arrival to a result that the sequencer has, or a refusal.
//!
//! ```text
//! signed before? ──yes──> submit it as it is
//!   └no─> check ─> room ─> module ─> input ─> run ─> (room, sign, synced) ─> submit
//!          └────────┴───────┴─────────┴────────┴───────┴──> decline, with the reason
//! ```
//!
//! Owns the order of these. While the run lasts its lease is renewed; a sequencer that says the task is another's stops the run. Limits of
//! this host decline. So does what can't be defended besides what is open: before the run where no run has room, and before the signature
//! where this one has too many steps. After the ledger has signed, nothing is undone: the result is submitted now, or when a connection
//! stands again.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use alloy_primitives::{Address, Bytes};
use assay_node::blobs::{BlobError, BlobStore};
use assay_node::endpoint::Backoff;
use assay_player::chain::Chain;
use assay_protocol::objects::TaskResult;
use assay_protocol::rpc::{
    Assignment, AssignmentId, Decline, DeclineReason, ErrorCode, INLINE_BYTES_MAX, SignedResult,
};
use assay_protocol::{B256, BlobRef};
use assay_runner::{
    BlobPeer, Declined, FetchError, Inputs, Limits, NoRoom, Ran, Ready, Runner, Watch, blob_of, input_of,
};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use crate::check::{Terms, check};
use crate::corruption::{Liar, Told};
use crate::defensible::Indefensible;
use crate::ledger::{Ledger, LedgerError, Made};
use crate::meters::Meters;
use crate::wire::{Wire, WireError};

/// How often a lease is renewed while it lasts.
const RENEWALS: u64 = 3;
/// How long a result that is signed waits for a connection before it is left to the next session.
const LINE_PATIENCE: Duration = Duration::from_secs(30);

/// What all jobs share.
pub(crate) struct Context {
    pub executor: Address,
    pub chain: Chain,
    pub runner: Runner,
    pub ledger: Ledger,
    pub blobs: BlobStore,
    pub liar: Option<Liar>,
    pub meters: Meters,
    /// Runs at the same time.
    pub workers: Arc<Semaphore>,
    /// Inputs in memory.
    pub inputs: Inputs,
    pub module_bytes_max: u64,
    pub deadline_seconds_max: u64,
}

/// How long to wait for another job that stores the same output, and how often to look.
const SAME_OUTPUT_PATIENCE: Duration = Duration::from_secs(60);
const SAME_OUTPUT_POLL: Duration = Duration::from_millis(50);

/// The connection of a session, as far as there is one.
pub(crate) type Line = watch::Receiver<Option<Arc<Wire>>>;

/// An assignment and whom it came from.
pub(crate) struct Job {
    pub context: Arc<Context>,
    pub region: B256,
    pub line: Line,
    pub peer: BlobPeer,
    pub assignment: Assignment,
}

/// Why there is no result.
#[derive(Debug)]
enum Stop {
    Decline(DeclineReason, String),
    /// The ledger has failed: the process ends.
    Ledger(LedgerError),
}

impl From<LedgerError> for Stop {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

impl Job {
    fn id(&self) -> AssignmentId {
        self.assignment.id()
    }

    /// Does it. What was signed and not submitted is submitted by a later session.
    ///
    /// # Errors
    /// [`LedgerError`]: nothing can be signed any more.
    pub(crate) async fn run(self, stop: CancellationToken) -> Result<(), LedgerError> {
        let watch = Watch::default();
        let made = tokio::select! {
            made = self.make(&watch) => made,
            () = self.lose_lease() => {
                watch.cancel();
                info!(task = %self.assignment.task, attempt = self.assignment.attempt, "a lease is lost, its run stops");
                return Ok(());
            }
            () = stop.cancelled() => {
                watch.cancel();
                Err(Stop::Decline(DeclineReason::Busy, "this executor stops".into()))
            }
        };
        match made {
            Ok(signed) => submit(&self.context, self.region, &self.line, &self.peer, &signed, &stop).await,
            Err(Stop::Decline(reason, words)) => {
                self.decline(reason, words).await;
                Ok(())
            }
            Err(Stop::Ledger(error)) => Err(error),
        }
    }

    /// A signed result, from the ledger or from a run.
    async fn make(&self, watch: &Watch) -> Result<SignedResult, Stop> {
        let context = &self.context;
        let (ledger, id) = (context.ledger.clone(), self.id());
        if let Some(signed) = blocking(move || ledger.signed(id)).await? {
            context.meters.results_again.inc();
            return Ok(signed);
        }
        let l1_time = context.chain.head().map(|head| head.time);
        // As long as L1 was not read, this host's clock has to do.
        let now =
            l1_time.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs()));
        let terms = Terms {
            region: self.region,
            domain: context.chain.domain(),
            limits: context.chain.parameters().limits(),
            module_bytes_max: context.module_bytes_max,
            l1_time,
            deadline_max: now.saturating_add(context.deadline_seconds_max),
        };
        check(&self.assignment, &terms).map_err(|refused| Stop::Decline(refused.reason(), refused.to_string()))?;
        // Whatever it comes to: where the shortest run has no room, nothing is worth the way.
        context.ledger.room().map_err(|refused| self.indefensible(refused))?;
        let ready = self.program().await?;
        let ran = self.ran(ready, watch).await?;
        self.sign(ran).await
    }

    /// The program, held against its id by an own lowering.
    async fn program(&self) -> Result<Arc<Ready>, Stop> {
        let (id, wasm) = (self.assignment.request.program, self.assignment.wasm);
        let runner = self.context.runner.clone();
        // The bytes are wanted too: who signs a result must be able to defend it.
        let blobs = self.context.blobs.clone();
        let is_here = blocking(move || blobs.renew(&wasm).map_err(LedgerError::from)).await?;
        if let Some(ready) = runner.ready(id).filter(|_| is_here) {
            return Ok(ready);
        }
        self.peer.fetch(&self.context.blobs, &wasm).await.map_err(|error| missing("module", &error))?;
        let (blobs, most) = (self.context.blobs.clone(), self.context.module_bytes_max);
        let prepared = on_engine(move || {
            let bytes = blobs.read_all(&wasm, most).map_err(|error| missing("module", &error.into()))?;
            let bytes = bytes.ok_or_else(|| Stop::Decline(DeclineReason::Missing, "the module has gone".into()))?;
            runner.prepare(id, &bytes).map_err(|error| Stop::Decline(DeclineReason::Request, error.to_string()))
        });
        prepared.await
    }

    /// The run, when there is a worker and memory for it.
    async fn ran(&self, ready: Arc<Ready>, watch: &Watch) -> Result<Ran, Stop> {
        let (context, request) = (&self.context, &self.assignment.request);
        // Before it is fetched: what never fits is not worth the way.
        context.inputs.admits(request.input.length).map_err(too_long)?;
        if self.assignment.input.is_none() {
            self.peer.fetch(&context.blobs, &request.input).await.map_err(|error| missing("input", &error))?;
        }
        let memory = context.inputs.take(request.input.length).await.map_err(too_long)?;
        let worker = context.workers.clone().acquire_owned().await.expect("the semaphore is never closed");
        let limits = Limits { fuel: request.fuel_limit, output_bytes: request.output_length_max };
        let (shared, watch) = (self.context.clone(), watch.clone());
        let (inline, blob) = (self.assignment.input.clone(), request.input);
        let ran = on_engine(move || {
            let input: Arc<[u8]> = match inline {
                Some(bytes) => bytes[..].into(),
                None => input_of(&shared.blobs, &blob).map_err(|error| missing("input", &error))?,
            };
            // Given back however the run ends.
            let _held = (shared.meters.run(), memory, worker);
            shared.runner.run(&ready, &input, limits, &watch).map_err(declined)
        })
        .await?;
        context.meters.run_seconds.observe(ran.time.as_secs_f64());
        Ok(ran)
    }

    /// What is said of the run, signed.
    async fn sign(&self, ran: Ran) -> Result<SignedResult, Stop> {
        let (context, Assignment { task, attempt, request, .. }) = (&self.context, &self.assignment);
        let output = Bytes::from(ran.output);
        // The one place where a result is made: an honest executor tells what it has seen.
        let Told { outcome, output, is_true } = match &context.liar {
            None => Told { outcome: ran.outcome, output, is_true: true },
            Some(liar) => liar.told(task, request, ran.outcome, output),
        };
        if !is_true {
            context.meters.lies.inc();
            warn!(%task, attempt, "TEST EQUIPMENT: this result is a lie");
        }
        let is_small = output.len() <= INLINE_BYTES_MAX;
        let (blobs, kept) = (context.blobs.clone(), output.clone());
        let blob = blocking(move || match is_small {
            true => Ok(blob_of(&kept)),
            // Synced before anything is signed about it.
            false => keep(&blobs, &kept),
        })
        .await?;
        let result = TaskResult {
            task: *task,
            attempt: *attempt,
            executor: context.executor,
            status: outcome.status as u8,
            code: outcome.code,
            fuel_used: outcome.fuel_used,
            output: blob,
        };
        // What nobody has pinned may have gone while the run went on, and without it the result could not be defended.
        self.peer.fetch(&context.blobs, &self.assignment.wasm).await.map_err(|error| missing("module", &error))?;
        let mut needed = vec![self.assignment.wasm];
        if self.assignment.input.is_none() {
            self.peer.fetch(&context.blobs, &request.input).await.map_err(|error| missing("input", &error))?;
            needed.push(request.input);
        }
        if !is_small {
            needed.push(blob);
        }
        let blobs = context.blobs.clone();
        // All at once, and young: one may have gone while another came.
        let are_here = blocking(move || {
            let renewed = |blob| blobs.renew(blob).map_err(LedgerError::from);
            needed.iter().map(renewed).collect::<Result<Vec<bool>, _>>()
        });
        if are_here.await?.contains(&false) {
            let words = "what the run needs goes as soon as it comes: there is no room".into();
            return Err(Stop::Decline(DeclineReason::Busy, words));
        }
        let parameters = context.chain.parameters();
        // Nobody can post it after the deadline, nor ask for its bytes when its fate is known.
        let expires_at = request.deadline.saturating_add(parameters.dispute_span());
        let made = Made {
            result,
            output: is_small.then_some(output),
            input: request.input,
            input_bytes: self.assignment.input.clone(),
            module: self.assignment.wasm,
            region: self.region,
            expires_at,
        };
        let signed = context.ledger.sign(made).await?;
        context.meters.open(context.ledger.open_steps());
        signed.map_err(|refused| self.indefensible(refused))
    }

    /// A run that could not be defended is nobody's word here. To the sequencer it is one that is too long for this host: it asks somebody
    /// else, and not again here for as long as the attempt lasts.
    fn indefensible(&self, refused: Indefensible) -> Stop {
        self.context.meters.indefensible.inc();
        Stop::Decline(DeclineReason::WallClock, refused.to_string())
    }

    /// Renews the lease as long as the sequencer lets us; returns when it says that the task is not ours any more.
    async fn lose_lease(&self) {
        let mut lease_ms = self.assignment.lease_ms;
        loop {
            tokio::time::sleep(Duration::from_millis((lease_ms / RENEWALS).max(100))).await;
            let wire = self.line.borrow().clone();
            // Without a connection the run goes on: what it comes to is handed in later.
            let Some(wire) = wire else { continue };
            match wire.renew(self.id()).await {
                Ok(renewed) => lease_ms = renewed,
                Err(error) if error.is(ErrorCode::NotAssigned) => return,
                Err(error) => debug!(%error, "a lease was not renewed"),
            }
        }
    }

    async fn decline(&self, reason: DeclineReason, mut words: String) {
        let mut end = words.len().min(Decline::WORDS_MAX);
        while !words.is_char_boundary(end) {
            end -= 1;
        }
        words.truncate(end);
        let Assignment { task, attempt, .. } = self.assignment;
        self.context.meters.declined(reason);
        info!(%task, attempt, ?reason, words, "declined");
        let decline = Decline { task, attempt, executor: self.context.executor, reason, words };
        let wire = self.line.borrow().clone();
        // Whoever is not told finds out when the lease is over.
        if let Some(wire) = wire
            && let Err(error) = wire.decline(&decline).await
        {
            debug!(%error, "a refusal was not taken");
        }
    }
}

/// Hands a result in, until the sequencer has it, never will, or no connection stands for long.
///
/// # Errors
/// [`LedgerError`].
pub(crate) async fn submit(
    context: &Arc<Context>,
    region: B256,
    line: &Line,
    peer: &BlobPeer,
    signed: &SignedResult,
    stop: &CancellationToken,
) -> Result<(), LedgerError> {
    let (task, attempt, output) = (signed.result.task, signed.result.attempt, signed.result.output);
    let id = AssignmentId { task, attempt };
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
    let mut is_uploaded = false;
    loop {
        let wire = tokio::select! {
            wire = connection(line) => wire,
            () = stop.cancelled() => None,
        };
        let Some(wire) = wire else { return Ok(()) };
        let inline = match output.length <= INLINE_BYTES_MAX as u64 {
            true => {
                let blobs = context.blobs.clone();
                blocking(move || blobs.read_all(&output, INLINE_BYTES_MAX as u64).map_err(LedgerError::from)).await?
            }
            false => None,
        };
        let handed = match (inline.is_none() && !is_uploaded).then(|| peer.send(&context.blobs, &output)) {
            Some(sending) => sending.await.map_err(|error| error.to_string()),
            None => Ok(()),
        };
        if let Err(error) = handed {
            warn!(%task, attempt, error, "an output can't be handed in now");
            if backoff.failures() > 8 {
                return Ok(());
            }
            backoff.wait().await;
            continue;
        }
        is_uploaded = true;
        match wire.submit(signed, inline).await {
            Ok(()) => {
                context.meters.results.inc();
                debug!(%task, attempt, "a result is handed in");
                return sent(context, region, id).await;
            }
            Err(error) if error.is(ErrorCode::MissingOutput) && backoff.failures() < 4 => is_uploaded = false,
            Err(error) if error.is_retryable() => {
                debug!(%error, "a result is not handed in yet");
                if backoff.failures() >= 16 {
                    // It stays unsent, and is tried again by its session.
                    return Ok(());
                }
            }
            Err(WireError::Unreachable { .. }) => return Ok(()),
            Err(error) => {
                context.meters.results_refused.inc();
                info!(%task, attempt, %error, "a result is not wanted any more");
                return sent(context, region, id).await;
            }
        }
        backoff.wait().await;
    }
}

async fn sent(context: &Arc<Context>, region: B256, id: AssignmentId) -> Result<(), LedgerError> {
    let ledger = context.ledger.clone();
    blocking(move || ledger.sent(region, id)).await
}

/// The connection, when there is one soon.
async fn connection(line: &Line) -> Option<Arc<Wire>> {
    let mut line = line.clone();
    let waited = tokio::time::timeout(LINE_PATIENCE, line.wait_for(Option::is_some)).await;
    waited.ok()?.ok()?.clone()
}

fn too_long(no_room: NoRoom) -> Stop {
    Stop::Decline(DeclineReason::Memory, no_room.to_string())
}

fn missing(what: &str, error: &FetchError) -> Stop {
    Stop::Decline(DeclineReason::Missing, format!("the {what} is not to be had: {error}"))
}

fn declined(declined: Declined) -> Stop {
    let reason = match declined {
        Declined::WallClock { .. } => DeclineReason::WallClock,
        Declined::Memory { .. } => DeclineReason::Memory,
        Declined::Stopped => DeclineReason::Busy,
        Declined::Host { .. } => DeclineReason::Engine,
    };
    Stop::Decline(reason, declined.to_string())
}

/// Stores an output, for as long as another job stores the same one after it.
fn keep(blobs: &BlobStore, output: &Bytes) -> Result<BlobRef, Stop> {
    let began = Instant::now();
    loop {
        match blobs.put(output) {
            Ok(blob) => return Ok(blob),
            Err(BlobError::Uploading) if began.elapsed() < SAME_OUTPUT_PATIENCE => std::thread::sleep(SAME_OUTPUT_POLL),
            Err(error) => return Err(unkept(error)),
        }
    }
}

/// An output that there is no room for is no result, and no reason to end: games are played by the same process.
fn unkept(error: BlobError) -> Stop {
    let words = format!("the output can't be kept: {error}");
    match error {
        BlobError::Uploading | BlobError::NoRoom { .. } | BlobError::DiskLow { .. } | BlobError::DiskFull { .. } => {
            Stop::Decline(DeclineReason::Busy, words)
        }
        BlobError::TooLong { .. } => Stop::Decline(DeclineReason::Memory, words),
        error => Stop::Ledger(error.into()),
    }
}

/// Work that reads a disk or computes, on a thread that may block.
async fn blocking<T: Send + 'static, E: Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    let done = tokio::task::spawn_blocking(work).await;
    done.expect("the work does not panic, and a runtime that ends it ends its caller too")
}

/// Work with a program that came from outside, likewise. A panic in it is a fault of ours: it costs the job, and not the process, whose
/// games go on.
async fn on_engine<T: Send + 'static>(work: impl FnOnce() -> Result<T, Stop> + Send + 'static) -> Result<T, Stop> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        error!(%error, "preparing or running a program has panicked");
        Err(Stop::Decline(DeclineReason::Engine, "the engine has failed".into()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_node::blobs::{self, BlobConfig};
    use assay_node::store::{Schema, Store};

    /// Two jobs that have the same output at the same time are no failure of either.
    #[test]
    fn an_output_that_another_job_stores_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store"), &blobs::schema(Schema::new("test", 1))).unwrap();
        let blobs = BlobStore::open(&store, &folder.path().join("blobs"), BlobConfig::default()).unwrap();
        let output = Bytes::from(vec![7; 400_000]);
        let name = blob_of(&output);
        let other = blobs.upload(&name, 0).unwrap();
        let (kept, wanted) = (blobs.clone(), output.clone());
        let waiting = std::thread::spawn(move || keep(&kept, &wanted).is_ok_and(|blob| blob == name));
        std::thread::sleep(2 * SAME_OUTPUT_POLL);
        assert!(!waiting.is_finished());
        drop(other);
        assert!(waiting.join().unwrap());

        let narrow = BlobConfig { total_bytes_max: 100_000, ..BlobConfig::default() };
        let blobs = BlobStore::open(&store, &folder.path().join("narrow"), narrow).unwrap();
        let refused = keep(&blobs, &Bytes::from(vec![8; 400_000]));
        assert!(matches!(refused, Err(Stop::Decline(DeclineReason::Busy, _))), "{refused:?}");
    }

    #[tokio::test]
    async fn a_panic_of_an_engine_declines_the_job() {
        fn fails() -> Result<(), Stop> {
            panic!("a fault of ours");
        }
        let stop = on_engine(fails).await.unwrap_err();
        assert!(matches!(stop, Stop::Decline(DeclineReason::Engine, _)), "{stop:?}");
    }

    #[test]
    fn a_run_is_counted_until_it_ends_however_it_does() {
        let meters = Meters::new(&assay_node::telemetry::Metrics::new("test"));
        let (held, counted) = (meters.run(), meters.running.get());
        drop(held);
        assert_eq!((counted, meters.running.get()), (1, 0));
    }
}

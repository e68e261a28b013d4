//! The queue of findings that a program is to be told of.
//!
//! Owns the table of these: a finding is written before anything that follows from it, and goes when the program has ended well. So each is
//! told at least once, whatever the program, the process or its machine does; and nobody waits for the program but this queue.
//!
//! *Failures*: a program that fails is called again after a pause, with the finding behind the one that failed first, so that none blocks
//! another.

use std::ops::Bound;
use std::time::{Duration, Instant};

use alloy_primitives::keccak256;
use assay_node::store::{Record, Store, StoreError, Table};
use assay_protocol::B256;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use tracing::{error, info};

use crate::alarm::{self, Finding, HookError};

/// Findings to be told, by the hash of what is told.
pub const ALARMS: Table<B256, AlarmRow> = Table::new("challenger_alarms");
/// How long to wait after a program has failed.
const PAUSE: Duration = Duration::from_secs(30);

/// What a program is told: names and values of its environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmRow {
    environment: Vec<(String, String)>,
}

impl Record for AlarmRow {
    const VERSION: u8 = 1;
}

/// The queue, and the program's run if there is one.
pub struct Teller {
    store: Store,
    hook: Vec<String>,
    running: JoinSet<(B256, Result<(), HookError>)>,
    last: B256,
    paused_until: Option<Instant>,
}

impl Teller {
    pub fn new(store: Store, hook: Vec<String>) -> Self {
        Self { store, hook, running: JoinSet::new(), last: B256::ZERO, paused_until: None }
    }

    /// Whether there is a program.
    pub fn has_program(&self) -> bool {
        !self.hook.is_empty()
    }

    /// Queues a finding. It is on the disk when this returns.
    pub async fn add(&self, finding: &Finding) -> Result<(), StoreError> {
        let environment = finding.environment().into_iter().map(|(name, value)| (name.to_owned(), value));
        let row = AlarmRow { environment: environment.collect() };
        let text: Vec<String> = row.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut batch = self.store.batch();
        batch.put(&ALARMS, &keccak256(text.join("\0")), &row)?;
        batch.commit_async().await
    }

    /// Calls the program, if it is not running and has something to be told.
    pub fn start(&mut self) -> Result<(), StoreError> {
        let is_paused = self.paused_until.is_some_and(|until| Instant::now() < until);
        if !self.has_program() || is_paused || !self.running.is_empty() {
            return Ok(());
        }
        let behind = self.store.range(&ALARMS, (Bound::Excluded(self.last), Bound::Unbounded)).next();
        let Some(next) = behind.or_else(|| self.store.range(&ALARMS, ..).next()) else { return Ok(()) };
        let (id, row) = next?;
        self.last = id;
        let hook = self.hook.clone();
        self.running.spawn(async move { (id, alarm::call(&hook, row.environment).await) });
        Ok(())
    }

    /// Waits until the program ends, and takes what it was told from the queue if it ended well. Does not return while none runs.
    pub async fn ended(&mut self) -> Result<(), StoreError> {
        let Some(ended) = self.running.join_next().await else { return std::future::pending().await };
        let (id, told) = ended.expect("a call does not panic, and nobody aborts it");
        match told {
            Ok(()) => {
                info!(alarm = %id, "the program was told of a finding");
                let mut batch = self.store.batch();
                batch.delete(&ALARMS, &id);
                batch.commit_async().await?;
            }
            Err(error) => {
                error!(%error, alarm = %id, again_in_seconds = PAUSE.as_secs(), "the program was not told of a finding");
                self.paused_until = Some(Instant::now() + PAUSE);
            }
        }
        self.start()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use assay_node::store::Schema;

    fn finding(batch: u64) -> Finding {
        Finding::FaceFault { region: B256::repeat_byte(1), batch, fault: 3, words: "status 9".into() }
    }

    fn waiting(store: &Store) -> usize {
        store.range(&ALARMS, ..).count()
    }

    /// What a program fails to take stays, over a restart too, and blocks nothing behind it.
    #[tokio::test]
    async fn a_finding_waits_until_the_program_takes_it() {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let store = Store::open(folder.path(), &Schema::new("teller", 1).table(&ALARMS)).expect("it opens");
        let told = folder.path().join("told");
        let program = |script: String| vec!["sh".to_owned(), "-c".to_owned(), script];

        let mut teller = Teller::new(store.clone(), program("exit 1".into()));
        for batch in [7, 8, 7] {
            teller.add(&finding(batch)).await.expect("it is written");
        }
        assert_eq!(waiting(&store), 2, "the same finding is one");
        teller.start().expect("there is something to be told");
        teller.ended().await.expect("the store holds");
        assert_eq!(waiting(&store), 2, "the program failed");
        teller.start().expect("a pause is no error");
        assert!(teller.running.is_empty(), "it pauses");

        let script = format!("echo $ASSAY_BATCH >> {}", told.display());
        let mut teller = Teller::new(store.clone(), program(script));
        teller.start().expect("there is something to be told");
        for _ in 0..2 {
            teller.ended().await.expect("the store holds");
        }
        assert_eq!(waiting(&store), 0);
        let mut lines: Vec<String> =
            std::fs::read_to_string(&told).expect("it was written").lines().map(str::to_owned).collect();
        lines.sort();
        assert_eq!(lines, ["7", "8"]);
    }
}

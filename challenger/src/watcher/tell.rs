//! What the watcher tells: alarms, meters, health, and the report.

use assay_player::chain::Head;
use tracing::{error, info, warn};

use super::{Watcher, blocking};
use crate::alarm::Finding;
use crate::error::ChallengerError;
use crate::report;

/// Most ticks between two writings of the report.
const REPORT_EVERY: u32 = 30;

impl Watcher {
    /// Tells whoever wants to know: what is found is queued for the program. A watcher that nobody has given a program ends.
    pub(super) async fn alarm(&self, finding: &Finding) -> Result<(), ChallengerError> {
        if self.teller.has_program() {
            error!(%finding, "found");
            return Ok(self.teller.add(finding).await?);
        }
        if self.shared.hands.is_none() {
            return Err(ChallengerError::Found(finding.clone()));
        }
        error!(%finding, "found");
        Ok(())
    }

    pub(super) fn measure(&mut self, head: Head, is_partial: bool) {
        self.meters.waiting.set(self.work.count() as i64);
        self.meters.batches_unavailable.set(self.work.aside_count() as i64);
        self.meters.lag.set(self.work.lag(head.time) as i64);
        let capacity = self.budget.capacity(self.shared.config.budget.workers);
        // Batches that were not drawn from are taken to be as large as what waits.
        let (waiting, batches) = self.work.ahead();
        let drawn = batches.saturating_sub(self.work.undrawn_count()).max(1);
        let leaves = waiting as f64 * batches.max(1) as f64 / drawn as f64;
        let needed = leaves * self.mean / capacity;
        let is_behind = self.work.left(head.time).is_some_and(|left| needed > left as f64);
        if is_behind && !self.is_behind {
            warn!(
                leaves = self.work.count(),
                needed_seconds = needed,
                "what waits can't be run before its windows end"
            );
        } else if self.is_behind && !is_behind {
            info!("what waits can be run in time again");
        }
        self.is_behind = is_behind;
        self.meters.behind.set(i64::from(is_behind));
        match (is_partial, is_behind) {
            (true, _) => self.health.not_ready("catching up with L1"),
            (_, true) => self.health.not_ready("what waits can't be run before its windows end"),
            (false, false) => self.health.ready(),
        }
    }

    pub(super) async fn report_if_due(&mut self) -> Result<(), ChallengerError> {
        self.ticks += 1;
        if !self.is_unreported && !self.ticks.is_multiple_of(REPORT_EVERY) {
            return Ok(());
        }
        self.is_unreported = false;
        self.write_report().await
    }

    pub(super) async fn write_report(&mut self) -> Result<(), ChallengerError> {
        let shared = self.shared.clone();
        blocking(move || {
            let challenger = shared.hands.as_ref().map(|hands| hands.sender.account());
            let path = shared.config.data.join(crate::REPORT_FILE);
            let report = report::report(&shared.chain, challenger)?;
            if let Err(error) = report.write(&path) {
                warn!(%error, path = %path.display(), "the report can't be written");
            }
            Ok::<_, ChallengerError>(())
        })
        .await
    }
}

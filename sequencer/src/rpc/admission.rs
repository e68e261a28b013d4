//! Which programs come in: how many in a minute, and how many bytes all of them have.
//!
//! Owns the counts, and the thread that modules are lowered on. A program is kept for ever and registering is free, so that all together are
//! bounded; each costs the sequencer a transaction, so that there is an allowance a minute; each module that is looked at costs a processor,
//! so that every address has an allowance of its own, new program or not.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use alloy_primitives::B256;
use assay_node::addresses::network;
use assay_node::store::StoreError;
use assay_protocol::rpc::ErrorCode;
use tokio::time::Instant;

use crate::context::Context;
use crate::refusal::Refusal;
use crate::rows::PROGRAMS;
use crate::workers::Workers;

/// What a program counts for beside the bytes of its module: rows, a file, an intent.
const PROGRAM_BYTES: u64 = 4096;
/// Time of an allowance.
const MINUTE: Duration = Duration::from_secs(60);

/// What comes in. Its counts are cheap to clone.
#[derive(Debug)]
pub struct Admission {
    /// The thread that modules are lowered on, one at a time.
    pub lowering: Workers,
    per_minute: u32,
    per_address: u32,
    bytes_max: u64,
    counts: Arc<Mutex<Counts>>,
}

#[derive(Debug)]
struct Counts {
    minute: Instant,
    /// Modules that were looked at in this minute, by address.
    looked_at: HashMap<IpAddr, u32>,
    /// Programs that came in this minute.
    came: u32,
    /// Bytes of all programs, those that come included.
    bytes: u64,
    coming: HashSet<B256>,
}

/// A program that comes; it is counted no more if this is dropped before [`Coming::stays`].
#[derive(Debug)]
pub struct Coming {
    program: B256,
    bytes: u64,
    counts: Arc<Mutex<Counts>>,
}

impl Admission {
    /// Counts what is here.
    ///
    /// # Errors
    /// If the rows can't be read.
    pub fn open(context: &Context) -> Result<Self, StoreError> {
        let (limits, bytes_max) = (&context.config.limits, context.config.intake.programs_bytes_max);
        let mut bytes = 0;
        for row in context.store.range(&PROGRAMS, ..) {
            bytes += row?.1.wasm.length + PROGRAM_BYTES;
        }
        Ok(Self::new((limits.registrations_per_minute, limits.registrations_per_address), bytes, bytes_max))
    }

    fn new((per_minute, per_address): (u32, u32), bytes: u64, bytes_max: u64) -> Self {
        let (looked_at, coming) = Default::default();
        let counts = Counts { minute: Instant::now(), looked_at, came: 0, bytes, coming };
        Self { lowering: Workers::new(1), per_minute, per_address, bytes_max, counts: Arc::new(Mutex::new(counts)) }
    }

    /// Charges an address for a module that is to be looked at.
    ///
    /// # Errors
    /// BUSY.
    pub fn charge(&self, address: IpAddr) -> Result<(), Refusal> {
        let mut counts = of_now(&self.counts);
        let looked_at = counts.looked_at.entry(network(address)).or_default();
        if *looked_at >= self.per_address {
            let message = format!("{looked_at} modules came from this address in a minute, try again in the next");
            return Err(Refusal::new(ErrorCode::Busy, message));
        }
        *looked_at += 1;
        Ok(())
    }

    /// Takes a new program in whose module has so many bytes. One that is coming already is counted once.
    ///
    /// # Errors
    /// BUSY, PROGRAMS_FULL.
    pub fn enter(&self, program: B256, length: u64) -> Result<Coming, Refusal> {
        let mut counts = of_now(&self.counts);
        let mut bytes = 0;
        if !counts.coming.contains(&program) {
            bytes = length + PROGRAM_BYTES;
            let (got, most) = (counts.bytes.saturating_add(bytes), self.bytes_max);
            if got > most {
                let message = format!("with this one all programs would have {got} bytes, at most {most}");
                return Err(Refusal::new(ErrorCode::ProgramsFull, message));
            }
            if counts.came >= self.per_minute {
                let message = format!("{} programs were registered in this minute, try again in the next", counts.came);
                return Err(Refusal::new(ErrorCode::Busy, message));
            }
            counts.came += 1;
            counts.bytes = got;
            counts.coming.insert(program);
        }
        Ok(Coming { program, bytes, counts: self.counts.clone() })
    }
}

/// The counts of this minute.
fn of_now(counts: &Mutex<Counts>) -> std::sync::MutexGuard<'_, Counts> {
    let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
    if counts.minute.elapsed() >= MINUTE {
        (counts.minute, counts.came) = (Instant::now(), 0);
        counts.looked_at = HashMap::new();
    }
    counts
}

impl Coming {
    /// It is on the disk.
    pub fn stays(mut self) {
        if self.bytes > 0 {
            of_now(&self.counts).coming.remove(&self.program);
        }
        self.bytes = 0;
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        if self.bytes > 0 {
            let mut counts = of_now(&self.counts);
            counts.bytes -= self.bytes;
            counts.coming.remove(&self.program);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code<T: std::fmt::Debug>(taken: Result<T, Refusal>) -> ErrorCode {
        taken.expect_err("it is refused").code
    }

    #[tokio::test(start_paused = true)]
    async fn every_address_has_an_allowance_of_its_own() {
        let admission = Admission::new((2, 3), 0, 1 << 20);
        let [one, other] = [[192, 0, 2, 1], [192, 0, 2, 2]].map(IpAddr::from);
        (0..3).for_each(|_| admission.charge(one).expect("it has three"));
        assert_eq!(code(admission.charge(one)), ErrorCode::Busy);
        admission.charge(other).expect("it has three too");
        for program in [1, 2].map(B256::repeat_byte) {
            admission.enter(program, 10).expect("there are two").stays();
        }
        assert_eq!(code(admission.enter(B256::repeat_byte(3), 10)), ErrorCode::Busy);
        tokio::time::advance(MINUTE).await;
        admission.charge(one).expect("it is another minute");
        admission.enter(B256::repeat_byte(3), 10).expect("it is another minute");
    }

    #[test]
    fn all_programs_together_are_bounded() {
        let admission = Admission::new((100, 100), 0, 2 * PROGRAM_BYTES + 30);
        let [first, second, third] = [1, 2, 3].map(B256::repeat_byte);
        let coming = admission.enter(first, 10).expect("there is room");
        admission.enter(first, 10).expect("it is counted once").stays();
        coming.stays();
        drop(admission.enter(second, 20).expect("there is room"));
        assert_eq!(code(admission.enter(second, 21)), ErrorCode::ProgramsFull);
        admission.enter(second, 20).expect("what did not come takes none").stays();
        assert_eq!(code(admission.enter(third, 0)), ErrorCode::ProgramsFull);
    }
}

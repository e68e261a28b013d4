//! Room for inputs: how many of their bytes are in memory at once, over all runs of a process.
//!
//! Owns the count, in units of a kilobyte. Whoever is to hold an input takes room for it first and waits for it; the room comes back when
//! it is dropped. One input that is longer than all room is refused, so that nobody waits for ever.

use std::sync::Arc;

use thiserror::Error;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that one permit stands for.
const UNIT: u64 = 1 << 10;
/// Most permits: what a semaphore counts and one acquisition can name.
const UNITS_MAX: u64 = 1 << 29;

/// The room. Cheap to clone; clones are one.
#[derive(Clone, Debug)]
pub struct Inputs {
    units: Arc<Semaphore>,
    most: u64,
}

/// Room that was taken, given back when dropped.
#[derive(Debug)]
pub struct Room {
    _permit: OwnedSemaphorePermit,
}

/// An input is longer than all the room that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the input takes {got} bytes, {most} are given to all")]
pub struct NoRoom {
    /// Bytes that it takes.
    pub got: u64,
    /// Bytes for all.
    pub most: u64,
}

impl Inputs {
    /// Room for so many bytes, at most 512 GiB.
    #[must_use]
    pub fn new(bytes_max: u64) -> Self {
        let most = (bytes_max / UNIT).min(UNITS_MAX).min(Semaphore::MAX_PERMITS as u64);
        Self { units: Arc::new(Semaphore::new(most as usize)), most }
    }

    /// Whether so many bytes can ever have room.
    ///
    /// # Errors
    /// [`NoRoom`].
    pub fn admits(&self, bytes: u64) -> Result<(), NoRoom> {
        let most = self.most * UNIT;
        if bytes.div_ceil(UNIT) > self.most { Err(NoRoom { got: bytes, most }) } else { Ok(()) }
    }

    /// Takes room for so many bytes, when there is some: in the order in which it was asked for.
    ///
    /// # Errors
    /// [`NoRoom`].
    pub async fn take(&self, bytes: u64) -> Result<Room, NoRoom> {
        self.admits(bytes)?;
        let units = u32::try_from(bytes.div_ceil(UNIT)).expect("all units are fewer than 2^32");
        let permit = self.units.clone().acquire_many_owned(units).await;
        Ok(Room { _permit: permit.expect("the semaphore is never closed") })
    }

    /// The same from a worker thread of a runtime, which waits.
    ///
    /// # Errors
    /// [`NoRoom`].
    ///
    /// # Panics
    /// On a thread of the runtime that drives tasks.
    pub fn take_blocking(&self, bytes: u64) -> Result<Room, NoRoom> {
        Handle::current().block_on(self.take(bytes))
    }

    /// Bytes that nobody holds.
    #[must_use]
    pub fn free(&self) -> u64 {
        self.units.available_permits() as u64 * UNIT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn room_is_bounded_given_back_and_never_waited_for_in_vain() {
        let inputs = Inputs::new(10 << 10);
        assert_eq!(inputs.take((10 << 10) + 1).await.expect_err("too long"), NoRoom { got: 10_241, most: 10_240 });
        let first = inputs.take((6 << 10) + 1).await.expect("there is room");
        assert_eq!(inputs.free(), 3 << 10);
        let others = inputs.clone();
        let second = tokio::spawn(async move { others.take(4 << 10).await.map(drop) });
        tokio::task::yield_now().await;
        assert!(!second.is_finished(), "there is no room for both");
        drop(first);
        second.await.expect("it does not panic").expect("there is room");
        assert_eq!(inputs.free(), 10 << 10);
    }

    #[tokio::test]
    async fn worker_threads_wait_too() {
        let inputs = Inputs::new(1 << 10);
        let held = inputs.take(1).await.expect("there is room");
        let others = inputs.clone();
        let waiting = tokio::task::spawn_blocking(move || others.take_blocking(1 << 10).map(drop));
        drop(held);
        waiting.await.expect("it does not panic").expect("there is room");
    }
}

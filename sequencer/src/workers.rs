//! Threads for what takes a processor longer than a moment: signatures, roots, modules, batches.
//!
//! Owns how many work at once. What takes longer than a signature has threads of its own, so that signatures do not wait for it. Assumes
//! that callers are bounded by the limits of the RPC: those that wait, wait in a fair queue.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// Threads for computing. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Workers {
    places: Arc<Semaphore>,
}

impl Workers {
    /// So many at once; 0 is as many as there are processors.
    pub fn new(count: usize) -> Self {
        let processors = || std::thread::available_parallelism().map_or(1, usize::from);
        let count = if count == 0 { processors() } else { count };
        Self { places: Arc::new(Semaphore::new(count)) }
    }

    /// Computes something; `None` if it panicked, which is a bug of ours that one caller has met.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let place = self.places.clone().acquire_owned().await.expect("the semaphore is never closed");
        let done = tokio::task::spawn_blocking(move || {
            let _place = place;
            work()
        });
        done.await.inspect_err(|error| tracing::error!(%error, "a worker panicked")).ok()
    }
}

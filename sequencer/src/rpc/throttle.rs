//! Calls of a connection that are not answered yet: a bound on them, and the note that they go on.
//!
//! Owns a count for each connection. One call more is refused at once, as BUSY, and so is each call of a batch that is too many.

use std::sync::Arc;

use assay_protocol::rpc::ErrorCode;
use jsonrpsee::core::middleware::{Batch, BatchEntry, Notification, RpcServiceT};
use jsonrpsee::server::MethodResponse;
use jsonrpsee::types::{ErrorObjectOwned, Request};
use tokio::sync::Semaphore;

use super::activity::Activity;
use crate::refusal::Refusal;

/// A service whose calls are counted.
#[derive(Clone)]
pub struct Throttle<S> {
    inner: S,
    places: Arc<Semaphore>,
    activity: Activity,
}

impl<S> Throttle<S> {
    /// Counts the calls of a connection.
    pub fn new(inner: S, in_flight_max: usize, activity: Activity) -> Self {
        Self { inner, places: Arc::new(Semaphore::new(in_flight_max)), activity }
    }
}

fn busy() -> ErrorObjectOwned {
    Refusal::new(ErrorCode::Busy, "too many calls of this connection are not answered yet").into()
}

impl<S> RpcServiceT for Throttle<S>
where
    S: RpcServiceT<
            MethodResponse = MethodResponse,
            BatchResponse = MethodResponse,
            NotificationResponse = MethodResponse,
        > + Clone
        + Send
        + Sync
        + 'static,
{
    type MethodResponse = MethodResponse;
    type NotificationResponse = MethodResponse;
    type BatchResponse = MethodResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let (inner, place) = (self.inner.clone(), self.places.clone().try_acquire_owned());
        let going = self.activity.begin();
        async move {
            let _going = going;
            match place {
                Ok(_place) => inner.call(request).await,
                Err(_) => MethodResponse::error(request.id, busy()),
            }
        }
    }

    fn batch<'a>(&self, batch: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let calls = batch.iter().filter(|entry| matches!(entry, Ok(BatchEntry::Call(_)))).count();
        let places = self.places.clone().try_acquire_many_owned(u32::try_from(calls).unwrap_or(u32::MAX));
        let (inner, going) = (self.inner.clone(), self.activity.begin());
        async move {
            let _going = going;
            match places {
                Ok(_places) => inner.batch(batch).await,
                Err(_) => MethodResponse::error(jsonrpsee::types::Id::Null, busy()),
            }
        }
    }

    fn notification<'a>(&self, notification: Notification<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        self.inner.notification(notification)
    }
}

//! Who is on which connection, as far as executors have shown it.
//!
//! Owns a word on every connection, from its first byte to its last. A call that is still going on when its connection ends finds none, and
//! leaves none. Who has a seat keeps it until then, so that the core hears of it; and there is one subscription at a time to a seat.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use alloy_primitives::{Address, B256};
use assay_protocol::rpc::ErrorCode;

use crate::core::Connection;
use crate::refusal::Refusal;

/// Who somebody says it is, and what it has to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The executor.
    pub executor: Address,
    /// The key that signs for it.
    pub key: Address,
    /// What is to be signed.
    pub nonce: B256,
}

/// What a connection has shown of itself.
#[derive(Clone, Copy, Debug)]
enum Sitting {
    /// Nothing.
    Nobody,
    /// It says who it is.
    Asked(Claim),
    /// It is an executor.
    Seated { executor: Address, is_subscribed: bool },
}

/// Connections that stand.
#[derive(Debug, Default)]
pub struct Sessions {
    sittings: Mutex<HashMap<Connection, Sitting>>,
}

impl Sessions {
    /// A connection begins.
    pub fn begin(&self, connection: Connection) {
        self.sittings().insert(connection, Sitting::Nobody);
    }

    /// A connection has ended: whether an executor was on it.
    pub fn end(&self, connection: Connection) -> bool {
        matches!(self.sittings().remove(&connection), Some(Sitting::Seated { .. }))
    }

    /// Somebody says who it is, in place of what was said before.
    ///
    /// # Errors
    /// NOT_AUTHENTICATED on a connection that has a seat.
    pub fn claim(&self, connection: Connection, claim: Claim) -> Result<(), Refusal> {
        *free(&mut self.sittings(), connection)? = Sitting::Asked(claim);
        Ok(())
    }

    /// What was said last. A nonce serves once, whatever comes of it.
    pub fn take(&self, connection: Connection) -> Option<Claim> {
        let mut sittings = self.sittings();
        let sitting = sittings.get_mut(&connection)?;
        let Sitting::Asked(claim) = *sitting else { return None };
        *sitting = Sitting::Nobody;
        Some(claim)
    }

    /// An executor takes its seat, if it has not too many: it shares the connections with others.
    ///
    /// # Errors
    /// BUSY; NOT_AUTHENTICATED on a connection that has a seat.
    pub fn seat(&self, connection: Connection, executor: Address, most: usize) -> Result<(), Refusal> {
        let mut sittings = self.sittings();
        let is_its =
            |sitting: &&Sitting| matches!(sitting, Sitting::Seated { executor: other, .. } if *other == executor);
        let has = sittings.values().filter(is_its).count();
        if has >= most {
            let message = format!("executor {executor} is here on {has} connections, which is the most");
            return Err(Refusal::new(ErrorCode::Busy, message));
        }
        *free(&mut sittings, connection)? = Sitting::Seated { executor, is_subscribed: false };
        Ok(())
    }

    /// The executor on a connection.
    pub fn executor(&self, connection: Connection) -> Option<Address> {
        match self.sittings().get(&connection) {
            Some(Sitting::Seated { executor, .. }) => Some(*executor),
            _ => None,
        }
    }

    /// An executor's subscription begins.
    ///
    /// # Errors
    /// BUSY while it has one.
    pub fn subscribe(&self, connection: Connection) -> Result<(), Refusal> {
        match self.sittings().get_mut(&connection) {
            Some(Sitting::Seated { is_subscribed: true, .. }) => {
                let message = "this connection has a subscription to assignments, and has one at a time";
                Err(Refusal::new(ErrorCode::Busy, message))
            }
            Some(Sitting::Seated { is_subscribed, .. }) => {
                *is_subscribed = true;
                Ok(())
            }
            _ => Err(Refusal::stopping()),
        }
    }

    /// It has ended.
    pub fn unsubscribe(&self, connection: Connection) {
        if let Some(Sitting::Seated { is_subscribed, .. }) = self.sittings().get_mut(&connection) {
            *is_subscribed = false;
        }
    }

    fn sittings(&self) -> MutexGuard<'_, HashMap<Connection, Sitting>> {
        self.sittings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The word on a connection that nobody has a seat on.
fn free(sittings: &mut HashMap<Connection, Sitting>, connection: Connection) -> Result<&mut Sitting, Refusal> {
    match sittings.get_mut(&connection) {
        Some(Sitting::Seated { executor, .. }) => {
            let message = format!("this connection is executor {executor}'s, and stays so until it ends");
            Err(Refusal::new(ErrorCode::NotAuthenticated, message))
        }
        Some(sitting) => Ok(sitting),
        None => Err(Refusal::stopping()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(byte: u8) -> Claim {
        let executor = Address::repeat_byte(byte);
        Claim { executor, key: executor, nonce: B256::repeat_byte(byte) }
    }

    fn code(refused: Result<(), Refusal>) -> ErrorCode {
        refused.expect_err("it is refused").code
    }

    /// Reported: who said hello again lost its seat without the core's hearing of it.
    #[test]
    fn a_seat_is_kept_until_its_connection_ends() {
        let (sessions, executor) = (Sessions::default(), claim(1).executor);
        sessions.begin(7);
        sessions.claim(7, claim(2)).expect("nobody has a seat");
        sessions.claim(7, claim(1)).expect("nobody has a seat");
        assert_eq!((sessions.take(7), sessions.take(7)), (Some(claim(1)), None), "a nonce serves once");
        sessions.seat(7, executor, 1).expect("it is the first");
        assert_eq!(code(sessions.claim(7, claim(2))), ErrorCode::NotAuthenticated);
        assert_eq!(code(sessions.seat(7, claim(2).executor, 1)), ErrorCode::NotAuthenticated);
        assert_eq!((sessions.take(7), sessions.executor(7)), (None, Some(executor)));
        sessions.begin(8);
        assert_eq!(code(sessions.seat(8, executor, 1)), ErrorCode::Busy);
        assert_eq!((sessions.end(8), sessions.end(7), sessions.end(7)), (false, true, false));
        assert_eq!(code(sessions.seat(8, executor, 1)), ErrorCode::Unavailable, "it has ended");
        assert_eq!(code(sessions.claim(7, claim(1))), ErrorCode::Unavailable, "as has this one");
        assert!(sessions.sittings().is_empty());
    }

    #[test]
    fn a_seat_has_one_subscription_at_a_time() {
        let sessions = Sessions::default();
        sessions.begin(7);
        assert_eq!(code(sessions.subscribe(7)), ErrorCode::Unavailable);
        sessions.seat(7, claim(1).executor, 1).expect("it is the first");
        sessions.subscribe(7).expect("it has none");
        assert_eq!(code(sessions.subscribe(7)), ErrorCode::Busy);
        sessions.unsubscribe(7);
        sessions.subscribe(7).expect("it has none any more");
    }
}

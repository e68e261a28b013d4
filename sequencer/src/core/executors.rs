//! Executors that are connected, what each has, and until when.
//!
//! Owns leases and the choice of an executor: the least loaded of those that did not decline the attempt. Pure: time comes in as
//! milliseconds, assignments go out as pairs. A lease that runs out, a decline and a connection that ends all give the task back.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use alloy_primitives::Address;

/// A connection.
pub type Connection = u64;

/// Tasks of the queue that are passed over in one round because those who have room declined them.
const PASSED_MAX: usize = 256;

#[derive(Debug)]
struct Session {
    executor: Address,
    slots: usize,
    running: BTreeSet<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Lease {
    connection: Connection,
    until_ms: u64,
}

/// Executors and leases.
#[derive(Debug, Default)]
pub struct Executors {
    sessions: BTreeMap<Connection, Session>,
    leases: HashMap<u64, Lease>,
    ends: BTreeSet<(u64, u64)>,
    /// Who declined a task's attempt; a new attempt begins anew.
    declined: HashMap<u64, HashSet<Address>>,
}

impl Executors {
    /// Executors that are connected.
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Leases that run.
    pub fn leases(&self) -> usize {
        self.leases.len()
    }

    /// An executor is ready for so many assignments at once. One that was connected here before has its slots changed.
    pub fn join(&mut self, connection: Connection, executor: Address, slots: usize) {
        let session = Session { executor, slots, running: BTreeSet::new() };
        self.sessions.entry(connection).and_modify(|known| known.slots = slots).or_insert(session);
    }

    /// An executor takes no more for now; what it has stays with it until its leases are over.
    pub fn pause(&mut self, connection: Connection) {
        self.sessions.entry(connection).and_modify(|session| session.slots = 0);
    }

    /// A connection has ended; returns what it had.
    pub fn leave(&mut self, connection: Connection) -> Vec<u64> {
        let had = self.sessions.remove(&connection).map(|session| session.running).unwrap_or_default();
        had.iter().for_each(|sequence| self.unlease(*sequence));
        had.into_iter().collect()
    }

    /// Hands out what waits, oldest first, for as long as there is room.
    pub fn assign<'a>(
        &mut self,
        queue: impl Iterator<Item = &'a u64>,
        until_ms: u64,
        is_welcome: impl Fn(Address) -> bool,
    ) -> Vec<(u64, Connection)> {
        let mut room: usize =
            self.sessions.values().map(|session| session.slots.saturating_sub(session.running.len())).sum();
        let (mut given, mut passed) = (Vec::new(), 0);
        for sequence in queue {
            if room == 0 || passed == PASSED_MAX {
                break;
            }
            let Some(connection) = self.choose(*sequence, &is_welcome) else {
                passed += 1;
                continue;
            };
            room -= 1;
            let session = self.sessions.get_mut(&connection).expect("it was just chosen");
            session.running.insert(*sequence);
            self.leases.insert(*sequence, Lease { connection, until_ms });
            self.ends.insert((until_ms, *sequence));
            given.push((*sequence, connection));
        }
        given
    }

    fn choose(&self, sequence: u64, is_welcome: &impl Fn(Address) -> bool) -> Option<Connection> {
        let declined = self.declined.get(&sequence);
        let free = self.sessions.iter().filter(|(_, session)| {
            let has_declined = declined.is_some_and(|declined| declined.contains(&session.executor));
            session.running.len() < session.slots && !has_declined && is_welcome(session.executor)
        });
        // Load as a fraction, without division: a / b < c / d.
        let lighter = |a: &Session, b: &Session| (a.running.len() * b.slots).cmp(&(b.running.len() * a.slots));
        free.min_by(|(_, a), (_, b)| lighter(a, b)).map(|(connection, _)| *connection)
    }

    /// Whether a connection has a task.
    pub fn has(&self, connection: Connection, sequence: u64) -> bool {
        self.leases.get(&sequence).is_some_and(|lease| lease.connection == connection)
    }

    /// A connection is still at it. Whether it has the task at all.
    pub fn renew(&mut self, connection: Connection, sequence: u64, until_ms: u64) -> bool {
        let Some(lease) = self.leases.get_mut(&sequence).filter(|lease| lease.connection == connection) else {
            return false;
        };
        self.ends.remove(&(lease.until_ms, sequence));
        lease.until_ms = until_ms;
        self.ends.insert((until_ms, sequence));
        true
    }

    /// A task is not with its executor any more: it has a result, was declined, or is over.
    pub fn release(&mut self, sequence: u64) {
        if let Some(lease) = self.leases.get(&sequence).copied() {
            if let Some(session) = self.sessions.get_mut(&lease.connection) {
                session.running.remove(&sequence);
            }
            self.unlease(sequence);
        }
    }

    /// An executor has no result for the attempt, and is not asked again.
    pub fn decline(&mut self, sequence: u64, executor: Address) {
        self.release(sequence);
        self.declined.entry(sequence).or_default().insert(executor);
    }

    /// Nothing more is remembered of a task: its attempt is over.
    pub fn forget(&mut self, sequence: u64) {
        self.release(sequence);
        self.declined.remove(&sequence);
    }

    /// Leases that have run out; those tasks are with nobody any more.
    pub fn expire(&mut self, now_ms: u64) -> Vec<u64> {
        let over: Vec<u64> = self.ends.range(..=(now_ms, u64::MAX)).map(|(_, sequence)| *sequence).collect();
        over.iter().for_each(|sequence| self.release(*sequence));
        over
    }

    fn unlease(&mut self, sequence: u64) {
        if let Some(lease) = self.leases.remove(&sequence) {
            self.ends.remove(&(lease.until_ms, sequence));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assign(executors: &mut Executors, queue: &[u64], until_ms: u64) -> Vec<(u64, Connection)> {
        executors.assign(queue.iter(), until_ms, |_| true)
    }

    #[test]
    fn the_least_loaded_gets_the_next() {
        let mut executors = Executors::default();
        executors.join(1, Address::repeat_byte(1), 2);
        executors.join(2, Address::repeat_byte(2), 4);
        let given = assign(&mut executors, &[10, 11, 12, 13, 14, 15, 16], 1000);
        let of = |connection| given.iter().filter(|(_, to)| *to == connection).count();
        assert_eq!((given.len(), of(1), of(2)), (6, 2, 4));
        assert_eq!(given[0], (10, 1));
        assert_eq!(assign(&mut executors, &[16], 1000), []);
        executors.release(10);
        assert_eq!(assign(&mut executors, &[16], 1000), [(16, 1)]);
    }

    #[test]
    fn who_declined_is_not_asked_again_and_nobody_waits_for_it() {
        let mut executors = Executors::default();
        executors.join(1, Address::repeat_byte(1), 1);
        assert_eq!(assign(&mut executors, &[10, 11], 1000), [(10, 1)]);
        executors.decline(10, Address::repeat_byte(1));
        assert_eq!(assign(&mut executors, &[10, 11], 1000), [(11, 1)], "what was declined is passed over");
        executors.join(2, Address::repeat_byte(2), 1);
        assert_eq!(assign(&mut executors, &[10], 1000), [(10, 2)]);
        // The same executor on another connection.
        executors.forget(10);
        executors.decline(12, Address::repeat_byte(2));
        assert_eq!(assign(&mut executors, &[12], 1000), []);
        executors.forget(12);
        assert_eq!(assign(&mut executors, &[12], 1000), [(12, 2)], "a new attempt begins anew");
        let unwelcome = |executor| executor != Address::repeat_byte(1);
        executors.release(11);
        assert_eq!(executors.assign([13].iter(), 1000, unwelcome), []);
    }

    #[test]
    fn leases_run_out_unless_they_are_renewed() {
        let mut executors = Executors::default();
        executors.join(1, Address::repeat_byte(1), 3);
        assign(&mut executors, &[10, 11, 12], 1000);
        assert!(executors.renew(1, 11, 2000) && !executors.renew(2, 11, 3000) && !executors.renew(1, 99, 3000));
        assert!(executors.expire(999).is_empty());
        assert_eq!(executors.expire(1000), [10, 12]);
        assert!(executors.has(1, 11) && !executors.has(1, 10));
        assert_eq!(executors.leave(1), [11]);
        assert_eq!((executors.len(), executors.leases(), executors.expire(u64::MAX).len()), (0, 0, 0));
    }
}

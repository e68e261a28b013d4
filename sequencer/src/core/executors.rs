//! Executors that are connected, what each has, and until when.
//!
//! Owns leases and the choice of an executor: the least loaded of those that may be asked. Which task is next is for [`Turns`]. Pure: time
//! comes in as milliseconds, assignments go out as pairs. A lease that runs out, a decline and a connection that ends all give the task
//! back. However often it is renewed, a lease ends; and an executor has no more slots over many connections than over one.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use alloy_primitives::Address;

use super::bars::Bars;
use super::turns::Turns;

/// A connection.
pub type Connection = u64;

#[derive(Debug)]
struct Session {
    executor: Address,
    slots: usize,
    running: BTreeSet<u64>,
    /// It was busy: it gets nothing before.
    rests_until_ms: u64,
}

impl Session {
    fn room(&self, now_ms: u64) -> usize {
        if self.rests_until_ms > now_ms { 0 } else { self.slots.saturating_sub(self.running.len()) }
    }
}

#[derive(Clone, Copy, Debug)]
struct Lease {
    connection: Connection,
    executor: Address,
    until_ms: u64,
    /// It is not renewed beyond.
    last_ms: u64,
}

/// What is the same for all leases.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Most assignments at once to one executor, over all its connections.
    pub slots_max: usize,
    /// Milliseconds that a lease lasts unless it is renewed.
    pub lease_ms: u64,
    /// Milliseconds that it lasts at most.
    pub lease_max_ms: u64,
}

/// What came of a look at the queue.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Tasks and who gets them.
    pub given: Vec<(u64, Connection)>,
    /// Tasks that no executor who is here may be asked about.
    pub nobodys: Vec<u64>,
}

/// Executors and leases.
#[derive(Debug)]
pub struct Executors {
    terms: Terms,
    sessions: BTreeMap<Connection, Session>,
    leases: HashMap<u64, Lease>,
    ends: BTreeSet<(u64, u64)>,
    /// Leases of an executor over all its connections.
    held: HashMap<Address, usize>,
    /// Who is not asked about a task.
    pub bars: Bars,
}

impl Executors {
    /// Nobody yet.
    pub fn new(terms: Terms) -> Self {
        let (sessions, leases, ends, held) = (BTreeMap::new(), HashMap::new(), BTreeSet::new(), HashMap::new());
        Self { terms, sessions, leases, ends, held, bars: Bars::default() }
    }

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
        let session = Session { executor, slots, running: BTreeSet::new(), rests_until_ms: 0 };
        self.sessions.entry(connection).and_modify(|known| known.slots = slots).or_insert(session);
    }

    /// An executor takes no more for now; what it has stays with it until its leases are over.
    pub fn pause(&mut self, connection: Connection) {
        self.sessions.entry(connection).and_modify(|session| session.slots = 0);
    }

    /// An executor is busy: it gets nothing over this connection before a time.
    pub fn rest(&mut self, connection: Connection, until_ms: u64) {
        self.sessions.entry(connection).and_modify(|session| session.rests_until_ms = until_ms);
    }

    /// A connection has ended; returns what it had.
    pub fn leave(&mut self, connection: Connection) -> Vec<u64> {
        let had = self.sessions.remove(&connection).map(|session| session.running).unwrap_or_default();
        had.iter().for_each(|sequence| self.unlease(*sequence));
        had.into_iter().collect()
    }

    /// Hands out what waits, by turns, for as long as there is room.
    pub fn assign(&mut self, queue: &mut Turns, now_ms: u64, is_welcome: impl Fn(Address) -> bool) -> Round {
        let here = self.sessions.iter().filter(|(_, session)| session.slots > 0 && is_welcome(session.executor));
        let here: Vec<Connection> = here.map(|(connection, _)| *connection).collect();
        let mut round = Round::default();
        queue.walk(self.room(&here, now_ms), |sequence| {
            let Some(connection) = self.choose(sequence, &here, now_ms) else {
                let may = |connection: &Connection| !self.bars.is_barred(sequence, self.sessions[connection].executor);
                if !here.iter().any(may) {
                    round.nobodys.push(sequence);
                }
                return false;
            };
            self.lease(sequence, connection, now_ms);
            round.given.push((sequence, connection));
            true
        });
        round
    }

    /// Assignments that can be made at most.
    fn room(&self, here: &[Connection], now_ms: u64) -> usize {
        let mut rooms: HashMap<Address, usize> = HashMap::new();
        for session in here.iter().map(|connection| &self.sessions[connection]) {
            *rooms.entry(session.executor).or_default() += session.room(now_ms);
        }
        rooms.iter().map(|(executor, room)| (*room).min(self.terms.slots_max.saturating_sub(self.held(executor)))).sum()
    }

    fn held(&self, executor: &Address) -> usize {
        self.held.get(executor).copied().unwrap_or(0)
    }

    fn choose(&self, sequence: u64, here: &[Connection], now_ms: u64) -> Option<Connection> {
        let sessions = here.iter().map(|connection| (*connection, &self.sessions[connection]));
        let free = sessions.filter(|(_, session)| {
            let has_room = session.room(now_ms) > 0 && self.held(&session.executor) < self.terms.slots_max;
            has_room && !self.bars.is_barred(sequence, session.executor)
        });
        // Load as a fraction, without division: a / b < c / d.
        let lighter = |a: &Session, b: &Session| (a.running.len() * b.slots).cmp(&(b.running.len() * a.slots));
        free.min_by(|(_, a), (_, b)| lighter(a, b)).map(|(connection, _)| connection)
    }

    fn lease(&mut self, sequence: u64, connection: Connection, now_ms: u64) {
        let session = self.sessions.get_mut(&connection).expect("it was just chosen");
        session.running.insert(sequence);
        let executor = session.executor;
        *self.held.entry(executor).or_default() += 1;
        let last_ms = now_ms.saturating_add(self.terms.lease_max_ms);
        let until_ms = now_ms.saturating_add(self.terms.lease_ms).min(last_ms);
        self.leases.insert(sequence, Lease { connection, executor, until_ms, last_ms });
        self.ends.insert((until_ms, sequence));
    }

    /// Whether a connection has a task.
    pub fn has(&self, connection: Connection, sequence: u64) -> bool {
        self.leases.get(&sequence).is_some_and(|lease| lease.connection == connection)
    }

    /// A connection is still at it: for how many milliseconds more it has the task, if it has it at all.
    pub fn renew(&mut self, connection: Connection, sequence: u64, now_ms: u64) -> Option<u64> {
        let lease = self.leases.get_mut(&sequence).filter(|lease| lease.connection == connection)?;
        self.ends.remove(&(lease.until_ms, sequence));
        lease.until_ms = now_ms.saturating_add(self.terms.lease_ms).min(lease.last_ms);
        self.ends.insert((lease.until_ms, sequence));
        lease.until_ms.checked_sub(now_ms).filter(|left| *left > 0)
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

    /// Nothing more is remembered of a task: its attempt is over.
    pub fn forget(&mut self, sequence: u64) {
        self.release(sequence);
        self.bars.forget(sequence);
    }

    /// Leases that have run out; those tasks are with nobody any more. Who let one run out is not asked for as long as a lease lasts, so
    /// that others have a turn; who had it as long as anybody may, is not asked for as long again.
    pub fn expire(&mut self, now_ms: u64) -> Vec<u64> {
        let over: Vec<u64> = self.ends.range(..=(now_ms, u64::MAX)).map(|(_, sequence)| *sequence).collect();
        for sequence in &over {
            let lease = self.leases[sequence];
            let pause = if lease.until_ms == lease.last_ms { self.terms.lease_max_ms } else { self.terms.lease_ms };
            self.bars.until(*sequence, lease.executor, now_ms.saturating_add(pause));
            self.release(*sequence);
        }
        over
    }

    fn unlease(&mut self, sequence: u64) {
        let Some(lease) = self.leases.remove(&sequence) else { return };
        self.ends.remove(&(lease.until_ms, sequence));
        if let Some(held) = self.held.get_mut(&lease.executor) {
            *held -= 1;
            if *held == 0 {
                self.held.remove(&lease.executor);
            }
        }
    }
}

#[cfg(test)]
mod tests;

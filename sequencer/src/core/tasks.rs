//! Tasks that are not posted: their order, and how far each has come.
//!
//! Owns sequence numbers, the queue for executors and the set that is ready for a batch. Pure: it neither waits nor writes. Assumes that
//! what it is told is durable, or becomes so before anybody outside hears of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use alloy_primitives::B256;
use assay_protocol::objects::Place;
use assay_protocol::rpc::TaskState;

/// How far a task has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Its order or its result is on the way to the disk.
    Storing,
    /// Waits for an executor.
    Queued,
    /// An executor has it.
    Running,
    /// Waits for a batch.
    Ready,
    /// In a batch that is not posted yet.
    Sealed(Place),
}

/// A task.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    /// Its id.
    pub id: B256,
    /// L1 time until which it may be posted.
    pub deadline: u64,
    /// Attempts that became void.
    pub attempt: u32,
    /// The void leaf of the attempt before.
    pub predecessor: Option<Place>,
    /// How far it has come.
    pub phase: Phase,
}

/// Tasks that are not posted.
#[derive(Debug, Default)]
pub struct Tasks {
    tasks: BTreeMap<u64, Task>,
    sequences: HashMap<B256, u64>,
    queue: BTreeSet<u64>,
    /// Those of the queue that nobody who is here may be asked about.
    aside: BTreeSet<u64>,
    /// With the millisecond since which it waits.
    ready: BTreeMap<u64, u64>,
    /// Of those that are in no batch.
    deadlines: BTreeSet<(u64, u64)>,
    next_sequence: u64,
    running: usize,
    sealed: usize,
}

impl Tasks {
    /// No tasks; the next one gets this number.
    pub fn new(next_sequence: u64) -> Self {
        Self { next_sequence, ..Self::default() }
    }

    /// Tasks that are not posted.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Tasks that are in no batch.
    pub fn open(&self) -> usize {
        self.tasks.len() - self.sealed
    }

    /// Number of the next task.
    pub fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// Tasks that wait for an executor.
    pub fn queued(&self) -> usize {
        self.queue.len() + self.aside.len()
    }

    /// Tasks that an executor has.
    pub fn running(&self) -> usize {
        self.running
    }

    /// Results that wait for a batch.
    pub fn ready(&self) -> usize {
        self.ready.len()
    }

    /// The queue, for whoever hands it out: without what was put aside.
    pub fn queue(&self) -> &BTreeSet<u64> {
        &self.queue
    }

    /// A task of the queue is not looked at until it is brought back.
    pub fn put_aside(&mut self, sequence: u64) {
        if self.queue.remove(&sequence) {
            self.aside.insert(sequence);
        }
    }

    /// Brings those back that somebody may be asked about again.
    pub fn bring_back(&mut self, may: impl Fn(u64) -> bool) {
        self.queue.extend(self.aside.extract_if(.., |sequence| may(*sequence)));
    }

    /// Sequence number of a task that is not posted.
    pub fn sequence(&self, task: &B256) -> Option<u64> {
        self.sequences.get(task).copied()
    }

    /// A task.
    pub fn get(&self, sequence: u64) -> Option<&Task> {
        self.tasks.get(&sequence)
    }

    /// Takes a new task in, and gives it its number.
    pub fn accept(&mut self, id: B256, deadline: u64) -> u64 {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        self.restore(sequence, Task { id, deadline, attempt: 0, predecessor: None, phase: Phase::Storing }, 0);
        sequence
    }

    /// Takes a task in that was here before.
    pub fn restore(&mut self, sequence: u64, task: Task, now_ms: u64) {
        self.sequences.insert(task.id, sequence);
        self.deadlines.insert((task.deadline, sequence));
        self.tasks.insert(sequence, Task { phase: Phase::Storing, ..task });
        self.set(sequence, task.phase, now_ms);
    }

    /// A task has come further, or back.
    pub fn set(&mut self, sequence: u64, phase: Phase, now_ms: u64) {
        let Some(task) = self.tasks.get_mut(&sequence) else { return };
        let (before, deadline) = (std::mem::replace(&mut task.phase, phase), task.deadline);
        self.leave(sequence, before);
        if matches!(before, Phase::Sealed(_)) {
            self.deadlines.insert((deadline, sequence));
        }
        match phase {
            Phase::Queued => {
                self.queue.insert(sequence);
            }
            Phase::Ready => {
                self.ready.insert(sequence, now_ms);
            }
            Phase::Running => self.running += 1,
            Phase::Sealed(_) => {
                self.sealed += 1;
                self.deadlines.remove(&(deadline, sequence));
            }
            Phase::Storing => {}
        }
    }

    /// The attempt of a task is void: the next one begins.
    pub fn again(&mut self, sequence: u64, void: Place) -> Option<Task> {
        let task = self.tasks.get_mut(&sequence)?;
        task.attempt += 1;
        task.predecessor = Some(void);
        let task = *task;
        self.set(sequence, Phase::Queued, 0);
        Some(task)
    }

    /// A task is posted, or over.
    pub fn end(&mut self, sequence: u64) -> Option<Task> {
        let task = self.tasks.remove(&sequence)?;
        self.leave(sequence, task.phase);
        self.sequences.remove(&task.id);
        self.deadlines.remove(&(task.deadline, sequence));
        Some(task)
    }

    /// The first results that wait for a batch, in order.
    pub fn ready_first(&self, most: usize) -> Vec<u64> {
        self.ready.keys().take(most).copied().collect()
    }

    /// Since when the result waits that waits longest.
    pub fn ready_since_ms(&self) -> Option<u64> {
        self.ready.values().min().copied()
    }

    /// Tasks that can't be posted any more: their deadlines are before a time, and they are in no batch. What is on its way to the disk
    /// is left until it is there.
    pub fn past(&self, time: u64) -> Vec<u64> {
        let before = self.deadlines.range(..(time, 0)).map(|(_, sequence)| *sequence);
        before.filter(|sequence| self.tasks.get(sequence).is_some_and(|task| task.phase != Phase::Storing)).collect()
    }

    fn leave(&mut self, sequence: u64, phase: Phase) {
        match phase {
            Phase::Queued => {
                self.queue.remove(&sequence);
                self.aside.remove(&sequence);
            }
            Phase::Ready => {
                self.ready.remove(&sequence);
            }
            Phase::Running => self.running -= 1,
            Phase::Sealed(_) => self.sealed -= 1,
            Phase::Storing => {}
        }
    }
}

/// What clients see of a phase.
pub fn state_of(phase: Phase, has_result: bool) -> TaskState {
    match phase {
        Phase::Queued => TaskState::Queued,
        Phase::Running => TaskState::Running,
        Phase::Storing if !has_result => TaskState::Queued,
        Phase::Storing | Phase::Ready => TaskState::Executed,
        Phase::Sealed(_) => TaskState::Executed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(byte: u8) -> B256 {
        B256::repeat_byte(byte)
    }

    #[test]
    fn numbers_have_no_gaps_and_sets_follow_phases() {
        let mut tasks = Tasks::new(5);
        assert_eq!([tasks.accept(id(1), 100), tasks.accept(id(2), 90), tasks.accept(id(3), 80)], [5, 6, 7]);
        assert_eq!((tasks.queued(), tasks.len(), tasks.sequence(&id(2))), (0, 3, Some(6)));
        tasks.set(5, Phase::Queued, 0);
        tasks.set(6, Phase::Queued, 0);
        tasks.set(7, Phase::Queued, 0);
        assert_eq!(tasks.queue().iter().copied().collect::<Vec<_>>(), [5, 6, 7]);
        tasks.set(6, Phase::Running, 0);
        tasks.set(7, Phase::Running, 0);
        assert_eq!((tasks.queued(), tasks.running()), (1, 2));
        tasks.set(7, Phase::Ready, 20);
        tasks.set(6, Phase::Ready, 30);
        assert_eq!((tasks.ready_first(9), tasks.ready_since_ms(), tasks.running()), (vec![6, 7], Some(20), 0));
        let place = Place { batch: 0, index: 0 };
        tasks.set(6, Phase::Sealed(place), 0);
        assert_eq!((tasks.past(101), tasks.open()), (vec![7, 5], 2), "by deadline, and none that is in a batch");
        assert_eq!(tasks.deadlines.len(), 2, "nor is it looked at");
        assert_eq!(tasks.past(80), [] as [u64; 0], "until and with the second of the deadline");
        let again = tasks.again(6, place).expect("it is here");
        assert_eq!((again.attempt, again.predecessor, tasks.queued()), (1, Some(place), 2));
        assert_eq!((tasks.past(101), tasks.open()), (vec![7, 6, 5], 3), "it can expire again");
        assert!(tasks.end(6).is_some() && tasks.end(6).is_none() && tasks.sequence(&id(2)).is_none());
        assert_eq!((tasks.queued(), tasks.len(), tasks.next_sequence()), (1, 2, 8));
    }

    #[test]
    fn what_is_nobodys_is_aside_until_somebody_may_be_asked() {
        let mut tasks = Tasks::new(0);
        for byte in 0..4 {
            let sequence = tasks.accept(id(byte), 100);
            tasks.set(sequence, Phase::Queued, 0);
        }
        (0..3).for_each(|sequence| tasks.put_aside(sequence));
        assert_eq!((tasks.queue().iter().copied().collect::<Vec<_>>(), tasks.queued()), (vec![3], 4));
        tasks.set(1, Phase::Storing, 0);
        tasks.bring_back(|sequence| sequence == 2);
        assert_eq!((tasks.queue().iter().copied().collect::<Vec<_>>(), tasks.queued()), (vec![2, 3], 3));
        assert!(tasks.end(0).is_some());
        tasks.bring_back(|_| true);
        assert_eq!((tasks.queue().len(), tasks.queued()), (2, 2));
    }
}

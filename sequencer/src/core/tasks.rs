//! Tasks that are not posted: their order, and how far each has come.
//!
//! Owns sequence numbers, the queue for executors, the set that is ready for a batch, and how many tasks of an address are in no batch.
//! Pure: it neither waits nor writes. Assumes that what it is told is durable, or becomes so before anybody outside hears of it.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use alloy_primitives::B256;
use assay_protocol::objects::Place;
use assay_protocol::rpc::TaskState;

use super::turns::Turns;

/// How far a task has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Its order is on the way to the disk.
    Accepting,
    /// Its result is on the way to the disk.
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
    /// Where it came from, if that is remembered: it is not after a restart, nor once it was posted.
    pub from: Option<IpAddr>,
    /// How far it has come.
    pub phase: Phase,
}

/// Tasks that are not posted.
#[derive(Debug, Default)]
pub struct Tasks {
    tasks: BTreeMap<u64, Task>,
    sequences: HashMap<B256, u64>,
    queue: Turns,
    /// Those of the queue that nobody who is here may be asked about.
    aside: BTreeSet<u64>,
    /// With the millisecond since which it waits.
    ready: BTreeMap<u64, u64>,
    /// Results that are in no batch before L1 has their program, with that and the millisecond.
    unregistered: BTreeMap<u64, (B256, u64)>,
    /// Of those that are in no batch.
    deadlines: BTreeSet<(u64, u64)>,
    /// How many of these came from each address.
    addresses: HashMap<Option<IpAddr>, usize>,
    next_sequence: u64,
    running: usize,
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
        self.deadlines.len()
    }

    /// Those of them that came from an address.
    pub fn open_from(&self, from: IpAddr) -> usize {
        self.addresses.get(&Some(from)).copied().unwrap_or(0)
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

    /// Results that can be in the next batch.
    pub fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Results that wait for a batch, be it that their programs are not on L1.
    pub fn unposted(&self) -> usize {
        self.ready.len() + self.unregistered.len()
    }

    /// The queue, without what was put aside.
    pub fn queue(&self) -> &Turns {
        &self.queue
    }

    /// The queue for whoever hands it out.
    pub fn queue_mut(&mut self) -> &mut Turns {
        &mut self.queue
    }

    /// A task of the queue is not looked at until it is brought back.
    pub fn put_aside(&mut self, sequence: u64) {
        let Some(task) = self.tasks.get(&sequence) else { return };
        if self.queue.remove(task.from, sequence) {
            self.aside.insert(sequence);
        }
    }

    /// Brings those back that somebody may be asked about again.
    pub fn bring_back(&mut self, may: impl Fn(u64) -> bool) {
        for sequence in self.aside.extract_if(.., |sequence| may(*sequence)) {
            let from = self.tasks.get(&sequence).and_then(|task| task.from);
            self.queue.insert(from, sequence);
        }
    }

    /// L1 does not have the program of a result: it takes no place from others until it has.
    pub fn put_unregistered(&mut self, sequence: u64, program: B256) {
        if let Some(since_ms) = self.ready.remove(&sequence) {
            self.unregistered.insert(sequence, (program, since_ms));
        }
    }

    /// Brings those back whose program L1 has.
    pub fn bring_registered(&mut self, is_registered: impl Fn(&B256) -> bool) {
        for (sequence, (_, since_ms)) in self.unregistered.extract_if(.., |_, result| is_registered(&result.0)) {
            self.ready.insert(sequence, since_ms);
        }
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
    pub fn accept(&mut self, id: B256, deadline: u64, from: IpAddr) -> u64 {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        let (predecessor, from, phase) = (None, Some(from), Phase::Accepting);
        self.restore(sequence, Task { id, deadline, attempt: 0, predecessor, from, phase }, 0);
        sequence
    }

    /// Takes a task in that was here before.
    pub fn restore(&mut self, sequence: u64, task: Task, now_ms: u64) {
        self.sequences.insert(task.id, sequence);
        self.tasks.insert(sequence, Task { phase: Phase::Storing, ..task });
        self.set(sequence, task.phase, now_ms);
    }

    /// A task has come further, or back.
    pub fn set(&mut self, sequence: u64, phase: Phase, now_ms: u64) {
        let Some(task) = self.tasks.get_mut(&sequence) else { return };
        let before = *task;
        task.phase = phase;
        self.leave(sequence, &before);
        match phase {
            Phase::Queued => self.queue.insert(before.from, sequence),
            Phase::Ready => {
                self.ready.insert(sequence, now_ms);
            }
            Phase::Running => self.running += 1,
            Phase::Accepting | Phase::Storing | Phase::Sealed(_) => {}
        }
        match phase {
            Phase::Sealed(_) => self.close(sequence, &before),
            _ => self.reopen(sequence, &before),
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
        self.leave(sequence, &task);
        self.close(sequence, &task);
        self.sequences.remove(&task.id);
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
        let is_there = |task: &Task| !matches!(task.phase, Phase::Accepting | Phase::Storing);
        before.filter(|sequence| self.tasks.get(sequence).is_some_and(is_there)).collect()
    }

    /// Takes a task from where its phase has it.
    fn leave(&mut self, sequence: u64, task: &Task) {
        match task.phase {
            Phase::Queued => {
                self.queue.remove(task.from, sequence);
                self.aside.remove(&sequence);
            }
            Phase::Ready => {
                self.ready.remove(&sequence);
                self.unregistered.remove(&sequence);
            }
            Phase::Running => self.running -= 1,
            Phase::Accepting | Phase::Storing | Phase::Sealed(_) => {}
        }
    }

    /// A task is in no batch, as before or again.
    fn reopen(&mut self, sequence: u64, task: &Task) {
        if self.deadlines.insert((task.deadline, sequence)) {
            *self.addresses.entry(task.from).or_default() += 1;
        }
    }

    /// A task is in a batch, or gone, as before or from now on.
    fn close(&mut self, sequence: u64, task: &Task) {
        if self.deadlines.remove(&(task.deadline, sequence))
            && let Entry::Occupied(mut count) = self.addresses.entry(task.from)
        {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

/// What clients see of a phase. A result counts when it is on the disk.
pub fn state_of(phase: Phase) -> TaskState {
    match phase {
        Phase::Accepting | Phase::Queued => TaskState::Queued,
        Phase::Running | Phase::Storing => TaskState::Running,
        Phase::Ready | Phase::Sealed(_) => TaskState::Executed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(byte: u8) -> B256 {
        B256::repeat_byte(byte)
    }

    fn address(host: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, host])
    }

    /// Who reads that a task is executed asks for its result next.
    #[test]
    fn a_task_is_executed_when_its_result_is_on_the_disk() {
        let states = [Phase::Accepting, Phase::Queued, Phase::Running, Phase::Storing, Phase::Ready].map(state_of);
        use TaskState::{Executed, Queued, Running};
        assert_eq!(states, [Queued, Queued, Running, Running, Executed]);
    }

    /// The queue as it would be handed out.
    fn shown(tasks: &mut Tasks) -> Vec<u64> {
        let mut shown = Vec::new();
        tasks.queue_mut().walk(usize::MAX, |sequence| {
            shown.push(sequence);
            true
        });
        shown
    }

    #[test]
    fn numbers_have_no_gaps_and_sets_follow_phases() {
        let mut tasks = Tasks::new(5);
        let accepted =
            [(1, 100), (2, 90), (3, 80)].map(|(byte, deadline)| tasks.accept(id(byte), deadline, address(1)));
        assert_eq!(accepted, [5, 6, 7]);
        assert_eq!((tasks.queued(), tasks.len(), tasks.sequence(&id(2))), (0, 3, Some(6)));
        tasks.set(5, Phase::Queued, 0);
        tasks.set(6, Phase::Queued, 0);
        tasks.set(7, Phase::Queued, 0);
        assert_eq!(shown(&mut tasks), [5, 6, 7]);
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
        for byte in 0..6 {
            // The first three and the others are of one address each.
            let sequence = tasks.accept(id(byte), 100, address(byte / 3));
            tasks.set(sequence, Phase::Queued, 0);
        }
        assert_eq!(shown(&mut tasks), [0, 3, 1, 4, 2, 5]);
        [0, 1, 2, 3].into_iter().for_each(|sequence| tasks.put_aside(sequence));
        assert_eq!((shown(&mut tasks), tasks.queue().len(), tasks.queued()), (vec![4, 5], 2, 6));
        tasks.set(1, Phase::Storing, 0);
        tasks.bring_back(|sequence| sequence == 2);
        assert_eq!((shown(&mut tasks), tasks.queued()), (vec![4, 2, 5], 5), "the other address was first");
        assert!(tasks.end(0).is_some());
        tasks.bring_back(|_| true);
        assert_eq!((tasks.queue().len(), tasks.queued()), (4, 4));
    }

    #[test]
    fn tasks_of_an_address_count_while_they_are_in_no_batch() {
        let mut tasks = Tasks::new(0);
        for (byte, host) in [(1, 1), (2, 1), (3, 2)] {
            tasks.accept(id(byte), 100, address(host));
        }
        let counts = |tasks: &Tasks| [tasks.open_from(address(1)), tasks.open_from(address(2)), tasks.open()];
        assert_eq!(counts(&tasks), [2, 1, 3]);
        let sealed = Phase::Sealed(Place { batch: 0, index: 0 });
        tasks.set(0, sealed, 0);
        tasks.set(0, sealed, 0);
        assert_eq!(counts(&tasks), [1, 1, 2]);
        tasks.set(0, Phase::Ready, 0);
        tasks.set(0, Phase::Ready, 0);
        assert_eq!(counts(&tasks), [2, 1, 3], "the batch was given up");
        tasks.set(0, sealed, 0);
        assert!(tasks.end(0).is_some());
        assert_eq!(counts(&tasks), [1, 1, 2], "it was counted no more");
        // One that was here before came from nobody knows where.
        let (id, predecessor, from, phase) = (id(9), None, None, Phase::Queued);
        tasks.restore(9, Task { id, deadline: 100, attempt: 0, predecessor, from, phase }, 0);
        assert_eq!(counts(&tasks), [1, 1, 3]);
        for sequence in [1, 2, 9] {
            assert!(tasks.end(sequence).is_some());
        }
        assert!(tasks.addresses.is_empty() && tasks.queue().is_empty(), "nothing is remembered");
    }

    #[test]
    fn results_of_programs_that_l1_does_not_have_wait_beside_the_others() {
        let mut tasks = Tasks::new(0);
        for byte in 0..4 {
            let sequence = tasks.accept(id(byte), 100, address(1));
            tasks.set(sequence, Phase::Ready, 10 + sequence);
        }
        (0..3).for_each(|sequence| tasks.put_unregistered(sequence, id(0x70 + (sequence % 2) as u8)));
        assert_eq!((tasks.ready(), tasks.unposted(), tasks.ready_since_ms()), (1, 4, Some(13)));
        assert_eq!(tasks.ready_first(9), [3]);
        tasks.set(2, Phase::Queued, 0);
        tasks.bring_registered(|program| *program == id(0x70));
        assert_eq!((tasks.ready_first(9), tasks.ready_since_ms()), (vec![0, 3], Some(10)), "since it was ready");
        assert_eq!((tasks.unposted(), tasks.open()), (3, 4));
        assert!(tasks.end(1).is_some());
        tasks.bring_registered(|_| true);
        assert_eq!((tasks.ready(), tasks.unposted()), (2, 2));
    }
}

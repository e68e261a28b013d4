//! What a sequencer must still know after `kill -9`: its tables.
//!
//! Owns names, keys and shapes of rows. Who writes which is said beside each; all writes that belong together are one commit.

use alloy_primitives::{B256, Bytes};
use assay_machine::program::Descriptor;
use assay_node::store::{Record, Schema, Table};
use assay_node::{blobs, l1, tx};
use assay_protocol::BlobRef;
use assay_protocol::objects::{Batch, Place, SoftReceipt, TaskRequest, TaskResult};
use assay_protocol::rpc::{Decline, Mount, ProgramView, SignedReceipt, SignedResult, TaskState};
use serde::{Deserialize, Serialize};

use crate::l1::Fact;

/// Tasks by sequence number: written once, before the receipt is given.
pub const ORDERS: Table<u64, OrderRow> = Table::new("orders");
/// Sequence numbers by task: the same commit.
pub const SEQUENCES: Table<B256, u64> = Table::new("sequences");
/// Tasks that are not over: the same commit; the row goes when the task is over.
pub const LIVE: Table<u64, ()> = Table::new("live");
/// What became of a task off L1: attempts, results, declines.
pub const PROGRESS: Table<u64, ProgressRow> = Table::new("progress");
/// Tasks that are over.
pub const ENDS: Table<u64, EndRow> = Table::new("ends");
/// Where the leaf of an attempt is, in the newest build of its batch.
pub const LEAVES: Table<(u64, u32), PlaceRow> = Table::new("leaves");
/// Builds of batches by number and build: written with the intents that post them. The newest of a number is the one that counts.
pub const BUILDS: Table<(u64, u32), BuildRow> = Table::new("builds");
/// Heads of their data: records, tree, directory. The blobs behind are elsewhere by their names.
pub const HEADS: Table<(u64, u32), Bytes> = Table::new("heads");
/// Batches with leaves whose fate is open.
pub const UNDECIDED: Table<u64, ()> = Table::new("undecided");
/// Where a blob stands in a directory, by root and length: the newest place.
pub const DIRECTORY: Table<(B256, u64), PlaceRow> = Table::new("directory");
/// Leaves whose outputs are too long to be posted as inputs, by the output.
pub const OUTPUTS: Table<(B256, u64), OutputRow> = Table::new("outputs");
/// Programs that were registered here.
pub const PROGRAMS: Table<B256, ProgramRow> = Table::new("programs");
/// What L1 has said, by block and place in it.
pub const FACTS: Table<(u64, u32), FactRow> = Table::new("facts");

/// Kinds of owners of pins: the input of a task, its output, a program's module.
pub const PIN_INPUT: u8 = 1;
/// See [`PIN_INPUT`].
pub const PIN_OUTPUT: u8 = 2;
/// See [`PIN_INPUT`].
pub const PIN_PROGRAM: u8 = 3;

/// The sequencer's schema.
pub fn schema() -> Schema {
    let schema = Schema::new("assay-sequencer", 1);
    let schema = tx::schema(l1::schema(blobs::schema(schema)));
    let schema = schema.table(&ORDERS).table(&SEQUENCES).table(&LIVE).table(&PROGRESS).table(&ENDS).table(&LEAVES);
    let schema = schema.table(&BUILDS).table(&HEADS).table(&UNDECIDED).table(&DIRECTORY).table(&OUTPUTS);
    schema.table(&PROGRAMS).table(&FACTS)
}

/// A task as it was taken in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRow {
    /// The task's id.
    pub task: B256,
    /// What was asked for.
    pub request: TaskRequest,
    /// The client's signature.
    pub client_signature: Bytes,
    /// What was promised.
    pub receipt: SoftReceipt,
    /// The sequencer's signature of the promise.
    pub receipt_signature: Bytes,
}

impl Record for OrderRow {
    const VERSION: u8 = 1;
}

impl OrderRow {
    /// The receipt as the client gets it, now or at any later time.
    pub fn signed_receipt(&self) -> SignedReceipt {
        SignedReceipt { receipt: self.receipt, signature: self.receipt_signature.clone() }
    }
}

/// How far a task has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgressRow {
    /// Attempts that became void.
    pub attempt: u32,
    /// The void leaf of the attempt before.
    pub predecessor: Option<Place>,
    /// The result of this attempt, with its executor's signature.
    pub result: Option<(TaskResult, Bytes)>,
    /// Executors that had none, newest last.
    pub declines: Vec<Decline>,
}

impl Record for ProgressRow {
    const VERSION: u8 = 1;
}

impl ProgressRow {
    /// Declines that are kept of a task.
    pub const DECLINES_MAX: usize = 8;

    /// The result as clients get it.
    pub fn signed_result(&self) -> Option<SignedResult> {
        self.result.as_ref().map(|(result, signature)| SignedResult { result: *result, signature: signature.clone() })
    }
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndRow {
    /// Expired, attested or final.
    pub state: TaskState,
    /// Leaves in the chain of outputs that ends with this one, itself included.
    pub chain_length: u8,
}

impl Record for EndRow {
    const VERSION: u8 = 1;
}

/// A batch as it was built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildRow {
    /// The header.
    pub header: Batch,
    /// The directory.
    pub blobs: Vec<BlobRef>,
    /// Names of the intents: the parts, then the posting.
    pub intents: Vec<B256>,
}

impl Record for BuildRow {
    const VERSION: u8 = 1;
}

/// A leaf whose output can be the input of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputRow {
    /// The leaf.
    pub place: Place,
    /// Leaves in the chain of outputs that ends with it.
    pub chain_length: u8,
}

impl Record for OutputRow {
    const VERSION: u8 = 1;
}

/// A program that was registered here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramRow {
    /// Machine version.
    pub version: u8,
    /// Where a run begins.
    pub entry_pc: u32,
    /// Pages at boot.
    pub memory_pages: u32,
    /// Most pages.
    pub memory_pages_max: u32,
    /// The module.
    pub wasm: BlobRef,
    /// Region roots at boot.
    pub mounts: Vec<(u8, B256)>,
}

impl Record for ProgramRow {
    const VERSION: u8 = 1;
}

impl From<&Descriptor> for ProgramRow {
    fn from(descriptor: &Descriptor) -> Self {
        Self {
            version: descriptor.version,
            entry_pc: descriptor.entry_pc,
            memory_pages: descriptor.memory_pages,
            memory_pages_max: descriptor.memory_pages_max,
            wasm: descriptor.wasm,
            mounts: descriptor.mounts.clone(),
        }
    }
}

impl ProgramRow {
    /// The program as the wire shows it.
    pub fn view(&self, program: B256, registered_at: Option<u64>) -> ProgramView {
        let mounts = self.mounts.iter().map(|(region, root)| Mount { region: *region, root: *root });
        ProgramView {
            program,
            version: self.version,
            entry_pc: self.entry_pc,
            memory_pages: self.memory_pages,
            memory_pages_max: self.memory_pages_max,
            wasm: self.wasm,
            mounts: mounts.collect(),
            registered_at,
        }
    }
}

/// Something that L1 has said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactRow {
    /// What.
    pub fact: Fact,
    /// L1 time of its block.
    pub time: u64,
}

impl Record for FactRow {
    const VERSION: u8 = 1;
}

/// Places are rows of two tables; the store's trait is not theirs, so they have one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceRow(pub Place);

impl Record for PlaceRow {
    const VERSION: u8 = 1;
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_node::store::Store;
    use assay_protocol::rpc::DeclineReason;
    use assay_protocol::{Address, rpc};

    /// Objects of the protocol write themselves for JSON and for the store; the store's form must come back too.
    #[test]
    fn rows_come_back() {
        let directory = tempfile::tempdir().expect("there is room");
        let store = Store::open(directory.path(), &schema()).expect("it opens");
        let blob = BlobRef { root: B256::repeat_byte(1), length: 300 };
        let (task, region, client) = (B256::repeat_byte(2), B256::repeat_byte(3), Address::repeat_byte(4));
        let request = TaskRequest {
            client,
            region,
            program: task,
            input: blob,
            fuel_limit: 1 << 35,
            output_length_max: 7,
            fee_max: 1 << 100,
            deadline: u64::MAX,
            nonce: 0,
        };
        let receipt = SoftReceipt { region, task, sequence: 9, time_ms: 1 << 40, include_by: 5 };
        let bytes = Bytes::from(vec![7; 65]);
        let order =
            OrderRow { task, request, client_signature: bytes.clone(), receipt, receipt_signature: bytes.clone() };
        let result = TaskResult { task, attempt: 1, executor: client, status: 1, code: 2, fuel_used: 3, output: blob };
        let reason = DeclineReason::WallClock;
        let decline = rpc::Decline { task, attempt: 0, executor: client, reason, words: "slow".into() };
        let place = Place { batch: 1 << 40, index: 3 };
        let progress = ProgressRow {
            attempt: 1,
            predecessor: Some(place),
            result: Some((result, bytes)),
            declines: vec![decline],
        };
        let end = EndRow { state: TaskState::Attested, chain_length: 2 };
        let mut batch = store.batch();
        batch.put(&ORDERS, &9, &order).expect("it is written");
        batch.put(&PROGRESS, &9, &progress).expect("it is written");
        batch.put(&ENDS, &9, &end).expect("it is written");
        batch.put(&LEAVES, &(9, 1), &PlaceRow(place)).expect("it is written");
        batch.commit().expect("there is room");
        assert_eq!(store.get(&ORDERS, &9).expect("it reads"), Some(order));
        assert_eq!(store.get(&PROGRESS, &9).expect("it reads"), Some(progress));
        assert_eq!(store.get(&ENDS, &9).expect("it reads"), Some(end));
        assert_eq!(store.get(&LEAVES, &(9, 1)).expect("it reads"), Some(PlaceRow(place)));
    }
}

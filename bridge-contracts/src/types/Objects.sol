// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Names a blob: the root of its smallest page subtree and its length in bytes (chapter 2, "Blobs").
struct BlobRef {
    bytes32 root;
    uint64 length;
}

/// @notice What a client asks for and signs. Its EIP-712 digest is the task id (chapter 11).
struct TaskRequest {
    address client;
    bytes32 region;
    bytes32 program;
    BlobRef input;
    /// Fuel that the run may use.
    uint64 fuelLimit;
    /// Bytes that the run may output: word 1 of the boot leaf.
    uint64 outputLengthMax;
    /// Most that the client pays, in wei.
    uint128 feeMax;
    /// L1 time in seconds until which the task may be posted.
    uint64 deadline;
    uint64 nonce;
}

/// @notice What an executor claims and signs (chapter 11).
struct TaskResult {
    bytes32 task;
    uint32 attempt;
    address executor;
    uint8 status;
    uint32 code;
    uint64 fuelUsed;
    BlobRef output;
}

/// @notice What a sequencer promises and signs: this task has this place in the order and is posted by this L1 time.
struct SoftReceipt {
    bytes32 region;
    bytes32 task;
    uint64 sequence;
    /// Milliseconds since 1970 on the sequencer's clock; for the client's information.
    uint64 timeMs;
    /// L1 time in seconds by which a batch contains the task.
    uint64 includeBy;
}

/// @notice Where on L1 the bytes of a blob are (chapter 12, "Sources").
enum SourceKind {
    /// Not on L1: the leaf can be attested, never final.
    Absent,
    /// Entry `index` of this batch's directory.
    Here,
    /// Entry `index` of the directory of batch `batch`, earlier and within the horizon.
    Earlier,
    /// The output of leaf `index` of batch `batch`, which stands before this leaf.
    Output
}

struct Source {
    SourceKind kind;
    uint64 batch;
    uint32 index;
}

/// @notice A leaf, named by its place. All zero where there is none.
struct Place {
    uint64 batch;
    uint32 index;
}

/// @notice One leaf in full: what record i of a batch's data says (chapter 12, "Records").
struct Claim {
    uint64 sequence;
    TaskRequest request;
    bytes clientSignature;
    TaskResult result;
    bytes executorSignature;
    Source input;
    Source wasm;
    /// The void leaf of the attempt before this one; zero for attempt 0.
    Place predecessor;
}

/// @notice What a region's sequencer posts. Its hash is the EIP-712 hash of this struct (chapter 12).
struct Batch {
    bytes32 region;
    uint64 number;
    /// Hash of the batch before, zero for number 0.
    bytes32 parent;
    /// Sequence number of leaf 0.
    uint64 firstSequence;
    bytes32 leafRoot;
    uint32 count;
    /// Root over the 4 KiB pages of the data, and the data's length in bytes.
    bytes32 dataRoot;
    uint32 dataLength;
    /// Entries of the directory.
    uint32 blobCount;
    /// L1 time at which executors, keys and bonds are judged.
    uint64 asOf;
    /// No task of the batch has an earlier deadline.
    uint64 minDeadline;
}

/// @notice A leaf with what shows that it is one.
struct LeafProof {
    Batch batch;
    uint32 index;
    /// The record, packed as in the batch's data.
    bytes record;
    /// Siblings bottom-up, exactly ceil(log2(count)) of them.
    bytes32[] siblings;
}

/// @notice Whether a leaf can be relied upon.
enum Fate {
    /// The window is open.
    Pending,
    /// A game on it, or a stay of its executor's claims, is not over.
    Challenged,
    /// Its executor or its batch was convicted before it became final.
    Void,
    /// It stands, but not everybody can have checked it: the executor's word and stake.
    Attested,
    /// It stands, and everybody can have checked it.
    Final
}

/// @notice What a program is to L1 (chapter 5, "Programs"). Its hash is the program id.
struct Descriptor {
    uint8 version;
    uint32 entryPc;
    uint32 memoryPages;
    uint32 memoryPagesMax;
    BlobRef wasm;
    Mount[] mounts;
}

/// @notice A region root at boot that is not zero; mounts ascend by region.
struct Mount {
    uint8 region;
    bytes32 root;
}

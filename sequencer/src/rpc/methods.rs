//! The table of methods: name, parameters, answer, meaning. OpenRPC is made of it, and a test holds it against what is registered.

use assay_protocol::rpc::methods as name;

/// A method.
pub struct Method {
    /// Its name.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// Parameters in order: name, type, whether it must be there.
    pub params: &'static [(&'static str, &'static str, bool)],
    /// Type of the answer.
    pub result: &'static str,
}

const fn method(
    name: &'static str,
    summary: &'static str,
    params: &'static [(&'static str, &'static str, bool)],
    result: &'static str,
) -> Method {
    Method { name, summary, params, result }
}

/// Every public method. A type that ends with `?` may be null.
pub const METHODS: &[Method] = &[
    method(
        name::SUBMIT_TASK,
        "Takes a task in and promises, signed, when it will be on L1; the same task again gets the same receipt",
        &[("request", "TaskRequest", true), ("signature", "Bytes", true), ("input", "Bytes", false)],
        "SignedReceipt",
    ),
    method(name::GET_TASK, "Tells how far a task has come", &[("task", "Hash", true)], "TaskView?"),
    method(name::GET_RESULT, "Gives the signed result of a task", &[("task", "Hash", true)], "SignedResult?"),
    method(
        name::REGISTER_PROGRAM,
        "Makes a program of a WASM module, given as bytes or as the blob that was uploaded",
        &[("wasm", "Module", true)],
        "ProgramView",
    ),
    method(name::GET_PROGRAM, "Describes a program", &[("program", "Hash", true)], "ProgramView?"),
    method(name::GET_BATCH, "Describes a batch that is posted", &[("number", "Quantity", true)], "BatchView?"),
    method(
        name::GET_PROOF,
        "Proves a task's result to a contract: the chain that IBatches.fateOf takes",
        &[("task", "Hash", true)],
        "LeafProof?",
    ),
    method(name::STATUS, "Tells what the sequencer is and has", &[], "StatusView"),
    method(
        name::SUBSCRIBE,
        "Sends news of a topic: receipts (of a client), tasks (one task), batches",
        &[("topic", "Topic", true), ("filter", "Hex", false)],
        "Subscription",
    ),
    method(name::UNSUBSCRIBE, "Ends a subscription", &[("subscription", "Subscription", true)], "Boolean"),
    method(
        name::EXECUTOR_HELLO,
        "Begins an executor's session on this connection",
        &[("executor", "Address", true), ("key", "Address", true)],
        "Hash",
    ),
    method(
        name::EXECUTOR_AUTHENTICATE,
        "Shows, by a signature of the nonce, that the connection is an executor's",
        &[("signature", "Bytes", true)],
        "Session",
    ),
    method(
        name::EXECUTOR_SUBSCRIBE,
        "Asks for assignments, at most so many at once",
        &[("slots", "Quantity", true)],
        "Subscription",
    ),
    method(
        name::EXECUTOR_UNSUBSCRIBE,
        "Asks for no more assignments",
        &[("subscription", "Subscription", true)],
        "Boolean",
    ),
    method(
        name::EXECUTOR_RENEW,
        "Renews the lease of an assignment, and tells for how many milliseconds",
        &[("task", "Hash", true), ("attempt", "Quantity", true)],
        "Quantity",
    ),
    method(
        name::EXECUTOR_SUBMIT,
        "Brings a result, with its output inside the call or uploaded before",
        &[("result", "SignedResult", true), ("output", "Bytes", false)],
        "Boolean",
    ),
    method(name::EXECUTOR_DECLINE, "Says that this host has no result", &[("decline", "Decline", true)], "Boolean"),
    method("eth_chainId", "EIP-155 id of the chain", &[], "Quantity"),
    method("net_version", "The same as a decimal string", &[], "String"),
    method("web3_clientVersion", "Name and version of the program that answers", &[], "String"),
    method("rpc_modules", "Namespaces and their versions", &[], "Object"),
    method("rpc.discover", "This document", &[], "Object"),
];

/// Types of the wire that are not objects: name, JSON Schema.
pub const PLAIN: &[(&str, &str)] = &[
    ("Address", r#"{"type":"string","pattern":"^0x[0-9a-fA-F]{40}$"}"#),
    ("Boolean", r#"{"type":"boolean"}"#),
    ("Bytes", r#"{"type":"string","pattern":"^0x([0-9a-fA-F]{2})*$"}"#),
    ("DeclineReason", r#"{"enum":["busy","missing","wallClock","memory","engine","request"]}"#),
    ("Hash", r#"{"type":"string","pattern":"^0x[0-9a-fA-F]{64}$"}"#),
    ("Hex", r#"{"type":"string","pattern":"^0x[0-9a-fA-F]*$"}"#),
    ("Module", r##"{"oneOf":[{"$ref":"#/components/schemas/Bytes"},{"$ref":"#/components/schemas/BlobRef"}]}"##),
    ("Object", r#"{"type":"object"}"#),
    ("Quantity", r#"{"type":"string","pattern":"^0x(0|[1-9a-f][0-9a-f]*)$"}"#),
    ("String", r#"{"type":"string"}"#),
    ("Subscription", r#"{"type":["integer","string"]}"#),
    ("TaskState", r#"{"enum":["queued","running","executed","posted","challenged","expired","attested","final"]}"#),
    ("Topic", r#"{"enum":["receipts","tasks","batches"]}"#),
];

/// Objects of the wire: name, fields with their types. A type that ends with `?` may be null, one that ends with `[]` is a list.
pub const OBJECTS: &[(&str, &[(&str, &str)])] = &[
    (
        "Assignment",
        &[
            ("task", "Hash"),
            ("attempt", "Quantity"),
            ("request", "TaskRequest"),
            ("clientSignature", "Bytes"),
            ("wasm", "BlobRef"),
            ("input", "Bytes?"),
            ("leaseMs", "Quantity"),
        ],
    ),
    (
        "Batch",
        &[
            ("region", "Hash"),
            ("number", "Quantity"),
            ("parent", "Hash"),
            ("firstSequence", "Quantity"),
            ("leafRoot", "Hash"),
            ("count", "Quantity"),
            ("dataRoot", "Hash"),
            ("dataLength", "Quantity"),
            ("blobCount", "Quantity"),
            ("asOf", "Quantity"),
            ("minDeadline", "Quantity"),
        ],
    ),
    (
        "BatchView",
        &[
            ("batch", "Batch"),
            ("hash", "Hash"),
            ("postedAt", "Quantity"),
            ("block", "Quantity"),
            ("voidedAt", "Quantity?"),
            ("tasks", "Hash[]"),
        ],
    ),
    ("BlobRef", &[("root", "Hash"), ("length", "Quantity")]),
    (
        "Decline",
        &[
            ("task", "Hash"),
            ("attempt", "Quantity"),
            ("executor", "Address"),
            ("reason", "DeclineReason"),
            ("words", "String"),
        ],
    ),
    ("LeafOpening", &[("batch", "Batch"), ("index", "Quantity"), ("record", "Bytes"), ("siblings", "Hash[]")]),
    ("LeafProof", &[("place", "Place"), ("chain", "LeafOpening[]")]),
    (
        "LimitsView",
        &[
            ("fuelLimitMax", "Quantity"),
            ("outputLengthMax", "Quantity"),
            ("inputLengthMax", "Quantity"),
            ("postedInputLengthMax", "Quantity"),
            ("feeMin", "Quantity"),
            ("deadlineMin", "Quantity"),
            ("deadlineMax", "Quantity"),
        ],
    ),
    ("Mount", &[("region", "Quantity"), ("root", "Hash")]),
    ("Place", &[("batch", "Quantity"), ("index", "Quantity")]),
    (
        "ProgramView",
        &[
            ("program", "Hash"),
            ("version", "Quantity"),
            ("entryPc", "Quantity"),
            ("memoryPages", "Quantity"),
            ("memoryPagesMax", "Quantity"),
            ("wasm", "BlobRef"),
            ("mounts", "Mount[]"),
            ("registeredAt", "Quantity?"),
        ],
    ),
    ("Session", &[("region", "Hash"), ("slotsMax", "Quantity"), ("leaseMs", "Quantity")]),
    ("SignedReceipt", &[("receipt", "SoftReceipt"), ("signature", "Bytes")]),
    ("SignedResult", &[("result", "TaskResult"), ("signature", "Bytes")]),
    (
        "SoftReceipt",
        &[
            ("region", "Hash"),
            ("task", "Hash"),
            ("sequence", "Quantity"),
            ("timeMs", "Quantity"),
            ("includeBy", "Quantity"),
        ],
    ),
    (
        "StatusView",
        &[
            ("version", "String"),
            ("chainId", "Quantity"),
            ("region", "Hash"),
            ("sequencer", "Address"),
            ("key", "Address"),
            ("batchesContract", "Address"),
            ("l1Block", "Quantity"),
            ("l1Time", "Quantity"),
            ("nextSequence", "Quantity"),
            ("nextBatch", "Quantity"),
            ("tasksQueued", "Quantity"),
            ("tasksRunning", "Quantity"),
            ("resultsUnposted", "Quantity"),
            ("executors", "Quantity"),
            ("limits", "LimitsView"),
        ],
    ),
    ("TaskEvent", &[("task", "Hash"), ("state", "TaskState"), ("attempt", "Quantity"), ("place", "Place?")]),
    (
        "TaskRequest",
        &[
            ("client", "Address"),
            ("region", "Hash"),
            ("program", "Hash"),
            ("input", "BlobRef"),
            ("fuelLimit", "Quantity"),
            ("outputLengthMax", "Quantity"),
            ("feeMax", "Quantity"),
            ("deadline", "Quantity"),
            ("nonce", "Quantity"),
        ],
    ),
    (
        "TaskResult",
        &[
            ("task", "Hash"),
            ("attempt", "Quantity"),
            ("executor", "Address"),
            ("status", "Quantity"),
            ("code", "Quantity"),
            ("fuelUsed", "Quantity"),
            ("output", "BlobRef"),
        ],
    ),
    (
        "TaskView",
        &[
            ("task", "Hash"),
            ("request", "TaskRequest"),
            ("clientSignature", "Bytes"),
            ("receipt", "SignedReceipt"),
            ("state", "TaskState"),
            ("attempt", "Quantity"),
            ("result", "SignedResult?"),
            ("place", "Place?"),
            ("declines", "Decline[]"),
        ],
    ),
];

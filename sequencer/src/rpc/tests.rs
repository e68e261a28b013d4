//! The document against the code: names of methods, shapes of objects, and the copy in `specs/`.

use super::methods::{METHODS, OBJECTS, PLAIN};
use super::*;
use alloy_primitives::{Address, Bytes};
use assay_protocol::BlobRef;
use assay_protocol::objects::{Batch, Place, SoftReceipt, TaskRequest, TaskResult};
use assay_protocol::rpc::*;
use serde_json::Value;
use std::collections::BTreeSet;

/// One of every object of the wire, as it is written.
fn written() -> Vec<(&'static str, Value)> {
    let (hash, address, bytes) = (B256::repeat_byte(1), Address::repeat_byte(2), Bytes::from_static(&[3]));
    let blob = BlobRef { root: hash, length: 4 };
    let place = Place { batch: 1, index: 2 };
    let request = TaskRequest {
        client: address,
        region: hash,
        program: hash,
        input: blob,
        fuel_limit: 1,
        output_length_max: 2,
        fee_max: 3,
        deadline: 4,
        nonce: 5,
    };
    let result =
        TaskResult { task: hash, attempt: 0, executor: address, status: 1, code: 0, fuel_used: 9, output: blob };
    let receipt = SoftReceipt { region: hash, task: hash, sequence: 1, time_ms: 2, include_by: 3 };
    let receipt = SignedReceipt { receipt, signature: bytes.clone() };
    let signed = SignedResult { result, signature: bytes.clone() };
    let batch = Batch {
        region: hash,
        number: 0,
        parent: hash,
        first_sequence: 0,
        leaf_root: hash,
        count: 1,
        data_root: hash,
        data_length: 1,
        blob_count: 0,
        as_of: 1,
        min_deadline: 2,
    };
    let (task, reason) = (hash, DeclineReason::Busy);
    let decline = Decline { task, attempt: 0, executor: address, reason, words: String::new() };
    let limits = LimitsView {
        fuel_limit_max: 1,
        output_length_max: 2,
        input_length_max: 3,
        posted_input_length_max: 4,
        fee_min: 5,
        deadline_min: 6,
        deadline_max: 7,
    };
    let status = StatusView {
        version: String::new(),
        chain_id: 1,
        region: hash,
        sequencer: address,
        key: address,
        batches_contract: address,
        l1_block: 1,
        l1_time: 2,
        next_sequence: 3,
        next_batch: 4,
        tasks_queued: 5,
        tasks_running: 6,
        results_unposted: 7,
        executors: 8,
        limits,
    };
    let opening = LeafOpening { batch, index: 0, record: bytes.clone(), siblings: vec![hash] };
    let program = ProgramView {
        program: hash,
        version: 1,
        entry_pc: 2,
        memory_pages: 3,
        memory_pages_max: 4,
        wasm: blob,
        mounts: vec![Mount { region: 1, root: hash }],
        registered_at: None,
    };
    let assignment =
        Assignment { task, attempt: 0, request, client_signature: bytes.clone(), wasm: blob, input: None, lease_ms: 1 };
    let view = TaskView {
        task,
        request,
        client_signature: bytes,
        receipt: receipt.clone(),
        state: TaskState::Queued,
        attempt: 0,
        result: Some(signed.clone()),
        place: Some(place),
        declines: vec![decline.clone()],
    };
    let batch_view = BatchView { batch, hash, posted_at: 1, block: 2, voided_at: None, tasks: vec![hash] };
    let event = TaskEvent { task, state: TaskState::Final, attempt: 0, place: None };
    let session = Session { region: hash, slots_max: 1, lease_ms: 2 };
    macro_rules! written {
        ($($name:literal: $value:expr,)*) => { vec![$(($name, serde_json::to_value(&$value).expect("it is JSON"))),*] };
    }
    written! {
        "Assignment": assignment,
        "Batch": batch,
        "BatchView": batch_view,
        "BlobRef": blob,
        "Decline": decline,
        "LeafOpening": opening,
        "LeafProof": LeafProof { place, chain: vec![opening.clone()] },
        "LimitsView": limits,
        "Mount": Mount { region: 1, root: hash },
        "Place": place,
        "ProgramView": program,
        "Session": session,
        "SignedReceipt": receipt,
        "SignedResult": signed,
        "SoftReceipt": receipt.receipt,
        "StatusView": status,
        "TaskEvent": event,
        "TaskRequest": request,
        "TaskResult": result,
        "TaskView": view,
    }
}

#[test]
fn objects_are_written_as_the_table_says() {
    let written = written();
    assert_eq!(
        written.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        OBJECTS.iter().map(|(name, _)| *name).collect::<Vec<_>>()
    );
    for ((name, value), (_, fields)) in written.iter().zip(OBJECTS) {
        let got: BTreeSet<&str> = value.as_object().expect("it is an object").keys().map(String::as_str).collect();
        assert_eq!(got, fields.iter().map(|(field, _)| *field).collect(), "{name}");
        for (field, kind) in *fields {
            let value = &value[*field];
            if *kind == "Quantity" {
                assert!(value.as_str().is_some_and(|text| text.starts_with("0x")), "{name}.{field}: {value}");
            }
            assert!(!value.is_null() || kind.ends_with('?'), "{name}.{field} may be null");
        }
    }
}

#[test]
fn every_type_is_defined() {
    let known: BTreeSet<&str> =
        PLAIN.iter().map(|(name, _)| *name).chain(OBJECTS.iter().map(|(name, _)| *name)).collect();
    let fields = OBJECTS.iter().flat_map(|(_, fields)| fields.iter().map(|(_, kind)| *kind));
    let params = METHODS.iter().flat_map(|method| method.params.iter().map(|(_, kind, _)| *kind));
    for kind in fields.chain(params).chain(METHODS.iter().map(|method| method.result)) {
        assert!(known.contains(kind.trim_end_matches('?').trim_end_matches("[]")), "{kind}");
    }
}

#[test]
fn the_copy_in_the_specification_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../specs/openrpc.json");
    let fresh = serde_json::to_string_pretty(&document()).expect("it is JSON") + "\n";
    if std::env::var_os("UPDATE_SPECS").is_some() {
        std::fs::write(path, &fresh).expect("it is written");
    }
    let copy = std::fs::read_to_string(path).expect("it is there: UPDATE_SPECS=1 writes it");
    assert!(copy == fresh, "specs/openrpc.json is stale: UPDATE_SPECS=1 cargo test -p assay-sequencer writes it");
}

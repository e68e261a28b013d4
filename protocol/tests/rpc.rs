//! The wire's forms: JSON as another writer would make it, names of blobs, the table of errors.
#![allow(clippy::unwrap_used)]

use assay_protocol::objects::{Place, TaskRequest};
use assay_protocol::rpc::blobs::{self, BlobNameError};
use assay_protocol::rpc::{Decline, DeclineReason, ErrorCode, ErrorData, SignedReceipt, TaskEvent, TaskState};
use assay_protocol::{Address, B256, BLOB_LENGTH_MAX, BlobRef};
use serde_json::json;

/// By hand, after EIP-712's field names and Ethereum's way of writing quantities.
const REQUEST: &str = r#"{
  "client": "0x00000000000000000000000000000000000000c1",
  "region": "0x0101010101010101010101010101010101010101010101010101010101010101",
  "program": "0x0202020202020202020202020202020202020202020202020202020202020202",
  "input": { "root": "0x0303030303030303030303030303030303030303030303030303030303030303", "length": "0x10" },
  "fuelLimit": "0x3fffffff",
  "outputLengthMax": "0x400",
  "feeMax": "0xde0b6b3a7640000",
  "deadline": "0x65f00000",
  "nonce": "0x0"
}"#;

#[test]
fn a_request_is_read_and_written() {
    let request: TaskRequest = serde_json::from_str(REQUEST).unwrap();
    assert_eq!(request.client, Address::with_last_byte(0xc1));
    assert_eq!(request.input, BlobRef { root: B256::repeat_byte(3), length: 16 });
    assert_eq!((request.fuel_limit, request.output_length_max), (0x3fff_ffff, 1024));
    assert_eq!((request.fee_max, request.deadline, request.nonce), (1_000_000_000_000_000_000, 0x65f0_0000, 0));
    let written = serde_json::to_value(request).unwrap();
    assert_eq!(written, serde_json::from_str::<serde_json::Value>(REQUEST).unwrap());
}

#[test]
fn what_is_no_request_is_refused_with_the_cause() {
    let refused = |from: &str, to: &str| {
        assert!(REQUEST.contains(from));
        serde_json::from_str::<TaskRequest>(&REQUEST.replacen(from, to, 1)).unwrap_err().to_string()
    };
    assert!(refused("\"nonce\": \"0x0\"", "\"nonce\": \"zero\"").contains("invalid"));
    let large = refused("0x3fffffff", "0x1ffffffffffffffff");
    assert!(large.contains("8 byte hex string"), "{large}");
    assert!(refused("\"feeMax\"", "\"fee\"").contains("missing field `feeMax`"));
    assert!(refused("00c1\"", "c1\"").contains("invalid"));
}

#[test]
fn states_and_reasons_are_camel_case() {
    let event = TaskEvent {
        task: B256::ZERO,
        state: TaskState::Executed,
        attempt: 1,
        place: Some(Place { batch: 2, index: 3 }),
    };
    let written = serde_json::to_value(event).unwrap();
    let zero = B256::ZERO.to_string();
    let wanted =
        json!({ "task": zero, "state": "executed", "attempt": "0x1", "place": { "batch": "0x2", "index": "0x3" } });
    assert_eq!(written, wanted);
    assert_eq!(serde_json::to_value(DeclineReason::WallClock).unwrap(), json!("wallClock"));
    let over = [TaskState::Expired, TaskState::Attested, TaskState::Final];
    assert!(over.into_iter().all(TaskState::is_over) && !TaskState::Challenged.is_over());
}

#[test]
fn fields_that_are_not_known_are_skipped() {
    let with_more = json!({
        "task": B256::ZERO, "attempt": "0x0", "executor": Address::ZERO, "reason": "busy", "words": "", "mood": "good"
    });
    assert_eq!(serde_json::from_value::<Decline>(with_more).unwrap().reason, DeclineReason::Busy);
    assert!(serde_json::from_value::<SignedReceipt>(json!({ "signature": "0x" })).is_err());
}

#[test]
fn blobs_have_one_name() {
    let blob = BlobRef { root: B256::repeat_byte(0xab), length: 1 << 20 };
    let name = blobs::name(&blob);
    assert_eq!(name, format!("{}-1048576", "ab".repeat(32)));
    assert_eq!(blobs::parse(&name), Ok(blob));
    assert_eq!(blobs::parse(&format!("0x{name}")), Ok(blob));
    assert_eq!(blobs::path(&blob), format!("/v1/blobs/{name}"));
    let root = "ab".repeat(32);
    for wrong in [
        "",
        "-",
        "ab-1",
        &root,
        &format!("{root}-"),
        &format!("{root}-+1"),
        &format!("{root}-1 "),
        &format!("{root}-007"),
        "é-1",
    ] {
        assert_eq!(blobs::parse(wrong), Err(BlobNameError::Form), "{wrong}");
    }
    let got = BLOB_LENGTH_MAX + 1;
    let too_long = BlobNameError::TooLong { got, most: BLOB_LENGTH_MAX };
    assert_eq!(blobs::parse(&format!("{root}-{got}")), Err(too_long));
}

#[test]
fn error_codes_and_names_are_distinct() {
    for (index, code) in ErrorCode::ALL.iter().enumerate() {
        assert_eq!(code.name().parse(), Ok(*code));
        assert!((-39_999..=-39_000).contains(&code.code()), "{code:?}");
        let before = index.checked_sub(1).map(|before| ErrorCode::ALL[before].code());
        assert!(before.is_none_or(|before| before > code.code()), "{code:?} is out of order");
        let data: ErrorData = (*code).into();
        assert_eq!((data.code.as_str(), data.retryable), (code.name(), code.is_retryable()));
    }
    assert!("NO_SUCH".parse::<ErrorCode>().unwrap_err().to_string().contains("NO_SUCH"));
}

//! Hashes and signatures against `specs/vectors/eip712.json`, which another implementation of EIP-712 wrote.
#![allow(clippy::unwrap_used)]

mod vectors;

use assay_protocol::objects::{
    Batch, Domain, ExecutorSession, KeyConsent, Role, SoftReceipt, TaskRequest, TaskResult, TypedData, region_id,
};
use assay_protocol::signature::{Signature, SignatureError, recover};
use assay_protocol::{Address, B256};
use vectors::{Value, address, blob, bytes, hash, header, list, number, text};

fn eip712() -> Value {
    serde_json::from_str(include_str!("../../specs/vectors/eip712.json")).unwrap()
}

fn domain(value: &Value) -> Domain {
    Domain { chain_id: number(value, "chainId"), contract: address(value, "verifyingContract") }
}

fn request(m: &Value) -> TaskRequest {
    TaskRequest {
        client: address(m, "client"),
        region: hash(m, "region"),
        program: hash(m, "program"),
        input: blob(&m["input"]),
        fuel_limit: number(m, "fuelLimit"),
        output_length_max: number(m, "outputLengthMax"),
        fee_max: number(m, "feeMax"),
        deadline: number(m, "deadline"),
        nonce: number(m, "nonce"),
    }
}

fn result(m: &Value) -> TaskResult {
    TaskResult {
        task: hash(m, "task"),
        attempt: number(m, "attempt"),
        executor: address(m, "executor"),
        status: number(m, "status"),
        code: number(m, "code"),
        fuel_used: number(m, "fuelUsed"),
        output: blob(&m["output"]),
    }
}

fn receipt(m: &Value) -> SoftReceipt {
    SoftReceipt {
        region: hash(m, "region"),
        task: hash(m, "task"),
        sequence: number(m, "sequence"),
        time_ms: number(m, "timeMs"),
        include_by: number(m, "includeBy"),
    }
}

/// Struct hash and digest of an object, if there is an object of these values at all.
fn hashes(kind: &str, m: &Value, domain: &Domain) -> Option<(B256, B256)> {
    fn of<T: TypedData>(object: &T, domain: &Domain) -> Option<(B256, B256)> {
        Some((object.struct_hash(), object.digest(domain)))
    }
    match kind {
        "TaskRequest" => of(&request(m), domain),
        "TaskResult" => of(&result(m), domain),
        "SoftReceipt" => of(&receipt(m), domain),
        "Batch" => of(&header(m), domain),
        "KeyConsent" => {
            let role = match number::<u8>(m, "role") {
                0 => Role::Executor,
                1 => Role::Sequencer,
                _ => return None,
            };
            of(&KeyConsent { role, owner: address(m, "owner") }, domain)
        }
        "ExecutorSession" => {
            let session = ExecutorSession {
                region: hash(m, "region"),
                executor: address(m, "executor"),
                nonce: hash(m, "nonce"),
            };
            of(&session, domain)
        }
        _ => panic!("no object {kind}"),
    }
}

#[test]
fn types_are_those_of_the_vectors() {
    let ours = [
        TaskRequest::type_string(),
        TaskResult::type_string(),
        SoftReceipt::type_string(),
        Batch::type_string(),
        KeyConsent::type_string(),
        ExecutorSession::type_string(),
    ];
    let vectors = eip712();
    let theirs: Vec<&str> = list(&vectors, "types").iter().map(|row| text(row, "type")).collect();
    assert_eq!(ours.as_slice(), theirs);
}

#[test]
fn separators_are_those_of_the_vectors() {
    for row in list(&eip712(), "domains") {
        assert_eq!(domain(row).separator(), hash(row, "separator"), "{row}");
    }
}

#[test]
fn hashes_and_signers_are_those_of_the_vectors() {
    let mut objects = 0;
    for row in list(&eip712(), "objects") {
        let digest = hash(row, "digest");
        let bytes = bytes(row, "signature");
        assert_eq!(recover(&bytes, &digest), Ok(address(row, "signer")), "{row}");
        assert_eq!(Signature::parse(&bytes).unwrap().to_bytes().as_slice(), bytes);
        if let Some(hashes) = hashes(text(row, "type"), &row["message"], &domain(row)) {
            assert_eq!(hashes, (hash(row, "structHash"), digest), "{row}");
            objects += 1;
        }
    }
    // Five of each kind, but for consents in roles that there are not.
    assert!(objects > 20, "{objects} objects");
}

#[test]
fn signatures_are_bound_to_chain_and_contract() {
    let vectors = eip712();
    let row = list(&vectors, "objects").iter().find(|row| text(row, "type") == "TaskRequest").unwrap();
    let (bytes, good) = (bytes(row, "signature"), domain(row));
    let others =
        [Domain { chain_id: good.chain_id + 1, ..good }, Domain { contract: Address::with_last_byte(9), ..good }];
    for other in others {
        let signer = recover(&bytes, &request(&row["message"]).id(&other));
        assert_ne!(signer, Ok(address(row, "signer")), "{other:?}");
    }
}

#[test]
fn bad_signatures_are_refused_with_the_cause() {
    let mut seen = Vec::new();
    for row in list(&eip712(), "refused") {
        let cause = match recover(&bytes(row, "signature"), &hash(row, "digest")).unwrap_err() {
            SignatureError::Length { .. } => "length",
            SignatureError::V { .. } => "v",
            SignatureError::HighS { .. } => "high s",
            SignatureError::Unrecoverable => "unrecoverable",
        };
        assert_eq!(cause, text(row, "error"), "{row}");
        seen.push(cause);
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, ["high s", "length", "unrecoverable", "v"]);
}

#[test]
fn regions_are_those_of_the_vectors() {
    for row in list(&eip712(), "regions") {
        let id = region_id(number(row, "chainId"), address(row, "batches"), address(row, "owner"), hash(row, "name"));
        assert_eq!(id, hash(row, "region"), "{row}");
    }
}

//! Calls that are nearly right, by the thousand: each gets an answer with a code, and good ones in between are served.
#![allow(clippy::unwrap_used)]

mod stage;

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, Bytes, U64};
use assay_protocol::objects::TaskResult;
use assay_protocol::rpc::{Decline, DeclineReason, ErrorCode, SignedResult, methods};
use serde_json::{Value, json};
use stage::raw::{address, socket_from};
use stage::{CLIENT, Client, Stage, wallet, wasm};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Where the numbers begin: another seed, other calls.
const SEED: u64 = 0x5eed_0017;
const CALLS: usize = 4000;
/// A good call follows each so many.
const GOOD_EVERY: usize = 200;

/// Splitmix64.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn one_of<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }
}

/// What is put where something else was.
const TOKENS: [&str; 24] = [
    "null",
    "true",
    "-1",
    "0",
    "1e400",
    "18446744073709551616",
    "0.5",
    "\"\"",
    "\"0x\"",
    "\"0x0\"",
    "\"0x00\"",
    "\"0xffffffffffffffffffffffffffffffffff\"",
    "\"0xg\"",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "[]",
    "{}",
    "[[[[[[[[[[[[[[[[",
    "{\"root\":\"0x\",\"length\":\"0x1\"}",
    "\"receipts\"",
    "\"assay_getTask\"",
    ",",
    "\"",
    "}",
];

/// Bytes that were a call.
fn mutated(numbers: &mut Numbers, calls: &[Value]) -> Vec<u8> {
    let mut call = calls[numbers.below(calls.len())].clone();
    if numbers.below(4) == 0 {
        call["params"] = calls[numbers.below(calls.len())]["params"].clone();
    }
    if numbers.below(4) == 0 {
        call["method"] = calls[numbers.below(calls.len())]["method"].clone();
    }
    let mut bytes = call.to_string().into_bytes();
    for _ in 0..=numbers.below(3) {
        let (at, length) = (numbers.below(bytes.len()), numbers.below(24));
        let end = (at + length).min(bytes.len());
        match numbers.below(6) {
            0 if !bytes.is_empty() => bytes[at] = numbers.next() as u8,
            1 if !bytes.is_empty() => bytes[at] ^= 1 << numbers.below(8),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            4 => {
                let token = numbers.one_of(&TOKENS);
                bytes.splice(at..at, token.bytes());
            }
            _ => {
                // A value for a value: from behind a colon, a comma or a bracket to the next.
                let is_edge = |byte: &u8| b":,[]{}".contains(byte);
                let from = bytes.iter().skip(at).position(is_edge).map_or(bytes.len(), |edge| at + edge + 1);
                let to = bytes.iter().skip(from).position(is_edge).map_or(bytes.len(), |edge| from + edge);
                let token = numbers.one_of(&TOKENS);
                bytes.splice(from..to, token.bytes());
            }
        }
    }
    if numbers.below(20) == 0 {
        bytes = [b"[".as_slice(), &bytes, b",", &bytes, b"]"].concat();
    }
    bytes
}

/// A good call of every method, but for those whose tasks and results are nowhere.
fn calls(client: &Client, program: B256) -> Vec<Value> {
    let (request, signature) = client.request(program, b"input", 0);
    let hash = B256::repeat_byte(7);
    let result = TaskResult {
        task: hash,
        attempt: 0,
        executor: Address::ZERO,
        status: 1,
        code: 0,
        fuel_used: 1,
        output: request.input,
    };
    let signed = SignedResult { result, signature: signature.clone() };
    let (reason, words) = (DeclineReason::Busy, "no".to_owned());
    let decline = Decline { task: hash, attempt: 0, executor: Address::ZERO, reason, words };
    let call = |method: &str, params: Value| json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    vec![
        call(methods::SUBMIT_TASK, json!([request, signature, Bytes::from_static(b"input")])),
        call(methods::GET_TASK, json!([request.id(&client.domain)])),
        call(methods::GET_RESULT, json!([hash])),
        call(methods::REGISTER_PROGRAM, json!([Bytes::from(wasm()[..200].to_vec())])),
        call(methods::REGISTER_PROGRAM, json!([request.input])),
        call(methods::GET_PROGRAM, json!([program])),
        call(methods::GET_BATCH, json!([U64::from(0)])),
        call(methods::GET_PROOF, json!([request.id(&client.domain)])),
        call(methods::STATUS, json!([])),
        call(methods::SUBSCRIBE, json!(["receipts", Address::ZERO])),
        call(methods::UNSUBSCRIBE, json!(["0x1"])),
        call(methods::EXECUTOR_HELLO, json!([Address::ZERO, Address::ZERO])),
        call(methods::EXECUTOR_AUTHENTICATE, json!([signature])),
        call(methods::EXECUTOR_SUBSCRIBE, json!([U64::from(1)])),
        call(methods::EXECUTOR_RENEW, json!([hash, U64::from(0)])),
        call(methods::EXECUTOR_SUBMIT, json!([signed, Bytes::from_static(b"output")])),
        call(methods::EXECUTOR_DECLINE, json!([decline])),
        call("eth_chainId", json!([])),
        call("rpc.discover", json!([])),
    ]
}

/// One call over a connection that stays: status and body.
async fn ask(stream: &mut TcpStream, body: &[u8]) -> (String, Vec<u8>) {
    let head = format!(
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
    let (mut answer, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
            if answer.len() >= end + 4 + length {
                let status = head.lines().next().unwrap().to_owned();
                return (status, answer[end + 4..].to_vec());
            }
        }
        let read = stream.read(&mut piece).await.unwrap();
        assert!(read > 0, "the connection ended: {}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&piece[..read]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_are_nearly_right_are_answered_with_a_code() {
    let Some(stage) = Stage::open().await else { return };
    let directory = tempfile::tempdir().unwrap();
    let mut config = stage.config(directory.path());
    config.limits.registrations_per_address = u32::MAX;
    config.limits.batch_length_max = 8;
    let running = stage.sequencer(config).await;
    let client = Client::new(&running.url(), wallet(CLIENT), stage.domain).await;
    let program = client.register(&wasm()).await.program;
    let calls = calls(&client, program);
    let known: BTreeSet<i64> = ErrorCode::ALL.iter().map(|code| i64::from(code.code())).collect();
    let of_json_rpc = [-32700, -32600, -32601, -32602];
    let (mut numbers, mut seen) = (Numbers(SEED), BTreeSet::new());
    let mut stream = socket_from(address(1), running.sequencer.rpc).await;
    for index in 0..CALLS {
        let body = mutated(&mut numbers, &calls);
        let (status, answer) = ask(&mut stream, &body).await;
        let told = || {
            let (body, answer) = (String::from_utf8_lossy(&body), String::from_utf8_lossy(&answer));
            format!("call {index} of seed {SEED:#x}: {body}\n{status}: {answer}")
        };
        // What does not even begin as a call is a bad request of HTTP too; what is wrong with it is told all the same.
        let is_bad_request = status.contains(" 400 ") && answer.windows(6).any(|window| window == b"-32700");
        assert!(status.contains(" 200 ") || is_bad_request, "{}", told());
        // A call without an id wants no answer, and has none, or null.
        if !answer.is_empty() && answer != b"null" {
            let answer: Value = serde_json::from_slice(&answer).unwrap_or_else(|error| panic!("{error}: {}", told()));
            let answers = answer.as_array().cloned().unwrap_or_else(|| vec![answer.clone()]);
            assert!(!answers.is_empty(), "{}", told());
            for answer in answers {
                let Some(error) = answer.get("error") else {
                    assert!(answer.get("result").is_some(), "{}", told());
                    continue;
                };
                let code = error["code"].as_i64().unwrap_or_else(|| panic!("{}", told()));
                assert!(known.contains(&code) || of_json_rpc.contains(&code), "{}", told());
                if known.contains(&code) {
                    assert!(error["data"]["code"].is_string(), "{}", told());
                }
                seen.insert(code);
            }
        }
        if index % GOOD_EVERY == 0 {
            client.job(program, b"a good call", 1 + index as u64).await;
        }
    }
    println!("codes of {CALLS} calls: {seen:?}");
    for code in of_json_rpc.into_iter().chain([ErrorCode::InvalidSignature.code().into()]) {
        assert!(seen.contains(&code), "{code} was never met: {seen:?}");
    }
    running.stop().await;
}

//! What is read from strangers, with inputs that are nearly right: court events, evidence of faults, signatures and deployment
//! files. The properties are those that libFuzzer drives (`fuzz/properties`); here they meet a few thousand inputs from a seed.
#![allow(clippy::unwrap_used)]

#[path = "../../fuzz/properties/board.rs"]
mod board;
#[path = "../../fuzz/properties/deployment.rs"]
mod deployment;
#[path = "../../fuzz/properties/evidence.rs"]
mod evidence;
#[path = "../../fuzz/properties/signature.rs"]
mod signature;

use alloy_sol_types::{SolEvent, SolValue};
use assay_dispute::game::DissectionTree;
use assay_dispute::player::{Board, BoardError};
use assay_protocol::contracts::Court::{Challenge, Committed, Dissected, Position, Settled};
use assay_protocol::data::parse_record;
use assay_protocol::objects::Domain;
use assay_protocol::{Address, B256, keccak256};
use revm::primitives::{Bytes, Log, LogData, U256};
use serde_json::Value;

/// Larger data takes long to hash and shows no more.
const DATA_BYTES_MAX: usize = 20_000;
const DEPLOYMENT: &str = r#"{ "version": 1, "chainId": 31337, "preset": "devnet",
  "treasury": "0x0000000000000000000000000000000000000007", "firstBlock": 12,
  "contracts": {
    "stepVerifier": "0x0000000000000000000000000000000000000001",
    "bonds": "0x0000000000000000000000000000000000000002",
    "programs": "0x0000000000000000000000000000000000000003",
    "batches": "0x0000000000000000000000000000000000000004",
    "faults": "0x0000000000000000000000000000000000000005",
    "court": "0x0000000000000000000000000000000000000006" } }"#;

/// Numbers from a seed (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % end.max(1)
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.below(256) as u8).collect()
    }

    /// One of the seeds, with up to four things changed; unchanged if there are none.
    fn mutated(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut input = seeds[self.below(seeds.len())].clone();
        for _ in 0..self.below(5) {
            let at = self.below(input.len());
            let length = self.below(40).min(input.len() - at);
            match self.below(7) {
                0 if !input.is_empty() => input[at] ^= 1 << self.below(8),
                1 if !input.is_empty() => input[at] = [0, 1, 127, 128, 255][self.below(5)],
                2 => drop(input.drain(at..at + length)),
                3 => input.truncate(at),
                4 => {
                    let fresh = self.bytes(length);
                    drop(input.splice(at..at, fresh));
                }
                5 => {
                    let again = input[at..at + length].to_vec();
                    let to = self.below(input.len());
                    drop(input.splice(to..to, again));
                }
                _ => {
                    let other = &seeds[self.below(seeds.len())];
                    let from = self.below(other.len()).min(other.len());
                    let taken = &other[from..(from + length).min(other.len())];
                    drop(input.splice(at..at + length, taken.iter().copied()));
                }
            }
        }
        input
    }
}

fn unhex(value: &Value) -> Vec<u8> {
    hex::decode(&value.as_str().unwrap()[2..]).unwrap()
}

fn number(value: &Value) -> u64 {
    value.as_str().unwrap().parse().unwrap()
}

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../specs/vectors/batch.json")).unwrap()
}

/// Batches of the vectors: counts of records and blobs, and their data.
fn batches(vectors: &Value) -> Vec<(u8, u8, Vec<u8>)> {
    let rows = ["cases", "accused"].map(|name| vectors[name].as_array().unwrap());
    let read = |row: &Value| {
        let count = |name: &str| number(&row["header"][name]) as u8;
        (count("count"), count("blobCount"), unhex(&row["data"]))
    };
    rows.into_iter().flatten().map(read).filter(|(_, _, data)| data.len() <= DATA_BYTES_MAX).collect()
}

#[test]
fn boards_take_any_logs() {
    let mut chance = Chance(1);
    let mut taken = 0;
    for _ in 0..3_000 {
        let length = chance.below(600);
        taken += board::board(&chance.bytes(length));
    }
    println!("{taken} logs were taken");
    assert!(taken > 10_000, "only {taken} logs were taken");
}

#[test]
fn whatever_is_wrong_with_a_batch_has_its_proof() {
    let mut chance = Chance(2);
    let seed = |(count, blobs, data): (u8, u8, Vec<u8>)| [vec![count, blobs, 2], data].concat();
    let seeds: Vec<Vec<u8>> = batches(&vectors()).into_iter().map(seed).collect();
    let proven: usize = (0..3_000).map(|_| evidence::evidence(&chance.mutated(&seeds))).sum();
    println!("{proven} faults were proven");
    assert!(proven > 10_000, "only {proven} faults were proven");
}

#[test]
fn signatures_are_whose_they_are_or_refused() {
    let vectors = vectors();
    let contract: Address = vectors["batches"].as_str().unwrap().parse().unwrap();
    let domain = Domain { chain_id: number(&vectors["chainId"]), contract };
    let region: B256 = vectors["region"].as_str().unwrap().parse().unwrap();
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    for (count, _, data) in batches(&vectors) {
        for record in data.chunks_exact(393).take(usize::from(count)) {
            let claim = parse_record(record.try_into().unwrap(), region, &domain);
            seeds.push([claim.result.task.as_slice(), &claim.client_signature].concat());
        }
    }
    assert!(seeds.iter().filter(|seed| signature::signature(seed)).count() > seeds.len() / 2, "most are signatures");
    let mut chance = Chance(3);
    let signed = (0..3_000).filter(|_| signature::signature(&chance.mutated(&seeds))).count();
    println!("{signed} of 3000 are signatures");
    assert!((500..2_900).contains(&signed), "{signed} of 3000 are signatures");
}

#[test]
fn deployment_files_are_sound_or_refused() {
    let seeds = [DEPLOYMENT.as_bytes().to_vec(), DEPLOYMENT.replace("\"court\"", "\"faults\"").into_bytes()];
    let mut chance = Chance(4);
    let read = (0..5_000).filter(|_| deployment::deployment(&chance.mutated(&seeds))).count();
    println!("{read} of 5000 are deployments");
    assert!((300..3_000).contains(&read), "{read} of 5000 are deployments");
}

/// What the court can't have emitted, each with its error.
#[test]
fn boards_refuse_what_no_court_emits() {
    let court = Address::repeat_byte(1);
    let challenge = Challenge {
        challenger: Address::ZERO,
        batchHash: B256::ZERO,
        index: 0,
        leaf: B256::ZERO,
        commitment: B256::ZERO,
        bond: U256::ZERO,
        isStay: false,
        expiry: 100,
    };
    let (game, claim, executor, record) = (B256::ZERO, B256::ZERO, Address::ZERO, Bytes::new());
    let told = |start: u64, length_log2: u8, phase: u8, count: usize| {
        let hashes = vec![B256::ZERO; count];
        let root = if count.is_power_of_two() { DissectionTree::new(&hashes).root() } else { B256::ZERO };
        let (previous, start_state) = (B256::ZERO, B256::ZERO);
        let position = Position { previous, start, lengthLog2: length_log2, version: 1, startState: start_state, root };
        let state = keccak256(position.abi_encode());
        Dissected { game, state, phase, expiry: 100, otherLeft: 9, position, hashes }
    };
    let log = |event: &Dissected| Log { address: court, data: event.encode_log_data() };
    let dissected = |start, length_log2, phase, count| log(&told(start, length_log2, phase, count));
    let committed = Committed { game, claim, executor, challenge, record }.encode_log_data();
    let mut board = Board::new(court);
    board.apply(1, 10, &Log { address: court, data: committed }).unwrap();
    let refused = |log: &Log| board.clone().apply(1, 11, log).unwrap_err();
    let noise = Log { address: court, data: LogData::new_unchecked(vec![B256::ZERO], Bytes::new()) };
    assert!(matches!(refused(&noise), BoardError::Log(_)));
    let unknown =
        Settled { game: B256::repeat_byte(9), challenger: Address::ZERO, bond: U256::ZERO, reward: U256::ZERO };
    let unknown = Log { address: court, data: unknown.encode_log_data() };
    assert!(matches!(refused(&unknown), BoardError::UnknownGame { .. }));
    assert!(matches!(refused(&dissected(0, 8, 4, 64)), BoardError::Phase { got: 4, .. }));
    assert!(matches!(refused(&dissected(0, 8, 2, 63)), BoardError::Dissection { .. }));
    // The longest run has 2^40 steps.
    for (start, length_log2) in [(0, 41), (1, 40), (0, 64), (0, 255), (u64::MAX, 0)] {
        let refused = refused(&dissected(start, length_log2, 2, 1 << length_log2.min(6)));
        assert!(matches!(refused, BoardError::Segment { .. }), "{refused}");
    }
    // A node that tells of another hash than the court has, or of another position.
    let mut garbled = told(0, 40, 2, 64);
    garbled.hashes[63] = B256::repeat_byte(1);
    assert!(matches!(refused(&log(&garbled)), BoardError::Root { .. }));
    let mut garbled = told(0, 40, 2, 64);
    garbled.position.startState = B256::repeat_byte(1);
    assert!(matches!(refused(&log(&garbled)), BoardError::State { .. }));
    board.apply(1, 11, &dissected(0, 40, 2, 64)).unwrap();
    board.apply(1, 12, &dissected((1 << 40) - 1, 0, 3, 1)).unwrap();
}

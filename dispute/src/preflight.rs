//! Preflight: the contracts' bytecode, run in a local EVM on the very call that would be sent.
//!
//! Here the step verifier alone, on a witness; [`CourtPreflight`] has the court, for moves. Owns a database with one contract in it. It never talks to a network. Gas is that of execution alone: what the
//! contract burns, without the transaction's base cost and its calldata.

mod court;

use alloy_sol_types::{Panic, SolCall, SolError};
use assay_machine::record::Record;
use assay_protocol::B256;
use assay_protocol::contracts::{StepVerifier, errors};
use revm::context::TxEnv;
use revm::context::result::{ExecutionResult, Output};
use revm::database::InMemoryDB;
use revm::primitives::hardfork::SpecId;
use revm::primitives::{Address, Bytes, TxKind, address};
use revm::state::{AccountInfo, Bytecode};
use revm::{Context, ExecuteEvm, MainBuilder, MainContext};
use thiserror::Error;

pub use court::CourtPreflight;

/// Where the verifier lies in the local EVM.
const VERIFIER: Address = address!("00000000000000000000000000000000000a55a1");
/// Gas of a call: what one transaction may use on L1 today, since EIP-7825.
const GAS_LIMIT: u64 = 1 << 24;
/// Every transaction's base cost, and what calldata adds before EIP-7623's floor.
const TRANSACTION_GAS: u64 = 21_000;
const CALLDATA_ZERO_GAS: u64 = 4;
const CALLDATA_GAS: u64 = 16;

/// What the contract made of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The next record.
    pub next: Record,
    /// Gas of the execution.
    pub gas: u64,
    /// Bytes of calldata.
    pub calldata_bytes: usize,
}

/// Why a contract does not do what it was asked for.
#[derive(Debug, Error)]
pub enum PreflightError {
    /// The contract reverted.
    #[error("the contract refused: {0}")]
    Refused(String),
    /// The contract ran out of gas or broke; it never should, whatever it is sent.
    #[error("the contract halted: {0}")]
    Halted(String),
    /// The local EVM failed.
    #[error("the local EVM failed: {0}")]
    Evm(String),
    /// The contract answered with something else than a record.
    #[error("the contract's answer can't be decoded: {0}")]
    Answer(#[from] alloy_sol_types::Error),
}

/// A local EVM that holds the verifier.
pub struct Preflight {
    database: InMemoryDB,
}

impl Default for Preflight {
    fn default() -> Self {
        Self::new()
    }
}

impl Preflight {
    /// An EVM with the verifier that this build was made with.
    pub fn new() -> Self {
        let mut database = InMemoryDB::default();
        let code = Bytecode::new_raw(StepVerifier::DEPLOYED_BYTECODE.clone());
        database.insert_account_info(VERIFIER, AccountInfo::default().with_code(code));
        Self { database }
    }

    /// Bytes of the deployed verifier.
    pub fn verifier_bytes() -> usize {
        StepVerifier::DEPLOYED_BYTECODE.len()
    }

    /// Calls the verifier with a record and a witness.
    ///
    /// # Errors
    /// [`PreflightError::Refused`] with the contract's own error if the witness is bad.
    pub fn step(&mut self, record: &Record, witness: &[u8]) -> Result<Verified, PreflightError> {
        let bytes = record.to_bytes();
        let call = StepVerifier::stepCall {
            head: B256::from_slice(&bytes[..32]),
            memoryRoot: record.memory_root,
            witness: Bytes::copy_from_slice(witness),
        };
        let data = call.abi_encode();
        let result = self.call(&data)?;
        let calldata_gas: u64 = data.iter().map(|byte| if *byte == 0 { CALLDATA_ZERO_GAS } else { CALLDATA_GAS }).sum();
        match result {
            ExecutionResult::Success { output: Output::Call(output), gas, .. } => {
                let answer = StepVerifier::stepCall::abi_decode_returns_validate(&output)?;
                let mut next = [0; Record::SIZE];
                next[..32].copy_from_slice(answer.nextHead.as_slice());
                next[32..].copy_from_slice(answer.nextMemoryRoot.as_slice());
                let gas = gas.tx_gas_used() - TRANSACTION_GAS - calldata_gas;
                Ok(Verified { next: Record::from_bytes(&next), gas, calldata_bytes: data.len() })
            }
            ExecutionResult::Revert { output, .. } => Err(PreflightError::Refused(reason(&output))),
            other => Err(PreflightError::Halted(format!("{other:?}"))),
        }
    }

    fn call(&mut self, data: &[u8]) -> Result<ExecutionResult, PreflightError> {
        // Cancun: the rules that the contract is compiled for, and no floor that would hide the execution's gas.
        let context = Context::mainnet()
            .with_db(&mut self.database)
            .modify_cfg_chained(|cfg| cfg.set_spec_and_mainnet_gas_params(SpecId::CANCUN));
        let transaction = TxEnv::builder()
            .kind(TxKind::Call(VERIFIER))
            .data(Bytes::copy_from_slice(data))
            .gas_limit(GAS_LIMIT)
            .build()
            .map_err(|error| PreflightError::Evm(format!("{error:?}")))?;
        let result = context.build_mainnet().transact(transaction);
        Ok(result.map_err(|error| PreflightError::Evm(format!("{error:?}")))?.result)
    }
}

/// Why a contract reverted: its error by name with what it says, or else the bytes.
fn reason(output: &[u8]) -> String {
    let panic = || Panic::abi_decode(output).ok().map(|panic| panic.to_string());
    errors::words(output).or_else(panic).unwrap_or_else(|| Bytes::copy_from_slice(output).to_string())
}

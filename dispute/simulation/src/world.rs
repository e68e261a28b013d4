//! A chain of one node: contracts run in a local EVM, blocks and their times are what the test says.
//!
//! Owns the state, the clock and the logs. One transaction makes one block unless a block is held open. Nothing here knows
//! what the contracts mean.

use alloy_sol_types::SolCall;
use revm::context::result::{ExecutionResult, Output};
use revm::context::{BlockEnv, TxEnv};
use revm::database::InMemoryDB;
use revm::primitives::hardfork::SpecId;
use revm::primitives::{Address, Bytes, Log, TxKind, U256};
use revm::state::{AccountInfo, Bytecode};
use revm::{Context, Database, ExecuteCommitEvm, ExecuteEvm, MainBuilder, MainContext};
use thiserror::Error;

/// The chain id of simulated chains.
pub const CHAIN_ID: u64 = 31_337;
/// Gas of a transaction: what one may use on L1 since EIP-7825.
pub const GAS_LIMIT: u64 = 1 << 24;

/// A transaction that was executed.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// Gas that its sender paid, refunds taken off and the floor for calldata (EIP-7623) kept.
    pub gas: u64,
    /// What it returned.
    pub output: Bytes,
    /// What it emitted.
    pub logs: Vec<Log>,
    /// The address it created, if it created one.
    pub created: Option<Address>,
}

/// A transaction that changed nothing.
#[derive(Clone, Debug, Error)]
pub enum Failure {
    /// The contract reverted with these bytes.
    #[error("reverted with {output}")]
    Reverted {
        /// Gas that its sender paid.
        gas: u64,
        /// The error, ABI-encoded.
        output: Bytes,
    },
    /// It ran out of gas or broke.
    #[error("halted: {0}")]
    Halted(String),
    /// The chain does not take it.
    #[error("refused: {0}")]
    Refused(String),
}

/// A transaction of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Who pays.
    pub from: Address,
    /// What is called; none creates a contract.
    pub to: Option<Address>,
    /// Wei that go along.
    pub value: U256,
    /// The call.
    pub data: Bytes,
    /// Gas that its sender paid.
    pub gas: u64,
    /// Wei that its sender paid for the gas.
    pub cost: U256,
    /// Whether it changed anything.
    pub is_taken: bool,
    /// What it emitted, in order.
    pub logs: Vec<Log>,
}

/// A block: its number, time and transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Height.
    pub number: u64,
    /// L1 time in seconds.
    pub time: u64,
    /// Wei for a unit of gas.
    pub base_fee: u64,
    /// In order, those that reverted too.
    pub transactions: Vec<Transaction>,
}

impl Block {
    /// What its transactions emitted, in order.
    pub fn logs(&self) -> impl Iterator<Item = &Log> {
        self.transactions.iter().flat_map(|transaction| &transaction.logs)
    }
}

/// The chain.
#[derive(Clone)]
pub struct World {
    database: InMemoryDB,
    blocks: Vec<Block>,
    is_open: bool,
}

impl World {
    /// A chain with one empty block at a time.
    #[must_use]
    pub fn new(time: u64, base_fee: u64) -> Self {
        let genesis = Block { number: 0, time, base_fee, transactions: Vec::new() };
        Self { database: InMemoryDB::default(), blocks: vec![genesis], is_open: false }
    }

    /// Gives an account money.
    pub fn fund(&mut self, account: Address, wei: U256) {
        let mut info = self.account(account);
        info.balance += wei;
        self.database.insert_account_info(account, info);
    }

    /// Puts a contract at an address.
    pub fn install(&mut self, account: Address, code: &[u8]) {
        let code = Bytecode::new_raw(Bytes::copy_from_slice(code));
        self.database.insert_account_info(account, AccountInfo::default().with_code(code));
    }

    /// An account's money in wei.
    pub fn balance(&mut self, account: Address) -> U256 {
        self.account(account).balance
    }

    /// The number of transactions that an account has sent.
    pub fn nonce(&mut self, account: Address) -> u64 {
        self.account(account).nonce
    }

    /// The newest block.
    #[must_use]
    pub fn head(&self) -> &Block {
        &self.blocks[self.blocks.len() - 1]
    }

    /// All blocks, oldest first.
    #[must_use]
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// Changes the price of gas, in the newest block and from there on.
    pub fn set_base_fee(&mut self, wei: u64) {
        let head = self.blocks.len() - 1;
        self.blocks[head].base_fee = wei;
    }

    /// Seals the open block and opens one that is `seconds` later; transactions go into it until the next call.
    pub fn advance(&mut self, seconds: u64) {
        let Block { number, time, base_fee, .. } = *self.head();
        self.blocks.push(Block { number: number + 1, time: time + seconds, base_fee, transactions: Vec::new() });
        self.is_open = true;
    }

    /// Sends a transaction into the open block, at the base fee.
    ///
    /// # Errors
    /// [`Failure`]: nothing has changed but the sender's nonce and gas.
    pub fn send(&mut self, from: Address, to: TxKind, value: U256, data: Bytes) -> Result<Receipt, Failure> {
        if !self.is_open {
            self.advance(1);
        }
        let nonce = self.nonce(from);
        let sent = Transaction {
            from,
            to: to.to().copied(),
            value,
            data: data.clone(),
            gas: 0,
            cost: U256::ZERO,
            is_taken: false,
            logs: Vec::new(),
        };
        let transaction = TxEnv::builder()
            .caller(from)
            .kind(to)
            .value(value)
            .data(data)
            .nonce(nonce)
            .chain_id(Some(CHAIN_ID))
            .gas_price(u128::from(self.head().base_fee))
            .gas_limit(GAS_LIMIT)
            .build()
            .map_err(|error| Failure::Refused(format!("{error:?}")))?;
        let block = self.environment();
        let result = context(&mut self.database, block).build_mainnet().transact_commit(transaction);
        let result = result.map_err(|error| Failure::Refused(format!("{error:?}")))?;
        let gas = result.tx_gas_used();
        let cost = U256::from(gas) * U256::from(self.head().base_fee);
        let head = self.blocks.len() - 1;
        let (is_taken, logs) = (result.is_success(), result.logs().to_vec());
        self.blocks[head].transactions.push(Transaction { gas, cost, is_taken, logs, ..sent });
        match result {
            ExecutionResult::Success { gas, logs, output, .. } => {
                let (output, created) = match output {
                    Output::Call(output) => (output, None),
                    Output::Create(output, created) => (output, created),
                };
                Ok(Receipt { gas: gas.tx_gas_used(), output, logs, created })
            }
            ExecutionResult::Revert { gas, output, .. } => Err(Failure::Reverted { gas: gas.tx_gas_used(), output }),
            other => Err(Failure::Halted(format!("{other:?}"))),
        }
    }

    /// Sends a call of a contract.
    ///
    /// # Errors
    /// As [`World::send`].
    pub fn call<C: SolCall>(&mut self, from: Address, to: Address, value: U256, call: &C) -> Result<Receipt, Failure> {
        self.send(from, TxKind::Call(to), value, call.abi_encode().into())
    }

    /// Whether a transaction would be taken in the open block; changes nothing.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn attempt(&mut self, from: Address, to: Address, value: U256, data: Bytes) -> Result<(), Failure> {
        let transaction = TxEnv::builder()
            .caller(from)
            .kind(TxKind::Call(to))
            .value(value)
            .data(data)
            .nonce(self.nonce(from))
            .chain_id(Some(CHAIN_ID))
            .gas_limit(GAS_LIMIT)
            .build()
            .map_err(|error| Failure::Refused(format!("{error:?}")))?;
        let block = BlockEnv { basefee: 0, ..self.environment() };
        let result = context(&mut self.database, block).build_mainnet().transact(transaction);
        match result.map_err(|error| Failure::Refused(format!("{error:?}")))?.result {
            ExecutionResult::Success { .. } => Ok(()),
            ExecutionResult::Revert { gas, output, .. } => Err(Failure::Reverted { gas: gas.tx_gas_used(), output }),
            other => Err(Failure::Halted(format!("{other:?}"))),
        }
    }

    /// What a call would return in the open block; changes nothing.
    ///
    /// # Errors
    /// [`Failure`], or an answer that can't be decoded.
    pub fn view<C: SolCall>(&mut self, to: Address, call: &C) -> Result<C::Return, Failure> {
        let transaction = TxEnv::builder()
            .kind(TxKind::Call(to))
            .data(call.abi_encode().into())
            .chain_id(Some(CHAIN_ID))
            .gas_limit(GAS_LIMIT)
            .build()
            .map_err(|error| Failure::Refused(format!("{error:?}")))?;
        let block = BlockEnv { basefee: 0, ..self.environment() };
        let result = context(&mut self.database, block).build_mainnet().transact(transaction);
        match result.map_err(|error| Failure::Refused(format!("{error:?}")))?.result {
            ExecutionResult::Success { output, .. } => {
                C::abi_decode_returns_validate(output.data()).map_err(|error| Failure::Refused(error.to_string()))
            }
            ExecutionResult::Revert { gas, output, .. } => Err(Failure::Reverted { gas: gas.tx_gas_used(), output }),
            other => Err(Failure::Halted(format!("{other:?}"))),
        }
    }

    fn account(&mut self, account: Address) -> AccountInfo {
        let Ok(info) = self.database.basic(account);
        info.unwrap_or_default()
    }

    fn environment(&self) -> BlockEnv {
        let head = self.head();
        BlockEnv {
            number: U256::from(head.number),
            timestamp: U256::from(head.time),
            gas_limit: u64::MAX,
            basefee: head.base_fee,
            ..BlockEnv::default()
        }
    }
}

/// An EVM of today's mainnet over a state.
fn context(
    database: &mut InMemoryDB,
    block: BlockEnv,
) -> revm::Context<BlockEnv, TxEnv, revm::context::CfgEnv, &mut InMemoryDB> {
    Context::mainnet().with_db(database).with_block(block).modify_cfg_chained(|cfg| {
        cfg.chain_id = CHAIN_ID;
        cfg.set_spec_and_mainnet_gas_params(SpecId::OSAKA);
    })
}

//! Moves before they are sent: the contracts' bytecode in a local EVM, made with a deployment's numbers at its addresses, and in the
//! court one game as the board has it.
//!
//! Owns what the court stores of a game. It asks no L1, so that it knows neither whose turn it became since nor which keys move for an
//! executor: the call comes from the owner, in the last second of the clock.

use alloy_sol_types::{SolCall, SolEvent, SolValue};
use assay_protocol::contracts::{Batches, Bonds, Court, Programs, StepVerifier};
use assay_protocol::deployment::{Contracts, Deployment};
use assay_protocol::objects::Role;
use assay_protocol::presets::Parameters;
use assay_protocol::{B256, keccak256};
use revm::context::result::ExecutionResult;
use revm::context::{BlockEnv, TxEnv};
use revm::database::{CacheDB, InMemoryDB};
use revm::primitives::hardfork::SpecId;
use revm::primitives::{Address, Bytes, Log, TxKind, U256};
use revm::state::{AccountInfo, Bytecode};
use revm::{Context, Database, DatabaseCommit, DatabaseRef, ExecuteCommitEvm, MainBuilder, MainContext};

use super::{GAS_LIMIT, PreflightError};
use crate::game::Side;
use crate::player::{GameState, Phase};

/// Where the court has its games, the counts of open ones by claim, and what hangs on an executor: slots of its mappings.
const GAMES: u8 = 1;
const OPEN_GAMES_ON: u8 = 2;
const ACCUSED: u8 = 3;

/// A local EVM that holds the contracts.
#[derive(Clone)]
pub struct CourtPreflight {
    database: InMemoryDB,
    court: Address,
    bonds: Address,
    chain_id: u64,
    stake: U256,
}

impl CourtPreflight {
    /// The contracts of a deployment, by its preset.
    ///
    /// # Panics
    /// If a constructor refuses the numbers of a preset, which tests deploy.
    #[must_use]
    pub fn of(deployment: &Deployment) -> Self {
        let parameters = deployment.preset.parameters(deployment.treasury);
        Self::new(&deployment.contracts, deployment.chain_id, &parameters).expect("constructors take the presets")
    }

    /// The contracts that this build was made with, as a deployment has them.
    ///
    /// # Errors
    /// [`PreflightError`] if a constructor refuses the numbers.
    pub fn new(contracts: &Contracts, chain_id: u64, parameters: &Parameters) -> Result<Self, PreflightError> {
        let mut made = Self {
            database: InMemoryDB::default(),
            court: contracts.court,
            bonds: contracts.bonds,
            chain_id,
            stake: parameters.executor_stake,
        };
        let Contracts { step_verifier, bonds, programs, batches, faults, court } = contracts.clone();
        made.database.insert_account_info(step_verifier, account(StepVerifier::DEPLOYED_BYTECODE.clone()));
        let arguments = (Bonds::Parameters::from(parameters), court, faults).abi_encode_params();
        made.construct(bonds, &Bonds::BYTECODE, &arguments)?;
        made.construct(programs, &Programs::BYTECODE, &step_verifier.abi_encode())?;
        let arguments = (Batches::Parameters::from(parameters), bonds, court, faults).abi_encode_params();
        made.construct(batches, &Batches::BYTECODE, &arguments)?;
        let arguments = (Court::Parameters::from(parameters), bonds, programs, batches).abi_encode_params();
        made.construct(court, &Court::BYTECODE, &arguments)?;
        Ok(made)
    }

    /// The code of a contract as it is on L1 after its constructor; none if this deployment has none there.
    #[must_use]
    pub fn code_at(&self, contract: Address) -> Option<Bytes> {
        let info = self.database.basic_ref(contract).ok().flatten()?;
        info.code.map(|code| code.original_bytes())
    }

    /// Makes a move of a game and returns what the contracts emit.
    ///
    /// # Errors
    /// [`PreflightError`]: it would be refused.
    pub fn check(&self, game: &GameState, data: &[u8]) -> Result<Vec<Log>, PreflightError> {
        let mut scene = CacheDB::new(&self.database);
        let Some(mover) = game.mover() else { return Err(PreflightError::Refused("the game is over".into())) };
        let sender = match mover {
            Side::Challenger => game.challenge.challenger,
            Side::Executor => game.executor,
        };
        // A pot is there to be slashed.
        let stake = Bonds::registerCall { role: Role::Executor as u8 }.abi_encode();
        scene.insert_account_info(game.executor, AccountInfo { balance: self.stake, ..AccountInfo::default() });
        self.send(&mut scene, game.executor, self.bonds, self.stake, game.committed_at, &stake)?;
        for (slot, word) in stored(game) {
            let Ok(()) = scene.insert_account_storage(self.court, slot, word);
        }
        self.send(&mut scene, sender, self.court, U256::ZERO, game.expiry, data)
    }

    /// Steps of the machine that a call has made: the outcome, as the court has seen it.
    #[must_use]
    pub fn outcome(logs: &[Log]) -> Option<B256> {
        logs.iter().find_map(|log| Some(Court::Stepped::decode_log(log).ok()?.outcome))
    }

    /// Runs a constructor where the contract is to be, so that it sees its own address, and leaves what it returns there.
    fn construct(&mut self, at: Address, code: &Bytes, arguments: &[u8]) -> Result<(), PreflightError> {
        self.database.insert_account_info(at, account([code.as_ref(), arguments].concat().into()));
        let mut database = std::mem::take(&mut self.database);
        let transaction = self.transaction(&mut database, Address::ZERO, at, U256::ZERO, &[])?;
        let result = run(&mut database, self.chain_id, 1, transaction)?;
        let ExecutionResult::Success { output, .. } = result else { return Err(failure(&result)) };
        let Ok(constructed) = database.basic(at);
        let nonce = constructed.unwrap_or_default().nonce;
        database.insert_account_info(at, AccountInfo { nonce, ..account(output.into_data()) });
        self.database = database;
        Ok(())
    }

    fn send(
        &self,
        scene: &mut CacheDB<&InMemoryDB>,
        from: Address,
        to: Address,
        value: U256,
        time: u64,
        data: &[u8],
    ) -> Result<Vec<Log>, PreflightError> {
        let transaction = self.transaction(scene, from, to, value, data)?;
        match run(scene, self.chain_id, time, transaction)? {
            ExecutionResult::Success { logs, .. } => Ok(logs),
            refused => Err(failure(&refused)),
        }
    }

    fn transaction<D: DatabaseRef>(
        &self,
        database: &mut CacheDB<D>,
        from: Address,
        to: Address,
        value: U256,
        data: &[u8],
    ) -> Result<TxEnv, PreflightError>
    where
        D::Error: core::fmt::Debug,
    {
        let sender = database.basic(from).map_err(|error| PreflightError::Evm(format!("{error:?}")))?;
        let transaction = TxEnv::builder()
            .caller(from)
            .kind(TxKind::Call(to))
            .value(value)
            .data(Bytes::copy_from_slice(data))
            .nonce(sender.unwrap_or_default().nonce)
            .chain_id(Some(self.chain_id))
            .gas_limit(GAS_LIMIT);
        transaction.build().map_err(|error| PreflightError::Evm(format!("{error:?}")))
    }
}

/// A contract. Those that a contract creates are counted from one.
fn account(code: Bytes) -> AccountInfo {
    AccountInfo { nonce: 1, ..AccountInfo::default() }.with_code(Bytecode::new_raw(code))
}

/// Executes a transaction by today's rules of L1, at no price.
fn run<D: Database + DatabaseCommit>(
    database: &mut D,
    chain_id: u64,
    time: u64,
    transaction: TxEnv,
) -> Result<ExecutionResult, PreflightError>
where
    D::Error: core::fmt::Debug,
{
    let block = BlockEnv { number: U256::ONE, timestamp: U256::from(time), ..BlockEnv::default() };
    let context = Context::mainnet().with_db(database).with_block(block).modify_cfg_chained(|cfg| {
        cfg.chain_id = chain_id;
        cfg.set_spec_and_mainnet_gas_params(SpecId::OSAKA);
    });
    let result = context.build_mainnet().transact_commit(transaction);
    result.map_err(|error| PreflightError::Evm(format!("{error:?}")))
}

/// What the court has in its slots of a game, as if it were the only one: what others add is sums alone, and a stay's place among
/// others matters to nobody here.
fn stored(game: &GameState) -> Vec<(U256, U256)> {
    let (phase, state) = match &game.phase {
        Phase::Played(turn) => (if turn.mover == Side::Executor { 2 } else { 3 }, turn.state),
        _ => (1, game.id),
    };
    let word = |word: B256| U256::from_be_bytes(word.0);
    let address = |address: Address| word(address.into_word());
    let at = |number: u64, bit: usize| U256::from(number) << bit;
    let clocks = at(phase, 160) | at(game.expiry, 176) | at(game.other_left, 216);
    let words = [
        word(state),
        address(game.challenge.challenger) | clocks,
        word(game.claim),
        address(game.executor) | (game.challenge.bond << 160_usize),
        at(game.committed_at, 192),
    ];
    let base = entry(GAMES, game.id);
    let counts = [entry(OPEN_GAMES_ON, game.claim), entry(ACCUSED, game.executor.into_word())];
    let game_slots = (0_u64..).zip(words).map(|(slot, word)| (base + U256::from(slot), word));
    game_slots.chain(counts.map(|slot| (slot, U256::ONE))).collect()
}

/// The first slot of a mapping's value.
fn entry(mapping: u8, key: B256) -> U256 {
    let place = B256::with_last_byte(mapping);
    U256::from_be_bytes(keccak256([key.as_slice(), place.as_slice()].concat()).0)
}

/// Why a transaction came to nothing: the error by name of whichever contract refused it.
fn failure(result: &ExecutionResult) -> PreflightError {
    match result {
        ExecutionResult::Revert { output, .. } => PreflightError::Refused(super::reason(output)),
        other => PreflightError::Halted(format!("{other:?}")),
    }
}

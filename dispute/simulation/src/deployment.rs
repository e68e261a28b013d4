//! The contracts, deployed on a simulated chain as a deployment does it: addresses ahead from the deployer's nonce.

use alloy_sol_types::SolValue;
use assay_protocol::Address;
use assay_protocol::contracts::{Batches, Bonds, Court, Programs, StepVerifier};
use assay_protocol::objects::Domain;
use assay_protocol::presets::Parameters;
use revm::primitives::{Bytes, TxKind, U256};

use crate::world::{CHAIN_ID, World};

/// Where the contracts of a simulated chain are.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// Stakes.
    pub bonds: Address,
    /// Programs.
    pub programs: Address,
    /// Batches.
    pub batches: Address,
    /// The dispute court.
    pub court: Address,
    /// What signatures are bound to.
    pub domain: Domain,
    /// The numbers that it was deployed with.
    pub parameters: Parameters,
}

/// The parameters as one contract's constructor takes them.
macro_rules! abi {
    ($contract:ident, $parameters:expr) => {
        $contract::Parameters {
            window: $parameters.window,
            clock: $parameters.clock,
            noticePeriod: $parameters.notice_period,
            withdrawalMargin: $parameters.withdrawal_margin,
            asOfAgeMax: $parameters.as_of_age_max,
            executorStake: $parameters.executor_stake,
            sequencerStake: $parameters.sequencer_stake,
            challengeBond: $parameters.challenge_bond,
            burnShareBps: $parameters.burn_share_bps,
            gasMarginBps: $parameters.gas_margin_bps,
            baseFeeMax: $parameters.base_fee_max,
            fuelLimitMax: $parameters.fuel_limit_max,
            outputLengthMax: $parameters.output_length_max,
            inputLengthMax: $parameters.input_length_max,
            sourceHorizon: $parameters.source_horizon,
            chainLengthMax: $parameters.chain_length_max,
            treasury: $parameters.treasury,
        }
    };
}

impl Deployment {
    /// Deploys everything from an account of its own.
    ///
    /// # Panics
    /// If a constructor refuses the parameters.
    pub fn new(world: &mut World, parameters: Parameters) -> Self {
        let deployer = Address::repeat_byte(0xde);
        world.fund(deployer, U256::from(10).pow(U256::from(21)));
        let [verifier, bonds, programs, batches, court, faults] =
            [0, 1, 2, 3, 4, 5].map(|nonce| deployer.create(nonce));
        let create = |world: &mut World, code: &Bytes, arguments: Vec<u8>, expected: Address| {
            let code = [code.as_ref(), &arguments].concat();
            let receipt = world.send(deployer, TxKind::Create, U256::ZERO, code.into()).expect("a contract deploys");
            assert_eq!(receipt.created, Some(expected), "addresses follow from nonces");
        };
        create(world, &StepVerifier::BYTECODE, Vec::new(), verifier);
        let arguments = (abi!(Bonds, parameters), court, faults).abi_encode_params();
        create(world, &Bonds::BYTECODE, arguments, bonds);
        create(world, &Programs::BYTECODE, verifier.abi_encode(), programs);
        let arguments = (abi!(Batches, parameters), bonds, court, faults).abi_encode_params();
        create(world, &Batches::BYTECODE, arguments, batches);
        let arguments = (abi!(Court, parameters), bonds, programs, batches).abi_encode_params();
        create(world, &Court::BYTECODE, arguments, court);
        let domain = Domain { chain_id: CHAIN_ID, contract: batches };
        Self { bonds, programs, batches, court, domain, parameters }
    }
}

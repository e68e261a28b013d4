//! The contracts, deployed on a simulated chain as a deployment does it: addresses ahead from the deployer's nonce.

use alloy_sol_types::SolValue;
use assay_dispute::preflight::CourtPreflight;
use assay_protocol::Address;
use assay_protocol::contracts::{Batches, Bonds, Court, Faults, Programs, StepVerifier};
use assay_protocol::deployment::Contracts;
use assay_protocol::objects::Domain;
use assay_protocol::presets::Parameters;
use revm::primitives::{Bytes, TxKind, U256};

use crate::world::{CHAIN_ID, World};

/// Where the contracts of a simulated chain are.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// One step of the machine.
    pub verifier: Address,
    /// Stakes.
    pub bonds: Address,
    /// Programs.
    pub programs: Address,
    /// Batches.
    pub batches: Address,
    /// The dispute court.
    pub court: Address,
    /// The fault prover.
    pub faults: Address,
    /// What signatures are bound to.
    pub domain: Domain,
    /// The numbers that it was deployed with.
    pub parameters: Parameters,
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
        let arguments = (Bonds::Parameters::from(&parameters), court, faults).abi_encode_params();
        create(world, &Bonds::BYTECODE, arguments, bonds);
        create(world, &Programs::BYTECODE, verifier.abi_encode(), programs);
        let arguments = (Batches::Parameters::from(&parameters), bonds, court, faults).abi_encode_params();
        create(world, &Batches::BYTECODE, arguments, batches);
        let arguments = (Court::Parameters::from(&parameters), bonds, programs, batches).abi_encode_params();
        create(world, &Court::BYTECODE, arguments, court);
        let arguments = (Faults::Parameters::from(&parameters), bonds, programs, batches).abi_encode_params();
        create(world, &Faults::BYTECODE, arguments, faults);
        let domain = Domain { chain_id: CHAIN_ID, contract: batches };
        Self { verifier, bonds, programs, batches, court, faults, domain, parameters }
    }

    /// The addresses.
    #[must_use]
    pub fn contracts(&self) -> Contracts {
        Contracts {
            step_verifier: self.verifier,
            bonds: self.bonds,
            programs: self.programs,
            batches: self.batches,
            faults: self.faults,
            court: self.court,
        }
    }

    /// What players try their moves with.
    ///
    /// # Panics
    /// If a constructor refuses the parameters, which it has not here.
    #[must_use]
    pub fn preflight(&self) -> CourtPreflight {
        CourtPreflight::new(&self.contracts(), CHAIN_ID, &self.parameters)
            .expect("they were deployed with these numbers")
    }
}

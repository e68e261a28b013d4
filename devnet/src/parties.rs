//! Who plays what on a devnet: anvil's accounts, whose keys everybody knows.

use alloy_primitives::Address;
use assay_anvil::account;
use assay_node::keys::Wallet;
use eyre::{Result, ensure};

/// The most dishonest executors: anvil has ten accounts, of which the others take six.
pub const DISHONEST_MAX: usize = 4;

/// An account with its role.
#[derive(Clone, Debug)]
pub struct Party {
    /// What it is called.
    pub name: String,
    /// Its key.
    pub wallet: Wallet,
}

impl Party {
    fn new(name: impl Into<String>, index: usize) -> Result<Self> {
        Ok(Self { name: name.into(), wallet: Wallet::from_secret(&account(index).1)? })
    }

    /// Its account.
    #[must_use]
    pub fn address(&self) -> Address {
        self.wallet.address()
    }
}

/// All parties of a devnet.
#[derive(Clone, Debug)]
pub struct Parties {
    /// Deploys the contracts, and receives the burned shares.
    pub deployer: Party,
    /// Orders and posts.
    pub sequencer: Party,
    /// Run jobs and tell the truth.
    pub honest: Vec<Party>,
    /// Run jobs and lie.
    pub dishonest: Vec<Party>,
    /// Runs results again.
    pub challenger: Party,
    /// Asks for jobs.
    pub client: Party,
}

impl Parties {
    /// Two honest executors, and so many dishonest ones.
    ///
    /// # Errors
    /// If there are more than [`DISHONEST_MAX`].
    pub fn new(dishonest: usize) -> Result<Self> {
        ensure!(dishonest <= DISHONEST_MAX, "{dishonest} dishonest executors, at most {DISHONEST_MAX}");
        let liars = (0..dishonest).map(|number| Party::new(format!("dishonest executor {}", number + 1), 6 + number));
        Ok(Self {
            deployer: Party::new("deployer", 0)?,
            sequencer: Party::new("sequencer", 1)?,
            honest: vec![Party::new("executor 1", 2)?, Party::new("executor 2", 3)?],
            challenger: Party::new("challenger", 4)?,
            client: Party::new("client of the demo", 5)?,
            dishonest: liars.collect::<Result<_>>()?,
        })
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Party> {
        let fixed = [&self.deployer, &self.sequencer, &self.challenger, &self.client];
        fixed.into_iter().chain(&self.honest).chain(&self.dishonest)
    }

    /// What an account is called here.
    #[must_use]
    pub fn name_of(&self, account: Address) -> &str {
        self.all().find(|party| party.address() == account).map_or("somebody", |party| &party.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_party_has_an_account_of_its_own() {
        let parties = Parties::new(DISHONEST_MAX).expect("there are ten accounts");
        let mut accounts: Vec<Address> = parties.all().map(Party::address).collect();
        assert_eq!(accounts.len(), 10);
        accounts.sort();
        accounts.dedup();
        assert_eq!(accounts.len(), 10);
        assert_eq!(parties.name_of(parties.dishonest[1].address()), "dishonest executor 2");
        assert!(Parties::new(DISHONEST_MAX + 1).is_err());
    }
}

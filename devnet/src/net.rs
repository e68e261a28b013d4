//! The devnet: L1, contracts, stakes, roles, started in order and stopped in the other.
//!
//! Owns the folder that all of it keeps its data in, and the files for whoever wants to use it: the deployment, and a client's key.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy_primitives::{Address, U256};
use assay_anvil::{Anvil, Mining, Settings};
use assay_deploy::deploy;
use assay_executor_node::{Corruption, CorruptionConfig};
use assay_node::endpoint::{Endpoint, EndpointConfig};
use assay_operator::stakes::least_stake;
use assay_operator::{L1, call, pay};
use assay_protocol::contracts::Bonds;
use assay_protocol::objects::Role;
use assay_protocol::presets::Preset;
use eyre::{Result, WrapErr, bail};
use serde_json::json;

use crate::parties::{Parties, Party};
use crate::roles::{self, Ground, Running, Served};
use crate::teller::Teller;

/// Where L1 is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Site {
    /// An anvil of the devnet's own, with blocks every second; port 0 takes a free one.
    Anvil {
        /// The port.
        port: u16,
    },
    /// A development node that is there, and has filled anvil's accounts.
    Node {
        /// Its URL.
        url: String,
    },
}

/// What a devnet is to be.
#[derive(Clone, Debug)]
pub struct DevnetConfig {
    /// Where L1 is.
    pub site: Site,
    /// Executors that lie.
    pub dishonest: usize,
    /// The sequencer's port; 0 takes a free one.
    pub port: u16,
    /// The first of the ports for health and metrics, 0 for free ones; none serves them only for the sequencer, on a free port.
    pub telemetry: Option<u16>,
    /// Where everything is kept.
    pub data: PathBuf,
}

/// A devnet that runs.
pub struct Devnet {
    /// The anvil, if it is the devnet's own. It ends last.
    anvil: Option<Anvil>,
    /// L1 with the contracts.
    pub l1: L1,
    /// Who plays what.
    pub parties: Parties,
    /// Where the sequencer serves.
    pub served: Served,
    /// The roles' common ground.
    pub ground: Ground,
    roles: Vec<Running>,
    config: DevnetConfig,
}

impl Devnet {
    /// Starts everything but the dishonest executors, which [`Devnet::add_liar`] does.
    ///
    /// # Errors
    /// Whatever does not start, and why.
    pub async fn start(config: DevnetConfig, teller: &mut Teller) -> Result<Self> {
        let parties = Parties::new(config.dishonest)?;
        let (anvil, url) = site(&config.site, teller).await?;
        let l1 = deployed(&url, &parties, &config.data, teller).await?;
        let ground = Ground {
            l1: url,
            deployment: l1.deployment.clone(),
            deployment_file: deployment_file(&config.data),
            data: config.data.clone(),
        };
        registered(&l1, &parties, teller).await?;

        let port = |number: u16| config.telemetry.map(|first| port_behind(first, number));
        let wallet = parties.sequencer.wallet.clone();
        let (sequencer, served) = roles::sequencer(&ground, wallet, config.port, port(0).unwrap_or(0)).await?;
        let mut started = vec![sequencer];
        for (number, party) in (1..).zip(&parties.honest) {
            let wallet = party.wallet.clone();
            let truth = CorruptionConfig::default();
            started.push(roles::executor(&ground, &party.name, wallet, served.rpc, port(number), truth)?);
        }
        started.push(roles::challenger(&ground, parties.challenger.wallet.clone(), served.rpc, port(3))?);
        for role in &started {
            teller.progress(&format!("the {} gets ready …", role.name));
            role.ready().await?;
        }
        teller.tell(
            "roles",
            format!("a sequencer at http://{}, two executors and a challenger are ready", served.rpc),
            json!({ "sequencer": format!("http://{}", served.rpc), "executors": parties.honest.len(), "challengers": 1 }),
        );
        Ok(Self { anvil, l1, parties, served, ground, roles: started, config })
    }

    /// Starts dishonest executor `number`, whose stake is registered already.
    ///
    /// # Errors
    /// If it does not start, or there is no such party.
    pub async fn add_liar(&mut self, number: usize, kind: Corruption, from_step: u64) -> Result<()> {
        let Some(party) = self.parties.dishonest.get(number) else { bail!("there is no dishonest executor {number}") };
        let lie = roles::corruption(kind, from_step);
        let port = self.config.telemetry.map(|first| port_behind(first, 4 + number as u16));
        let running = roles::executor(&self.ground, &party.name, party.wallet.clone(), self.served.rpc, port, lie)?;
        running.ready().await?;
        self.roles.push(running);
        Ok(())
    }

    /// The sequencer's address for clients.
    #[must_use]
    pub fn sequencer(&self) -> String {
        format!("http://{}", self.served.rpc)
    }

    /// Where roles serve health and metrics, of which that is known: free ports are known of the sequencer only.
    pub fn telemetry(&self) -> impl Iterator<Item = (&str, SocketAddr)> {
        self.roles.iter().filter_map(|role| Some((role.name.as_str(), role.telemetry?)))
    }

    /// Gives an account so many wei of the client's, whichever node L1 is.
    ///
    /// # Errors
    /// If L1 does not take the transaction.
    pub async fn fund(&self, account: Address, wei: U256) -> Result<()> {
        pay(&self.l1, &self.parties.client.wallet, account, wei).await.wrap_err("the account gets no ether")?;
        Ok(())
    }

    /// The first role that has ended though nobody asked it to.
    #[must_use]
    pub fn ended(&self) -> Option<&str> {
        self.roles.iter().find(|role| role.has_ended()).map(|role| role.name.as_str())
    }

    /// Stops the roles, then L1.
    ///
    /// # Errors
    /// The first role that did not end well.
    pub async fn stop(self) -> Result<()> {
        let mut outcome = Ok(());
        for role in self.roles {
            let ended = role.stop().await;
            outcome = outcome.and(ended);
        }
        drop(self.anvil);
        outcome
    }
}

/// Where the file of the deployment lies.
fn deployment_file(data: &Path) -> PathBuf {
    data.join("deployment.json")
}

async fn site(site: &Site, teller: &mut Teller) -> Result<(Option<Anvil>, String)> {
    match site {
        Site::Node { url } => {
            teller.tell("l1", "L1 is a node that was there", json!({}));
            Ok((None, url.clone()))
        }
        Site::Anvil { port } => {
            let mining = Mining::Every(Duration::from_secs(1));
            let anvil = Anvil::start(&Settings { port: *port, mining, ..Settings::default() }).await?;
            let url = anvil.url();
            teller.tell("l1", format!("anvil is L1, with a block every second, at {url}"), json!({ "url": url }));
            Ok((Some(anvil), url))
        }
    }
}

async fn deployed(url: &str, parties: &Parties, data: &Path, teller: &mut Teller) -> Result<L1> {
    teller.progress("deploying six contracts …");
    let node = EndpointConfig::new(url);
    let deployer = &parties.deployer;
    let deployment = deploy(&Endpoint::new(&node)?, &deployer.wallet, Preset::Devnet, deployer.address()).await?;
    std::fs::create_dir_all(data).wrap_err_with(|| format!("can't create {}", data.display()))?;
    let file = deployment_file(data);
    std::fs::write(&file, deployment.to_json()).wrap_err_with(|| format!("can't write {}", file.display()))?;
    let l1 = L1::open(&node, deployment).await?;
    teller.tell(
        "deployed",
        format!("the contracts are deployed: court {}", l1.deployment.contracts.court),
        json!({ "file": file.display().to_string(), "contracts": l1.deployment.contracts }),
    );
    Ok(l1)
}

/// Registers all stakes at once: each party has an account of its own.
async fn registered(l1: &L1, parties: &Parties, teller: &mut Teller) -> Result<()> {
    teller.progress("registering stakes …");
    let executors = parties.honest.iter().chain(&parties.dishonest).map(|party| (party, Role::Executor));
    let all = executors.chain([(&parties.sequencer, Role::Sequencer)]);
    let mut running = Vec::new();
    for (party, role) in all {
        let (l1, party) = (l1.clone(), party.clone());
        running.push(tokio::spawn(async move { register(&l1, &party, role).await }));
    }
    let count = running.len();
    for done in running {
        done.await.wrap_err("a registration panicked")??;
    }
    let stake = least_stake(&l1.parameters, Role::Executor);
    teller.tell(
        "stakes",
        format!("{count} stakes are registered; an executor's is {} ETH", stake / U256::from(10).pow(U256::from(18))),
        json!({ "stakes": count, "executor_stake_wei": stake.to_string() }),
    );
    Ok(())
}

async fn register(l1: &L1, party: &Party, role: Role) -> Result<()> {
    let wanted = Bonds::registerCall { role: role as u8 };
    let stake = least_stake(&l1.parameters, role);
    let bonds = l1.deployment.contracts.bonds;
    call(l1, &party.wallet, "register", bonds, stake, &wanted).await.wrap_err_with(|| party.name.clone())?;
    Ok(())
}

/// The port that is so many behind the first; a free one if that is 0.
fn port_behind(first: u16, number: u16) -> u16 {
    if first == 0 { 0 } else { first.saturating_add(number) }
}

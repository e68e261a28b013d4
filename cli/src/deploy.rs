//! `assay deploy`: the contracts, with the numbers of a preset, and the file that every process reads.

use std::path::PathBuf;

use alloy_primitives::Address;
use assay_deploy::{DeployError, deploy};
use assay_node::endpoint::{EndpointError, Provider};
use assay_protocol::deployment::Deployment;
use assay_protocol::presets::Preset;
use eyre::{Result, WrapErr, bail};

use crate::failure::Failure;
use crate::l1::{Connection, KeyFlags, address, block_on};
use crate::{console, l1};

/// What `assay deploy --help` teaches.
pub const EXAMPLES: &str = "\
Examples:
  assay deploy --l1 http://127.0.0.1:8545 --keystore key.json --preset devnet --output deployment.json
  assay deploy --l1 https://… --keystore key.json --preset testnet --treasury 0x… --output deployment.json

Six transactions from the key's account, which nobody else may use meanwhile. Nobody owns the contracts afterwards;
the treasury alone is fixed, and receives the burned shares of slashed stakes.";

/// The command line of `assay deploy`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The numbers: times, stakes and bounds (specs/15-presets.md)
    #[arg(long, value_name = "devnet|testnet|mainnet")]
    preset: Preset,
    /// Receives the burned shares of slashed stakes [default, on the devnet preset: the deployer]
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    treasury: Option<Address>,
    /// The file to write
    #[arg(long, value_name = "FILE", default_value = "deployment.json")]
    output: PathBuf,
    /// Write over a file that there is
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    key: KeyFlags,
    /// Print the deployment as JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<()> {
    // Before anything costs gas.
    if arguments.output.exists() && !arguments.force {
        bail!("{} is there already; --force writes over it, --output names another", arguments.output.display());
    }
    let file = console::prepare(&arguments.output)?;
    let endpoint = arguments.connection.endpoint()?;
    let wallet = arguments.key.open(&arguments.connection)?;
    let treasury = match (arguments.treasury, arguments.preset) {
        (Some(treasury), _) if treasury.is_zero() => {
            bail!(Failure::Usage("the treasury can't be the zero address".into()))
        }
        (Some(treasury), _) => treasury,
        (None, Preset::Devnet) => wallet.address(),
        (None, _) => bail!(Failure::Usage(
            "--treasury is needed: what is burned of stakes goes there, and it can't be changed".into()
        )),
    };
    let deployment = block_on(async {
        let id = endpoint.call("ask for the chain id", |l1| async move { l1.get_chain_id().await }).await?;
        let account = wallet.address();
        console::note(&format!("deploying to chain {id} from {account}\n"));
        match deploy(&endpoint, &wallet, arguments.preset, treasury).await {
            // Nodes refuse creations for want of ether, each in words of its own.
            Err(error @ DeployError::Endpoint(EndpointError::Refused { .. })) => {
                let asked = endpoint.call("ask for a balance", |l1| async move { l1.get_balance(account).await });
                let has =
                    asked.await.map_or_else(|_| String::new(), |balance| format!(" has {}, and", l1::ether(balance)));
                Err(error).wrap_err(format!("{account}{has} pays for six transactions"))
            }
            done => Ok(done?),
        }
    })?;
    let json = format!("{}\n", deployment.to_json());
    if let Err(error) = file.write(json.as_bytes()) {
        // The contracts are there, and nothing else says where.
        console::print(&json)?;
        bail!(Failure::Unwritten(format!("{error:#}; the deployment went to stdout")));
    }
    if arguments.json {
        return console::print_json(&deployment);
    }
    console::print(&text(&deployment, &arguments.output.display().to_string()))
}

fn text(deployment: &Deployment, file: &str) -> String {
    let at = &deployment.contracts;
    let parameters = deployment.preset.parameters(deployment.treasury);
    let contracts = [
        ("step verifier", at.step_verifier),
        ("bonds", at.bonds),
        ("programs", at.programs),
        ("batches", at.batches),
        ("court", at.court),
        ("faults", at.faults),
        ("treasury", deployment.treasury),
    ];
    let lines = contracts.iter().map(|(name, address)| format!("  {name:<14} {address}\n"));
    format!(
        "{}\n  stakes         executor {}, sequencer {}; a challenge locks {}\n  windows        {} to challenge, {} on each clock\n\nwritten to {file}\n",
        lines.collect::<String>().trim_end(),
        l1::ether(parameters.executor_stake),
        l1::ether(parameters.sequencer_stake),
        l1::ether(parameters.challenge_bond),
        l1::left(parameters.window),
        l1::left(parameters.clock),
    )
}

//! `assay keys`: keys in encrypted files, in the form that geth and foundry read too.
//!
//! Owns no key longer than a command takes. It never prints a secret.

use std::path::{Path, PathBuf};

use alloy_primitives::Address;
use assay_node::keys::{Password, Wallet};
use assay_protocol::objects::{KeyConsent, TypedData};
use clap::Subcommand;
use eyre::{Result, WrapErr, bail, eyre};
use serde::Serialize;

use crate::bond::RoleName;
use crate::l1::{PasswordFlags, address, keys_folder, read_deployment, stated_address};
use crate::{console, report};

const NEW_EXAMPLES: &str = "\
Examples:
  assay keys new                                     asks for a password, twice
  assay keys new --folder keys --password-file pw    for scripts

A password that is lost can't be had back, and nor can the key.";

const SHOW_EXAMPLES: &str = "\
Examples:
  assay keys show                          all keystores of the folder, whatever their names
  assay keys show executor.json --open     proves that file and password are good

A keystore says its address openly, or by its name, or when it is opened; of a folder none is opened without --open, and
one that does not say has a dash, in JSON null.";

const CONSENT_EXAMPLES: &str = "\
Example, on the machine of the hot key, then on that of the stake:
  assay keys consent hot.json --role executor --owner 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --deployment d.json
  assay bond authorise --role executor --key 0xHOT --consent 0x...

It says that the key agrees to sign for the owner's stake, so that nobody can claim the keys of others.";

/// What to do with keys.
#[derive(Subcommand)]
pub enum Command {
    /// Make a key and write it, encrypted, to a file of its own
    #[command(after_help = NEW_EXAMPLES)]
    New(New),
    /// Print whose a keystore is, or all of a folder
    #[command(after_help = SHOW_EXAMPLES)]
    Show(Show),
    /// Sign that a key may be the hot key of an owner's stake
    #[command(after_help = CONSENT_EXAMPLES)]
    Consent(Consent),
}

impl Command {
    /// Whether the answer is wanted as JSON.
    pub fn json(&self) -> bool {
        match self {
            Self::New(arguments) => arguments.json,
            Self::Show(arguments) => arguments.json,
            Self::Consent(arguments) => arguments.json,
        }
    }
}

/// The command line of `assay keys new`.
#[derive(clap::Args)]
pub struct New {
    /// Where the file goes [default: assay/keys under the user's data folder]
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    #[command(flatten)]
    password: PasswordFlags,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

/// The command line of `assay keys show`.
#[derive(clap::Args)]
pub struct Show {
    /// A keystore, or a folder of them [default: as `keys new`]
    #[arg(value_name = "FILE|FOLDER")]
    path: Option<PathBuf>,
    /// Open the keystore with its password, which proves that both are good
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    password: PasswordFlags,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

/// The command line of `assay keys consent`.
#[derive(clap::Args)]
pub struct Consent {
    /// The keystore of the hot key
    #[arg(value_name = "FILE")]
    keystore: PathBuf,
    /// In which role it shall sign
    #[arg(long)]
    role: RoleName,
    /// The owner of the stake
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    owner: Address,
    /// Where the contracts are: the file that `assay deploy` wrote
    #[arg(long, value_name = "FILE", env = "ASSAY__DEPLOYMENT")]
    deployment: PathBuf,
    #[command(flatten)]
    password: PasswordFlags,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct KeyReport {
    /// None, if the keystore does not say and was not opened.
    address: Option<Address>,
    keystore: String,
    is_opened: bool,
}

#[derive(Serialize)]
struct ConsentReport {
    key: Address,
    role: &'static str,
    owner: Address,
    consent: String,
}

/// Runs the command.
pub fn run(command: &Command) -> Result<()> {
    match command {
        Command::New(arguments) => new(arguments),
        Command::Show(arguments) => show(arguments),
        Command::Consent(arguments) => consent(arguments),
    }
}

fn folder(given: Option<&PathBuf>) -> Result<PathBuf> {
    given.cloned().or_else(keys_folder).ok_or_else(|| eyre!("no folder for keys: HOME is not set, name one"))
}

fn new(arguments: &New) -> Result<()> {
    let folder = folder(arguments.folder.as_ref())?;
    let password = arguments.password.password();
    let (wallet, path) = Wallet::create(&folder, &password)?;
    if matches!(password, Password::Prompt) {
        console::note("The same password again, to be sure.\n");
        if let Err(error) = Wallet::open(&path, &password) {
            std::fs::remove_file(&path).wrap_err_with(|| format!("can't remove {}", path.display()))?;
            return Err(eyre!(error).wrap_err("no key was made"));
        }
    }
    tell(vec![key(Some(wallet.address()), &path, true)], arguments.json)
}

fn show(arguments: &Show) -> Result<()> {
    let path = folder(arguments.path.as_ref())?;
    let is_folder = path.is_dir();
    let files = if is_folder { keystores(&path)? } else { vec![path.clone()] };
    let mut keys = Vec::new();
    for file in &files {
        let stated = if arguments.open { None } else { stated_address(file)? };
        if stated.is_some() || is_folder && !arguments.open {
            keys.push(key(stated, file, false));
        } else {
            keys.push(key(Some(Wallet::open(file, &arguments.password.password())?.address()), file, true));
        }
    }
    if keys.is_empty() {
        bail!("there are no keys in {}; `assay keys new` makes one", path.display());
    }
    tell(keys, arguments.json)
}

/// The keystores of a folder, by name; there may be other files.
fn keystores(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).wrap_err_with(|| format!("can't read {}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.is_file() && stated_address(file).is_ok());
    files.sort();
    Ok(files)
}

fn consent(arguments: &Consent) -> Result<()> {
    let deployment = read_deployment(&arguments.deployment)?;
    let wallet = Wallet::open(&arguments.keystore, &arguments.password.password())?;
    let asked = KeyConsent { role: arguments.role.role(), owner: arguments.owner };
    let consent = report::hex(&wallet.sign_hash(&asked.digest(&deployment.consent_domain()))?);
    if arguments.json {
        let (key, role, owner) = (wallet.address(), arguments.role.name(), arguments.owner);
        return console::print_json(&ConsentReport { key, role, owner, consent });
    }
    console::print(&format!("{consent}\n"))
}

fn key(address: Option<Address>, path: &Path, is_opened: bool) -> KeyReport {
    KeyReport { address, keystore: path.display().to_string(), is_opened }
}

fn tell(keys: Vec<KeyReport>, json: bool) -> Result<()> {
    if json {
        return match &keys[..] {
            [key] => console::print_json(key),
            keys => console::print_json(&keys),
        };
    }
    let lines = keys.iter().map(|key| {
        let address = key.address.map_or("-".into(), |address| address.to_string());
        format!("{address:<42}  {}\n", key.keystore)
    });
    console::print(&lines.collect::<String>())
}

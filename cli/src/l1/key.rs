//! Whose key signs, and where its password comes from.

use std::path::{Path, PathBuf};

use alloy_primitives::Address;
use assay_node::keys::{self, KeyError, Password, Wallet};
use eyre::Result;
use serde::Deserialize;

use super::Connection;

/// The environment variable that a password may be in.
const PASSWORD_VARIABLE: &str = "ASSAY_PASSWORD";

/// Where a password is.
#[derive(clap::Args, Clone, Debug)]
pub struct PasswordFlags {
    /// A file whose first line is the keystore's password; without it ASSAY_PASSWORD, or a question
    #[arg(long, value_name = "FILE", help_heading = "Whose key")]
    password_file: Option<PathBuf>,
}

impl PasswordFlags {
    /// Where the password is, when a configuration may say it too.
    pub fn or(&self, configured: Option<PathBuf>) -> Password {
        match self.password_file.clone().or(configured) {
            Some(path) => Password::File(path),
            None if std::env::var_os(PASSWORD_VARIABLE).is_some() => Password::Variable(PASSWORD_VARIABLE.into()),
            None => Password::Prompt,
        }
    }

    /// Where the password is, by flags and environment alone.
    pub fn password(&self) -> Password {
        self.or(std::env::var_os("ASSAY__PASSWORD_FILE").map(PathBuf::from))
    }
}

/// Whose key signs.
#[derive(clap::Args, Clone, Debug)]
pub struct KeyFlags {
    /// The key that signs: a file that `assay keys new`, geth or foundry wrote
    #[arg(long, value_name = "FILE", help_heading = "Whose key")]
    keystore: Option<PathBuf>,
    #[command(flatten)]
    password: PasswordFlags,
}

#[derive(Deserialize)]
struct Key {
    keystore: PathBuf,
    password_file: Option<PathBuf>,
}

#[derive(Deserialize)]
struct MaybeKey {
    keystore: Option<PathBuf>,
}

impl KeyFlags {
    /// Opens the keystore that was named.
    pub fn open(&self, connection: &Connection) -> Result<Wallet> {
        let flag = self.keystore.as_ref().map(|path| path.display());
        let key: Key = connection.sources()?.flag("--keystore", "keystore", flag)?.load()?;
        Ok(Wallet::open(&key.keystore, &self.password.or(key.password_file))?)
    }

    /// Whose key it is; the keystore is opened only where neither it nor its name says.
    pub fn address(&self, connection: &Connection) -> Result<Option<Address>> {
        let flag = self.keystore.as_ref().map(|path| path.display());
        let key: MaybeKey = connection.sources()?.flag("--keystore", "keystore", flag)?.load()?;
        let Some(path) = key.keystore else { return Ok(None) };
        match stated_address(&path)? {
            Some(address) => Ok(Some(address)),
            None => Ok(Some(self.open(connection)?.address())),
        }
    }
}

/// Whose a keystore is, as it says openly, or as its name says. A file that is no keystore is refused.
pub fn stated_address(path: &Path) -> Result<Option<Address>, KeyError> {
    Ok(keys::stated_address(path)?.or_else(|| address_of_name(path)))
}

/// The address that a keystore's name says: `assay keys new` gives such names, and geth does.
fn address_of_name(path: &Path) -> Option<Address> {
    let stem = path.file_name()?.to_str()?;
    let stem = stem.strip_suffix(".json").unwrap_or(stem);
    let digits = stem.rsplit("--").next()?;
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    (digits.len() == 40).then(|| digits.parse().ok()).flatten()
}

/// Where keys lie unless a folder is named: `assay/keys` under the user's data folder.
pub fn keys_folder() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = variable("XDG_DATA_HOME").or_else(|| variable("HOME").map(|home| home.join(".local/share")))?;
    Some(base.join("assay").join("keys"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_keystores_say_whose_they_are() {
        let address: Address = "f39Fd6e51aad88F6F4ce6aB8827279cffFb92266".parse().expect("it is an address");
        for name in [
            "f39fd6e51aad88f6f4ce6ab8827279cfffb92266.json",
            "UTC--2026-01-02T03-04-05.678901234Z--f39fd6e51aad88f6f4ce6ab8827279cfffb92266",
            "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266",
        ] {
            assert_eq!(address_of_name(&Path::new("keys").join(name)), Some(address), "{name}");
        }
        assert_eq!(address_of_name(Path::new("keys/executor.json")), None);
    }
}

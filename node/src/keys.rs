//! Keys: read from encrypted files, used to sign, and wiped when dropped.
//!
//! Owns a key's life in the process. Assumes that files follow the Ethereum keystore format, version 3, as geth, foundry and clef write
//! it. Never prints anything of a key but its address, and never writes one unencrypted.

use crate::Remedy;
use alloy_primitives::{Address, B256, Signature, hex};
use alloy_signer::SignerSync;
use alloy_signer::k256::elliptic_curve::rand_core::OsRng;
use alloy_signer_local::PrivateKeySigner;
use serde_json::Value;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use thiserror::Error;
use zeroize::Zeroizing;

/// Longest password file that is read: a guard against the wrong file.
const PASSWORD_SIZE_MAX: u64 = 4096;
/// Longest keystore that is read for what it says openly.
const KEYSTORE_SIZE_MAX: u64 = 65_536;

/// Where the password of a keystore comes from.
#[derive(Clone, Debug)]
pub enum Password {
    /// The first line of a file.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
    /// Asked for on the terminal.
    Prompt,
}

/// What can go wrong with keys.
#[derive(Debug, Error)]
pub enum KeyError {
    /// A file can't be read or written.
    #[error("can't {operation} {}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was being done.
        operation: &'static str,
        /// Why not.
        reason: String,
    },
    /// The password can't be had.
    #[error("no password from {from}: {reason}")]
    Password {
        /// Where it should have come from.
        from: String,
        /// Why not.
        reason: String,
    },
    /// The keystore does not open.
    #[error("the keystore {} does not open: {reason}", path.display())]
    Keystore {
        /// The file.
        path: PathBuf,
        /// Wrong password, or what is wrong with the file.
        reason: String,
    },
    /// The bytes are no key.
    #[error("a key is a number from 1 to the order of secp256k1, this one is not")]
    Invalid,
    /// The library can't sign.
    #[error("{address} can't sign: {reason}")]
    Unsigned {
        /// Whose key it is.
        address: Address,
        /// Why not.
        reason: String,
    },
}

impl KeyError {
    /// What helps: an operator, always.
    pub fn remedy(&self) -> Remedy {
        Remedy::Stop
    }
}

impl Password {
    /// Reads the password. It is wiped when dropped.
    ///
    /// # Errors
    /// [`KeyError::Password`]; an empty password is none.
    pub fn read(&self) -> Result<Zeroizing<String>, KeyError> {
        let missing = |reason: String| KeyError::Password { from: self.to_string(), reason };
        let password = match self {
            Password::File(path) => {
                let mut text = Zeroizing::new(String::new());
                let file = std::fs::File::open(path).map_err(|error| missing(error.to_string()))?;
                file.take(PASSWORD_SIZE_MAX).read_to_string(&mut text).map_err(|error| missing(error.to_string()))?;
                Zeroizing::new(text.lines().next().unwrap_or_default().to_owned())
            }
            Password::Variable(name) => {
                Zeroizing::new(std::env::var(name).map_err(|error| missing(error.to_string()))?)
            }
            Password::Prompt if !std::io::stdin().is_terminal() => {
                return Err(missing("there is no terminal to ask on".into()));
            }
            Password::Prompt => {
                Zeroizing::new(rpassword::prompt_password("Password: ").map_err(|error| missing(error.to_string()))?)
            }
        };
        if password.is_empty() {
            return Err(missing("it is empty".into()));
        }
        Ok(password)
    }
}

impl std::fmt::Display for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Password::File(path) => write!(f, "file {}", path.display()),
            Password::Variable(name) => write!(f, "environment variable {name}"),
            Password::Prompt => f.write_str("the terminal"),
        }
    }
}

/// A key that signs. The library wipes it when it is dropped.
#[derive(Clone)]
pub struct Wallet {
    signer: PrivateKeySigner,
}

impl Wallet {
    /// Opens a keystore. Takes about a second of a processor: that is what makes guessing a password dear.
    ///
    /// # Errors
    /// [`KeyError::Password`], [`KeyError::Keystore`].
    pub fn open(path: &Path, password: &Password) -> Result<Self, KeyError> {
        let password = password.read()?;
        let opened = PrivateKeySigner::decrypt_keystore(path, password.as_bytes());
        let signer =
            opened.map_err(|error| KeyError::Keystore { path: path.to_owned(), reason: reason(&error.to_string()) })?;
        Ok(Wallet { signer })
    }

    /// Makes a new key and writes it encrypted into a directory. Returns it with its file, whose name is the address.
    ///
    /// # Errors
    /// [`KeyError::Password`], [`KeyError::File`].
    pub fn create(directory: &Path, password: &Password) -> Result<(Self, PathBuf), KeyError> {
        let password = password.read()?;
        let wallet = Wallet { signer: PrivateKeySigner::random() };
        let path = wallet.write(directory, &password)?;
        Ok((wallet, path))
    }

    /// The wallet of a key that is known: of a development chain, or of a test.
    ///
    /// # Errors
    /// [`KeyError::Invalid`].
    pub fn from_secret(secret: &B256) -> Result<Self, KeyError> {
        let signer = PrivateKeySigner::from_bytes(secret).map_err(|_| KeyError::Invalid)?;
        Ok(Wallet { signer })
    }

    fn write(&self, directory: &Path, password: &str) -> Result<PathBuf, KeyError> {
        let failed =
            |path: &Path, operation, reason: String| KeyError::File { path: path.to_owned(), operation, reason };
        std::fs::create_dir_all(directory).map_err(|error| failed(directory, "create", error.to_string()))?;
        let address = hex::encode(self.address());
        let (name, draft) = (format!("{address}.json"), format!(".{address}.draft"));
        let secret = Zeroizing::new(self.signer.to_bytes().0);
        PrivateKeySigner::encrypt_keystore(directory, &mut OsRng, secret.as_slice(), password, Some(&draft))
            .map_err(|error| failed(directory, "write a keystore to", error.to_string()))?;
        let (path, draft) = (directory.join(name), directory.join(draft));
        // It has its name when it says whose it is, which the library leaves out, and is nobody else's to read.
        let finish = || {
            restrict(&draft)?;
            let mut keystore: Value = serde_json::from_slice(&std::fs::read(&draft)?).map_err(std::io::Error::other)?;
            keystore["address"] = address.into();
            std::fs::write(&draft, keystore.to_string())?;
            std::fs::rename(&draft, &path)
        };
        finish().map_err(|error| {
            let _ = std::fs::remove_file(&draft);
            failed(&path, "write", error.to_string())
        })?;
        Ok(path)
    }

    /// Whose key it is.
    pub fn address(&self) -> Address {
        self.signer.address()
    }

    /// Signs a hash: 65 bytes `r || s || v`, `s` in the lower half, `v` 27 or 28, as the contracts want it.
    ///
    /// # Errors
    /// [`KeyError::Unsigned`].
    pub fn sign_hash(&self, hash: &B256) -> Result<[u8; 65], KeyError> {
        self.sign(hash).map(|signature| signature.as_bytes())
    }

    pub(crate) fn sign(&self, hash: &B256) -> Result<Signature, KeyError> {
        let address = self.address();
        self.signer.sign_hash_sync(hash).map_err(|error| KeyError::Unsigned { address, reason: error.to_string() })
    }
}

impl std::fmt::Debug for Wallet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Wallet({})", self.address())
    }
}

/// The address that a keystore says openly, if it says one: the format leaves that to whoever writes it. That it is true only
/// [`Wallet::open`] shows.
///
/// # Errors
/// [`KeyError::File`]; [`KeyError::Keystore`] where the file is none.
pub fn stated_address(path: &Path) -> Result<Option<Address>, KeyError> {
    let unread =
        |error: std::io::Error| KeyError::File { path: path.to_owned(), operation: "read", reason: error.to_string() };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unread)?;
    file.take(KEYSTORE_SIZE_MAX).read_to_end(&mut bytes).map_err(unread)?;
    let none = |why: &str| KeyError::Keystore { path: path.to_owned(), reason: format!("it is no keystore: {why}") };
    let keystore: Value = serde_json::from_slice(&bytes).map_err(|error| none(&error.to_string()))?;
    if keystore["version"] != 3 || !keystore["crypto"].is_object() {
        return Err(none("it has no `crypto`, or is not of version 3"));
    }
    Ok(keystore["address"].as_str().and_then(|digits| digits.parse().ok()))
}

/// Why a keystore does not open, from the library's words, whose types are another crate's.
fn reason(words: &str) -> String {
    if words == "Mac Mismatch" {
        return "the password is wrong".into();
    }
    match words.strip_prefix("serde-json: ") {
        Some(why) => format!("it is no keystore: {why}"),
        None => words.strip_prefix("IO: ").unwrap_or(words).into(),
    }
}

/// Lets nobody but the owner read a file.
fn restrict(path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    let _ = path;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::write;

    /// The example of the keystore format's own specification, version 3, with PBKDF2. Its example with scrypt has a cost of 2^18 for
    /// blocks of one, which RFC 7914 does not allow.
    const SPECIFIED: &str = r#"{
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": { "iv": "6087dab2f9fdbbfaddc31a909735c1e6" },
            "ciphertext": "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
            "kdf": "pbkdf2",
            "kdfparams": { "c": 262144, "dklen": 32, "prf": "hmac-sha256",
                "salt": "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd" },
            "mac": "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"
        },
        "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
        "version": 3
    }"#;
    const SPECIFIED_KEY: B256 =
        alloy_primitives::b256!("7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d");

    fn password_file(directory: &Path, password: &str) -> Password {
        let path = directory.join("password");
        write(&path, format!("{password}\n")).expect("the directory can be written");
        Password::File(path)
    }

    #[test]
    fn the_specifications_keystore_opens() {
        let directory = tempfile::tempdir().expect("there is room for a directory");
        let path = directory.path().join("key.json");
        write(&path, SPECIFIED).expect("the directory can be written");
        let wallet = Wallet::open(&path, &password_file(directory.path(), "testpassword")).expect("it opens");
        assert_eq!(wallet.address(), Wallet::from_secret(&SPECIFIED_KEY).expect("it is a key").address());

        let error = Wallet::open(&path, &password_file(directory.path(), "wrong")).expect_err("it must not open");
        assert!(matches!(&error, KeyError::Keystore { .. }), "{error}");
        assert!(error.to_string().ends_with("key.json does not open: the password is wrong"), "{error}");
        assert_eq!(stated_address(&path).expect("it is a keystore"), None);
        for foreign in ["{}", "no JSON", "[3]", r#"{ "version": 3, "crypto": 7 }"#] {
            write(&path, foreign).expect("the directory can be written");
            let error = Wallet::open(&path, &password_file(directory.path(), "testpassword")).expect_err("it is none");
            let unstated = stated_address(&path).expect_err("it is none");
            for error in [error, unstated] {
                assert!(matches!(error, KeyError::Keystore { .. }), "{error}");
                assert!(error.to_string().contains("key.json does not open: it is no keystore: "), "{error}");
            }
        }
        let missing = directory.path().join("none.json");
        let error = stated_address(&missing).expect_err("there is none");
        assert!(matches!(error, KeyError::File { operation: "read", .. }), "{error}");
    }

    #[test]
    fn a_new_key_comes_back_and_is_nobody_elses_to_read() {
        let directory = tempfile::tempdir().expect("there is room for a directory");
        let password = password_file(directory.path(), "correct horse");
        let (wallet, path) = Wallet::create(&directory.path().join("keys"), &password).expect("it can be written");
        let read = Wallet::open(&path, &password).expect("it opens");
        assert_eq!(read.address(), wallet.address());
        assert_eq!(stated_address(&path).expect("it is a keystore"), Some(wallet.address()));
        let files = std::fs::read_dir(directory.path().join("keys")).expect("it is there");
        assert_eq!(files.count(), 1, "nothing else is left");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&path).expect("it is there").permissions().mode();
            assert_eq!(mode & 0o077, 0, "mode {mode:o}");
        }
        let shown = format!("{wallet:?}");
        assert_eq!(shown, format!("Wallet({})", wallet.address()));
        let secret = hex::encode(wallet.signer.to_bytes());
        assert!(!shown.contains(&secret) && !std::fs::read_to_string(&path).expect("it is text").contains(&secret));
    }

    #[test]
    fn signatures_have_the_contracts_form() {
        // The signer of anvil's first account, over a hash; the address must come back from the signature.
        let wallet = Wallet::from_secret(&SPECIFIED_KEY).expect("it is a key");
        for byte in 0..16 {
            let hash = B256::repeat_byte(byte);
            let bytes = wallet.sign_hash(&hash).expect("it signs");
            assert!(bytes[64] == 27 || bytes[64] == 28);
            let signature = Signature::try_from(&bytes[..]).expect("it is a signature");
            assert!(signature.normalize_s().is_none(), "s must lie in the lower half");
            assert_eq!(signature.recover_address_from_prehash(&hash).expect("it recovers"), wallet.address());
        }
    }

    #[test]
    fn passwords_say_where_they_should_have_come_from() {
        let directory = tempfile::tempdir().expect("there is room for a directory");
        let missing = |password: Password| password.read().expect_err("there is none").to_string();
        assert!(missing(Password::Variable("ASSAY_NO_SUCH_VARIABLE".into())).contains("ASSAY_NO_SUCH_VARIABLE"));
        assert!(missing(Password::File(directory.path().join("none"))).contains("none"));
        assert!(missing(password_file(directory.path(), "")).contains("it is empty"));
        assert!(matches!(Wallet::from_secret(&B256::ZERO), Err(KeyError::Invalid)));
        assert!(matches!(Wallet::from_secret(&B256::repeat_byte(0xff)), Err(KeyError::Invalid)));
    }
}

//! `admin_*`: for the operator, on a port of its own, with a secret.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use alloy_primitives::hex;
use jsonrpsee::RpcModule;
use jsonrpsee::server::RegisterMethodError;
use jsonrpsee::types::ErrorObjectOwned;
use thiserror::Error;

use super::jwt;
use crate::core::Message;
use crate::gate::Gate;
use crate::refusal::Refusal;

/// The secret of the admin port. Never printed.
#[derive(Clone)]
pub struct Secret(Arc<[u8; 32]>);

/// Why there is no secret.
#[derive(Debug, Error)]
pub enum SecretError {
    /// Its file can't be read or written.
    #[error("can't {operation} the admin's secret {}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was being done.
        operation: &'static str,
        /// Why not.
        reason: String,
    },
    /// The file has something else.
    #[error("{} is no secret: wanted 32 bytes in hex", path.display())]
    Form {
        /// The file.
        path: PathBuf,
    },
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// Reads the secret, or makes one that only the owner can read.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn open(path: &Path) -> Result<Self, SecretError> {
        let failed = |operation, error: std::io::Error| {
            let (path, reason) = (path.to_owned(), error.to_string());
            SecretError::File { path, operation, reason }
        };
        match std::fs::read_to_string(path) {
            Ok(text) => {
                let bytes = hex::decode(text.trim()).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
                bytes.map(|bytes| Self(Arc::new(bytes))).ok_or_else(|| SecretError::Form { path: path.to_owned() })
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let bytes: [u8; 32] = rand::random();
                write_private(path, &hex::encode(bytes)).map_err(|error| failed("write", error))?;
                Ok(Self(Arc::new(bytes)))
            }
            Err(error) => Err(failed("read", error)),
        }
    }

    /// Checks the value of an Authorization header.
    pub(super) fn check(&self, authorization: &str, now: u64) -> Result<(), jwt::TokenError> {
        jwt::check(self.0.as_slice(), authorization, now)
    }

    /// A token of a time, in seconds since 1970: what a client of the admin port sends as `Authorization: Bearer`.
    pub fn token(&self, now: u64) -> String {
        jwt::token(self.0.as_slice(), now)
    }
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

/// What the admin port answers with.
pub struct Admin {
    core: tokio::sync::mpsc::Sender<Message>,
    gate: Gate,
}

/// The methods of the admin port.
///
/// # Errors
/// If two have one name, which a test sees.
pub fn module(core: tokio::sync::mpsc::Sender<Message>, gate: Gate) -> Result<RpcModule<Admin>, RegisterMethodError> {
    let mut module = RpcModule::new(Admin { core, gate });
    module.register_async_method("admin_status", |_, admin, _| async move {
        let (reply, counts) = tokio::sync::oneshot::channel();
        admin.core.send(Message::Count { reply }).await.map_err(|_| Refusal::stopping())?;
        let counts = counts.await.map_err(|_| Refusal::stopping())?;
        Ok::<_, ErrorObjectOwned>(serde_json::json!({
            "intake": admin.gate.closed().unwrap_or("open"),
            "isPaused": admin.gate.is_paused(),
            "tasks": counts.tasks,
            "queued": counts.queued,
            "running": counts.running,
            "ready": counts.ready,
            "executors": counts.executors,
            "nextSequence": counts.next_sequence,
            "nextBatch": counts.next_batch,
            "l1Block": counts.tip.map(|tip| tip.number),
        }))
    })?;
    module.register_method("admin_pauseIntake", |_, admin, _| {
        admin.gate.pause(true);
        Ok::<_, ErrorObjectOwned>(true)
    })?;
    module.register_method("admin_resumeIntake", |_, admin, _| {
        admin.gate.pause(false);
        Ok::<_, ErrorObjectOwned>(true)
    })?;
    module.register_async_method("admin_postNow", |_, admin, _| async move {
        admin.core.send(Message::PostNow).await.map_err(|_| Refusal::stopping())?;
        Ok::<_, ErrorObjectOwned>(true)
    })?;
    Ok(module)
}

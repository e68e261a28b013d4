//! Blobs from another process, and to it, over HTTP (`assay_protocol::rpc::blobs`).
//!
//! Owns requests, and going on where one broke off. Assumes nothing of the peer: bytes are hashed as they come and get their name only if
//! they are the blob; a peer that gives more, stalls, is too slow, or answers nonsense is an error. Never holds more of a blob in memory than a piece.

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{B256, Bytes, hex};
use assay_node::blobs::{BlobError, BlobReader, BlobStore, Upload, UploadLimits};
use assay_player::chain::Blobs;
use assay_protocol::BlobRef;
use assay_protocol::rpc::blobs::{UPLOAD_OFFSET, UPLOAD_TOKEN, path};
use reqwest::header::{HeaderValue, RANGE};
use reqwest::{RequestBuilder, Response, StatusCode, Url};
use thiserror::Error;
use tokio::time::{Instant, timeout_at};
use tracing::debug;

/// Bytes of one request's body when a blob is sent, and of one write when it comes.
const PIECE: u64 = 4 << 20;
/// Longest wait for a connection, and for the next bytes.
const PATIENCE: Duration = Duration::from_secs(20);
/// Least bytes in a second of a blob that comes, once the patience is over: whoever waits for it has a clock, and other peers to ask.
const BYTES_PER_SECOND_MIN: u64 = 256 << 10;
/// How long to wait before looking again whether another job has brought a blob.
const BESIDE_PAUSE: Duration = Duration::from_millis(50);
/// Attempts at one blob that get nowhere, one after the other.
const FAILURES_MAX: u32 = 4;

/// Why a blob did not come, or go.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The address is none.
    #[error("the address of a peer is wrong: {reason}")]
    Address {
        /// What is wrong with it.
        reason: String,
    },
    /// The peer can't be reached, or broke off.
    #[error("{peer} can't be reached: {reason}")]
    Unreachable {
        /// The peer.
        peer: String,
        /// What the transport says.
        reason: String,
    },
    /// The peer gives so little at a time that it is asked no more for now. What came is kept.
    #[error("{peer} gives less than {wanted} bytes a second")]
    Slow {
        /// The peer.
        peer: String,
        /// The least.
        wanted: u64,
    },
    /// The peer has not got it.
    #[error("{peer} has no blob {}", blob.root)]
    Missing {
        /// The peer.
        peer: String,
        /// The blob.
        blob: BlobRef,
    },
    /// The peer answers with an error.
    #[error("{peer} answers {got} {words}")]
    Refused {
        /// The peer.
        peer: String,
        /// The status.
        got: u16,
        /// What it says, the beginning.
        words: String,
    },
    /// The peer's answer is none to the question.
    #[error("{peer} answers nonsense: {reason}")]
    Malformed {
        /// The peer.
        peer: String,
        /// What is wrong.
        reason: String,
    },
    /// The blob can't be kept, or is another.
    #[error(transparent)]
    Blob(#[from] BlobError),
}

/// A peer's blobs. Cheap to clone; clones share connections.
#[derive(Clone, Debug)]
pub struct BlobPeer {
    client: reqwest::Client,
    base: Url,
    /// Whose uploads are those that this one sends.
    token: Option<HeaderValue>,
    /// How slowly a blob may come.
    limits: UploadLimits,
}

/// Bytes of a blob that is here, as a run takes them, held once. Blocks for as long as the disk takes.
///
/// # Errors
/// [`FetchError::Missing`], [`FetchError::Blob`].
pub fn input_of(blobs: &BlobStore, blob: &BlobRef) -> Result<Arc<[u8]>, FetchError> {
    let missing = || FetchError::Missing { peer: "this process".into(), blob: *blob };
    let mut reader = blobs.read(blob)?.ok_or_else(missing)?;
    // One allocation of the right size, which pieces are read into.
    let mut bytes: Arc<[u8]> = std::iter::repeat_n(0, blob.length as usize).collect();
    let room = Arc::get_mut(&mut bytes).expect("nobody else has it yet");
    for (index, room) in room.chunks_mut(PIECE as usize).enumerate() {
        let piece = reader.piece(index as u64 * PIECE, room.len()).map_err(|_| missing())?;
        room.copy_from_slice(&piece);
    }
    Ok(bytes)
}

impl BlobPeer {
    /// The blobs of a process at `http://`, `https://`, `ws://` or `wss://host:port`; a path is left aside.
    ///
    /// # Errors
    /// [`FetchError::Address`].
    pub fn new(address: &str) -> Result<Self, FetchError> {
        let wrong = |reason: String| FetchError::Address { reason };
        let mut base = Url::parse(address).map_err(|error| wrong(error.to_string()))?;
        let scheme = match base.scheme() {
            "ws" | "http" => "http",
            "wss" | "https" => "https",
            other => return Err(wrong(format!("{other} is none of http, https, ws, wss"))),
        };
        base.set_scheme(scheme).map_err(|()| wrong("the scheme can't be changed".into()))?;
        base.set_path("/");
        base.set_query(None);
        // The libraries agree on a TLS stack only where the process has named one; a second naming changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder().connect_timeout(PATIENCE).read_timeout(PATIENCE).no_proxy();
        // Certificates are read for `https` alone, so that a machine which has none reaches its own processes.
        let builder = if scheme == "http" { builder.tls_certs_only([]) } else { builder };
        let client = builder.build().map_err(|error| wrong(error.to_string()))?;
        let limits = UploadLimits { bytes_per_second_min: BYTES_PER_SECOND_MIN, ..UploadLimits::new(1, PATIENCE) };
        Ok(Self { client, base, token: None, limits })
    }

    /// The same with uploads that belong to whoever has this token. It is a secret between this process and that one.
    #[must_use]
    pub fn with_token(mut self, token: &B256) -> Self {
        let mut value = HeaderValue::from_str(&hex::encode(token)).expect("hex is ASCII");
        value.set_sensitive(true);
        self.token = Some(value);
        self
    }

    /// The same with another patience, and another least number of bytes in a second.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration, bytes_per_second_min: u64) -> Self {
        self.limits = UploadLimits { bytes_per_second_min, ..UploadLimits::new(1, patience) };
        self
    }

    /// Brings a blob here, unless it is here; goes on where an earlier attempt broke off.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn fetch(&self, blobs: &BlobStore, blob: &BlobRef) -> Result<(), FetchError> {
        let mut failures = 0;
        loop {
            let (asked, wanted) = (blobs.clone(), *blob);
            if blocking(move || asked.renew(&wanted)).await? {
                return Ok(());
            }
            let before = blobs.upload_offset(blob);
            let error = match self.fetch_on(blobs, blob, before).await {
                Ok(()) => return Ok(()),
                // Another job of this process is bringing it.
                Err(FetchError::Blob(BlobError::Uploading)) => {
                    tokio::time::sleep(BESIDE_PAUSE).await;
                    continue;
                }
                Err(error) => error,
            };
            let is_final = matches!(
                error,
                FetchError::Missing { .. }
                    | FetchError::Slow { .. }
                    | FetchError::Refused { got: 400..=499, .. }
                    | FetchError::Blob(_)
            );
            failures = if blobs.upload_offset(blob) > before { 0 } else { failures + 1 };
            if is_final || failures >= FAILURES_MAX {
                return Err(error);
            }
            debug!(%error, failures, "a blob broke off, going on");
        }
    }

    async fn fetch_on(&self, blobs: &BlobStore, blob: &BlobRef, offset: u64) -> Result<(), FetchError> {
        let (begun, wanted) = (blobs.clone(), *blob);
        let mut upload = blocking(move || begun.upload(&wanted, offset)).await?;
        if !upload.is_complete() {
            let request = self.client.get(self.url(blob)).header(RANGE, format!("bytes={offset}-"));
            let mut response = self.answer(request.send().await, blob).await?;
            match (response.status(), offset) {
                (StatusCode::PARTIAL_CONTENT, _) | (StatusCode::OK, 0) => {}
                (got, _) => return Err(self.malformed(format!("status {got} to a range from byte {offset}"))),
            }
            let limits = &self.limits;
            let (began, mut came, mut piece) = (Instant::now(), 0, Vec::new());
            let ended = loop {
                let bytes = match timeout_at(limits.due(began, came), response.chunk()).await {
                    Ok(Ok(Some(bytes))) => bytes,
                    Ok(Ok(None)) => break Ok(()),
                    Ok(Err(error)) => break Err(self.unreachable(&error)),
                    Err(_) => break Err(FetchError::Slow { peer: self.peer(), wanted: limits.bytes_per_second_min }),
                };
                came += bytes.len() as u64;
                if upload.offset() + (piece.len() + bytes.len()) as u64 > blob.length {
                    return Err(self.malformed("more bytes than the blob has".into()));
                }
                piece.extend_from_slice(&bytes);
                if piece.len() as u64 >= PIECE {
                    upload = written(upload, std::mem::take(&mut piece)).await?;
                }
            };
            // However it ended: the next attempt goes on behind it.
            upload = written(upload, piece).await?;
            ended?;
            if !upload.is_complete() {
                return Err(self.malformed(format!("it ends at byte {} of {}", upload.offset(), blob.length)));
            }
        }
        Ok(blocking(move || upload.finish()).await?)
    }

    /// Sends a blob, unless the peer has it; goes on where an earlier attempt broke off.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn send(&self, blobs: &BlobStore, blob: &BlobRef) -> Result<(), FetchError> {
        let (asked, wanted) = (blobs.clone(), *blob);
        let reader = blocking(move || asked.read(&wanted)).await?;
        let mut reader = reader.ok_or(FetchError::Missing { peer: "this process".into(), blob: *blob })?;
        let (mut offset, mut failures) = (self.offset(blob).await?, 0);
        while let Some(from) = offset {
            let length = (blob.length - from).min(PIECE);
            let (kept, piece) = piece_of(reader, from, length).await?;
            reader = kept;
            let request = self.as_uploader(self.client.put(self.url(blob))).header(UPLOAD_OFFSET, from).body(piece.0);
            let response = request.send().await.map_err(|error| self.unreachable(&error));
            let outcome = match response {
                Ok(response) => match response.status() {
                    StatusCode::CREATED => return Ok(()),
                    StatusCode::ACCEPTED if from + length < blob.length => Ok(()),
                    // Another connection, or an earlier one, was further or less far: the peer says where to go on.
                    _ => Err(self.refused(response).await),
                },
                Err(error) => Err(error),
            };
            match outcome {
                Ok(()) => (offset, failures) = (Some(from + length), 0),
                Err(error) => {
                    failures += 1;
                    if failures >= FAILURES_MAX {
                        return Err(error);
                    }
                    debug!(%error, failures, "a blob broke off, going on");
                    offset = self.offset(blob).await?;
                }
            }
        }
        Ok(())
    }

    fn as_uploader(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.token {
            Some(token) => request.header(UPLOAD_TOKEN, token.clone()),
            None => request,
        }
    }

    /// Bytes of a blob that the peer has from an upload of ours; none if it has the blob.
    async fn offset(&self, blob: &BlobRef) -> Result<Option<u64>, FetchError> {
        let request = self.as_uploader(self.client.head(self.url(blob)));
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        match response.status() {
            StatusCode::OK => Ok(None),
            StatusCode::NOT_FOUND => {
                let offset = response.headers().get(UPLOAD_OFFSET).and_then(|value| value.to_str().ok()?.parse().ok());
                let offset = offset.unwrap_or(0);
                if offset > blob.length {
                    return Err(self.malformed(format!("{offset} bytes of a blob of {}", blob.length)));
                }
                Ok(Some(offset))
            }
            _ => Err(self.refused(response).await),
        }
    }

    async fn answer(&self, sent: Result<Response, reqwest::Error>, blob: &BlobRef) -> Result<Response, FetchError> {
        let response = sent.map_err(|error| self.unreachable(&error))?;
        match response.status() {
            StatusCode::NOT_FOUND => Err(FetchError::Missing { peer: self.peer(), blob: *blob }),
            status if status.is_success() => Ok(response),
            _ => Err(self.refused(response).await),
        }
    }

    async fn refused(&self, mut response: Response) -> FetchError {
        let got = response.status().as_u16();
        // A peer may say anything, at any length.
        let words = response.chunk().await.ok().flatten().unwrap_or_default();
        let words = String::from_utf8_lossy(&words[..words.len().min(256)]).into_owned();
        FetchError::Refused { peer: self.peer(), got, words }
    }

    fn url(&self, blob: &BlobRef) -> Url {
        let mut url = self.base.clone();
        url.set_path(&path(blob));
        url
    }

    /// The peer, without what may be secret.
    #[must_use]
    pub fn peer(&self) -> String {
        format!(
            "{}://{}:{}",
            self.base.scheme(),
            self.base.host_str().unwrap_or_default(),
            self.base.port_or_known_default().unwrap_or_default()
        )
    }

    fn unreachable(&self, error: &reqwest::Error) -> FetchError {
        let cause = std::error::Error::source(error).map_or_else(String::new, |cause| format!("{cause}"));
        let kind = if error.is_timeout() { "no answer in time " } else { "" };
        FetchError::Unreachable { peer: self.peer(), reason: format!("{kind}{cause}") }
    }

    fn malformed(&self, reason: String) -> FetchError {
        FetchError::Malformed { peer: self.peer(), reason }
    }
}

/// Blobs that L1 has not, from the process's own store, then from peers in turn. It blocks, and waits for the network: ask from a worker
/// thread of a runtime.
#[derive(Clone)]
pub struct PeerBlobs {
    /// The process's own.
    pub blobs: BlobStore,
    /// Peers, in the order in which they are asked.
    pub peers: Vec<BlobPeer>,
    /// The runtime that waits.
    pub runtime: tokio::runtime::Handle,
}

impl Blobs for PeerBlobs {
    fn fetch(&self, blob: &BlobRef) -> Result<Option<Arc<[u8]>>, String> {
        let (got, most) = (blob.length, self.blobs.config().blob_bytes_max);
        if got > most {
            return Err(BlobError::TooLong { got, most }.to_string());
        }
        let mut reasons = Vec::new();
        for peer in std::iter::once(None).chain(self.peers.iter().map(Some)) {
            if let Some(peer) = peer
                && let Err(error) = self.runtime.block_on(peer.fetch(&self.blobs, blob))
            {
                reasons.push(error.to_string());
                continue;
            }
            match input_of(&self.blobs, blob) {
                Ok(bytes) => return Ok(Some(bytes)),
                Err(FetchError::Missing { .. }) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        if reasons.is_empty() { Ok(None) } else { Err(reasons.join("; ")) }
    }
}

async fn piece_of(mut reader: BlobReader, offset: u64, length: u64) -> Result<(BlobReader, Bytes), FetchError> {
    let read = tokio::task::spawn_blocking(move || reader.piece(offset, length as usize).map(|piece| (reader, piece)));
    let read = read.await.expect("reading does not panic, and a runtime that ends it ends its caller too");
    read.map_err(|error| FetchError::Malformed { peer: "this process".into(), reason: error.to_string() })
}

async fn written(mut upload: Upload, piece: Vec<u8>) -> Result<Upload, BlobError> {
    if piece.is_empty() {
        return Ok(upload);
    }
    blocking(move || upload.write(&piece).map(|()| upload)).await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, BlobError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.expect("blobs do not panic, and a runtime that ends this ends its caller too")
}

//! Inputs and outputs of any length, over HTTP on the sequencer's port (`assay_protocol::rpc::blobs`).
//!
//! Owns requests, and going on where one broke off. Bytes are hashed as they come and are believed only when they are the blob. No more
//! of a blob is in memory than a piece of it, unless it is asked for whole.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use alloy_primitives::{B256, hex};
use assay_machine::memory::{BlobHasher, commit_blob};
use assay_protocol::BlobRef;
use assay_protocol::rpc::ErrorCode;
use assay_protocol::rpc::blobs::{UPLOAD_OFFSET, UPLOAD_TOKEN, path};
use reqwest::header::{HeaderValue, RANGE};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use url::Url;

use crate::api::http_client;
use crate::error::ClientError;

/// Bytes of one request's body when a blob is sent, and of one write when it comes.
const PIECE: u64 = 4 << 20;
/// Attempts at one blob that get nowhere, one after the other.
const FAILURES_MAX: u32 = 5;

/// Name of a file's bytes as a blob. Blocks for as long as reading the file takes.
///
/// # Errors
/// [`ClientError::File`], [`ClientError::BlobTooLong`].
pub fn blob_of_file(file: &Path) -> Result<BlobRef, ClientError> {
    let failed = |reason| ClientError::File { path: file.to_owned(), operation: "read", reason };
    let mut hasher = BlobHasher::new();
    take(&mut File::open(file).map_err(failed)?, &mut hasher).map_err(failed)??;
    Ok(hasher.finish())
}

/// A sequencer's blobs. Cheap to clone; clones share connections.
#[derive(Clone, Debug)]
pub struct BlobClient {
    client: reqwest::Client,
    base: Url,
    /// Whose uploads are those that this one sends.
    token: Option<HeaderValue>,
}

/// What is sent.
enum Bytes<'a> {
    Slice(&'a [u8]),
    File(&'a Path),
}

/// What a refusal says.
#[derive(Deserialize)]
struct Refusal {
    code: String,
    message: String,
    retryable: bool,
}

impl BlobClient {
    /// The blobs of a sequencer, or of an executor, at `http://`, `https://`, `ws://` or `wss://host:port`.
    ///
    /// # Errors
    /// [`ClientError::Address`].
    pub fn new(address: &str) -> Result<Self, ClientError> {
        let wrong = |reason: String| ClientError::Address { reason };
        let mut base = Url::parse(address).map_err(|error| wrong(error.to_string()))?;
        let scheme = match base.scheme() {
            "ws" | "http" => "http",
            "wss" | "https" => "https",
            other => return Err(wrong(format!("its scheme is {other}, wanted http, https, ws or wss"))),
        };
        base.set_scheme(scheme).map_err(|()| wrong("its scheme can't be changed".into()))?;
        let client = http_client(&base).map_err(|error| wrong(error.to_string()))?;
        Ok(Self { client, base, token: None })
    }

    /// The same with uploads that belong to whoever has this secret, from whatever address they come. Without it they are the address's, and
    /// whoever shares that, behind one proxy for example, may hold them up.
    #[must_use]
    pub fn with_token(mut self, token: &B256) -> Self {
        let mut value = HeaderValue::from_str(&hex::encode(token)).expect("hex is ASCII");
        value.set_sensitive(true);
        self.token = Some(value);
        self
    }

    /// Sends bytes, unless they are there; returns their name.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn upload(&self, bytes: &[u8]) -> Result<BlobRef, ClientError> {
        let too_long =
            |error: assay_machine::memory::BlobTooLong| ClientError::BlobTooLong { got: error.got, most: error.wanted };
        let blob = commit_blob(bytes).map_err(too_long)?;
        self.send(&blob, Bytes::Slice(bytes), |_| {}).await?;
        Ok(blob)
    }

    /// Sends a file, unless it is there, and goes on where an earlier attempt broke off. `progress` is told the bytes that are there.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn upload_file(&self, file: &Path, progress: impl FnMut(u64)) -> Result<BlobRef, ClientError> {
        let owned = file.to_owned();
        let blob = blocking(move || blob_of_file(&owned)).await?;
        self.send(&blob, Bytes::File(file), progress).await?;
        Ok(blob)
    }

    async fn send(&self, blob: &BlobRef, bytes: Bytes<'_>, mut progress: impl FnMut(u64)) -> Result<(), ClientError> {
        let (mut offset, mut failures) = (self.offset(blob).await?, 0);
        // Bytes that are there already may be wrong: once, all are sent anew.
        let (mut is_resumed, mut is_anew) = (offset > Some(0), false);
        while let Some(from) = offset {
            progress(from);
            let length = (blob.length - from).min(PIECE);
            let piece = piece(&bytes, from, length).await?;
            let request = self.as_uploader(self.client.put(self.url(blob))).header(UPLOAD_OFFSET, from);
            let sent = request.body(piece).send().await;
            let outcome = match sent.map_err(unreachable) {
                Ok(response) if response.status() == StatusCode::CREATED => break,
                Ok(response) if response.status() == StatusCode::ACCEPTED && from + length < blob.length => Ok(()),
                // Another connection, or an earlier one, was further or less far: the server says where to go on.
                Ok(response) => Err(refused(response).await),
                Err(error) => Err(error),
            };
            match outcome {
                Ok(()) => (offset, failures) = (Some(from + length), 0),
                Err(error) if is_resumed && !is_anew && matches!(error.code(), Some(ErrorCode::WrongBlob)) => {
                    (offset, is_anew) = (Some(0), true);
                }
                Err(error) if failures + 1 >= FAILURES_MAX || matches!(error.code(), Some(ErrorCode::WrongBlob)) => {
                    return Err(error);
                }
                Err(_) => {
                    failures += 1;
                    offset = self.offset(blob).await?;
                    is_resumed |= offset > Some(0);
                }
            }
        }
        progress(blob.length);
        Ok(())
    }

    fn as_uploader(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.token {
            Some(token) => request.header(UPLOAD_TOKEN, token.clone()),
            None => request,
        }
    }

    /// Bytes that the server has from an upload; none if it has the blob.
    async fn offset(&self, blob: &BlobRef) -> Result<Option<u64>, ClientError> {
        let request = self.as_uploader(self.client.head(self.url(blob)));
        let response = request.send().await.map_err(unreachable)?;
        match response.status() {
            StatusCode::OK => Ok(None),
            StatusCode::NOT_FOUND => {
                let offset = response.headers().get(UPLOAD_OFFSET).and_then(|value| value.to_str().ok()?.parse().ok());
                Ok(Some(offset.unwrap_or(0).min(blob.length)))
            }
            _ => Err(refused(response).await),
        }
    }

    /// A blob's bytes, if they are at most so many.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn fetch(&self, blob: &BlobRef, most: u64) -> Result<Vec<u8>, ClientError> {
        if blob.length > most {
            return Err(ClientError::BlobTooLong { got: blob.length, most });
        }
        let mut bytes = Vec::new();
        let mut failures = 0;
        let take = |bytes: &mut Vec<u8>, piece: &[u8]| {
            bytes.extend_from_slice(piece);
            Ok(())
        };
        while let Err(error) = self.fetch_on(blob, bytes.len() as u64, |piece| take(&mut bytes, piece)).await {
            failures += 1;
            if failures >= FAILURES_MAX || !error.is_retryable() {
                return Err(error);
            }
        }
        let got = commit_blob(&bytes).expect("it is no longer than the blob that was asked for");
        if got != *blob {
            return Err(ClientError::WrongBlob { got, wanted: *blob });
        }
        Ok(bytes)
    }

    /// Brings a blob into a file, which appears whole or not at all. What an attempt that broke off has left beside it, in `.partial`, is
    /// gone on with. `progress` is told the bytes that are here.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn download(
        &self,
        blob: &BlobRef,
        file: &Path,
        mut progress: impl FnMut(u64),
    ) -> Result<(), ClientError> {
        let mut name = file.as_os_str().to_owned();
        name.push(".partial");
        let partial = PathBuf::from(name);
        let (begun, length) = (partial.clone(), blob.length);
        let (mut written, mut hasher) = blocking(move || begin(&begun, length)).await?;
        let mut failures = 0;
        while hasher.length() < blob.length || failures == 0 && blob.length == 0 {
            let before = hasher.length();
            let outcome = self
                .fetch_on(blob, before, |bytes| {
                    let failed = |reason| ClientError::File { path: partial.clone(), operation: "write", reason };
                    written.write_all(bytes).map_err(failed)?;
                    hasher.write(bytes).expect("it is no longer than the blob that was asked for");
                    progress(hasher.length());
                    Ok(())
                })
                .await;
            match outcome {
                Ok(()) => break,
                Err(error) => {
                    failures = if hasher.length() > before { 1 } else { failures + 1 };
                    if failures >= FAILURES_MAX || !error.is_retryable() {
                        return Err(error);
                    }
                }
            }
        }
        let got = hasher.finish();
        let failed = |operation, reason| ClientError::File { path: file.to_owned(), operation, reason };
        if got != *blob {
            // Nothing of it is of use.
            std::fs::remove_file(&partial).map_err(|reason| failed("remove what was wrong beside", reason))?;
            return Err(ClientError::WrongBlob { got, wanted: *blob });
        }
        written.sync_all().map_err(|reason| failed("write", reason))?;
        std::fs::rename(&partial, file).map_err(|reason| failed("write", reason))
    }

    /// Takes the bytes of a blob from an offset on, at most those that are missing.
    async fn fetch_on(
        &self,
        blob: &BlobRef,
        offset: u64,
        mut take: impl FnMut(&[u8]) -> Result<(), ClientError>,
    ) -> Result<(), ClientError> {
        let request = self.client.get(self.url(blob));
        let request = if offset > 0 { request.header(RANGE, format!("bytes={offset}-")) } else { request };
        let mut response = request.send().await.map_err(unreachable)?;
        match (response.status(), offset) {
            (StatusCode::PARTIAL_CONTENT, _) | (StatusCode::OK, 0) => {}
            (StatusCode::NOT_FOUND, _) => return Err(ClientError::MissingBlob { blob: *blob }),
            (status, _) if status.is_success() => {
                return Err(ClientError::Malformed {
                    reason: format!("status {status} to a range from byte {offset}"),
                });
            }
            _ => return Err(refused(response).await),
        }
        let mut at = offset;
        while let Some(bytes) = response.chunk().await.map_err(unreachable)? {
            at += bytes.len() as u64;
            if at > blob.length {
                return Err(ClientError::Malformed { reason: "more bytes than the blob has".into() });
            }
            take(&bytes)?;
        }
        match at == blob.length {
            true => Ok(()),
            false => Err(ClientError::Unreachable { reason: format!("it broke off at byte {at} of {}", blob.length) }),
        }
    }

    fn url(&self, blob: &BlobRef) -> Url {
        let mut url = self.base.clone();
        url.set_path(&path(blob));
        url.set_query(None);
        url
    }
}

/// Opens what an earlier attempt has left, and hashes it.
fn begin(partial: &Path, length: u64) -> Result<(File, BlobHasher), ClientError> {
    let failed = |reason| ClientError::File { path: partial.to_owned(), operation: "write", reason };
    let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(partial);
    let mut file = options.map_err(failed)?;
    let mut hasher = BlobHasher::new();
    if file.metadata().map_err(failed)?.len() > length {
        file.set_len(0).map_err(failed)?;
    }
    take(&mut file, &mut hasher).map_err(failed)??;
    Ok((file, hasher))
}

/// Hashes the rest of a file, and leaves it at its end.
fn take(file: &mut File, hasher: &mut BlobHasher) -> std::io::Result<Result<(), ClientError>> {
    let mut piece = vec![0; 1 << 20];
    loop {
        let count = file.read(&mut piece)?;
        if count == 0 {
            return Ok(Ok(()));
        }
        if let Err(error) = hasher.write(&piece[..count]) {
            return Ok(Err(ClientError::BlobTooLong { got: error.got, most: error.wanted }));
        }
    }
}

async fn piece(bytes: &Bytes<'_>, from: u64, length: u64) -> Result<Vec<u8>, ClientError> {
    match bytes {
        Bytes::Slice(bytes) => Ok(bytes[from as usize..(from + length) as usize].to_vec()),
        Bytes::File(file) => {
            let file = file.to_path_buf();
            blocking(move || {
                let failed = |reason| ClientError::File { path: file.clone(), operation: "read", reason };
                let mut read = File::open(&file).map_err(failed)?;
                read.seek(SeekFrom::Start(from)).map_err(failed)?;
                let mut piece = vec![0; length as usize];
                read.read_exact(&mut piece).map_err(failed)?;
                Ok(piece)
            })
            .await
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ClientError> + Send + 'static,
) -> Result<T, ClientError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.expect("reading and hashing do not panic, and a runtime that ends them ends their caller too")
}

fn unreachable(error: reqwest::Error) -> ClientError {
    let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), |cause| cause.to_string());
    ClientError::Unreachable { reason: cause }
}

/// What a status that is no success says, the beginning of it.
async fn refused(mut response: Response) -> ClientError {
    let status = response.status();
    let words = response.chunk().await.ok().flatten().unwrap_or_default();
    match serde_json::from_slice::<Refusal>(&words) {
        Ok(Refusal { code, message, retryable }) => {
            ClientError::Refused { code: code.parse().ok(), number: i64::from(status.as_u16()), message, retryable }
        }
        Err(_) => {
            let message = String::from_utf8_lossy(&words[..words.len().min(256)]).into_owned();
            let retryable = status.is_server_error();
            ClientError::Refused { code: None, number: i64::from(status.as_u16()), message, retryable }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    fn reply(status: &str, header: &str, body: &str) -> String {
        let length = body.len();
        format!("HTTP/1.1 {status}\r\nconnection: close\r\n{header}content-length: {length}\r\n\r\n{body}")
    }

    /// Answers requests in turn, each on a connection of its own. Of each: the method, the offset that it goes on from, and its token.
    fn serve(listener: TcpListener, replies: Vec<String>) -> JoinHandle<Vec<[String; 3]>> {
        let answered = move |reply: String| {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(&stream);
            let mut lines = (&mut reader).lines().map(Result::unwrap).take_while(|line| !line.is_empty());
            let method = lines.next().unwrap().split(' ').next().unwrap().to_owned();
            let header =
                |line: String| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
            let headers: HashMap<String, String> = lines.filter_map(header).collect();
            let of = |name: &str| headers.get(name).cloned().unwrap_or_default();
            reader.read_exact(&mut vec![0; of("content-length").parse().unwrap_or(0)]).unwrap();
            (&stream).write_all(reply.as_bytes()).unwrap();
            [method, of(UPLOAD_OFFSET), of(UPLOAD_TOKEN)]
        };
        std::thread::spawn(move || replies.into_iter().map(answered).collect())
    }

    #[tokio::test]
    async fn wrong_bytes_of_an_earlier_upload_are_sent_anew_once() {
        let begun = reply("404 Not Found", "upload-offset: 40\r\n", "");
        let words = r#"{"code":"WRONG_BLOB","message":"the bytes are another blob","retryable":false}"#;
        let (wrong, created) = (reply("422 Unprocessable Entity", "", words), reply("201 Created", "", ""));
        for (last, is_sent) in [(created, true), (wrong.clone(), false)] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = format!("http://{}", listener.local_addr().unwrap());
            let client = BlobClient::new(&address).unwrap().with_token(&B256::repeat_byte(7));
            let served = serve(listener, vec![begun.clone(), wrong.clone(), last]);
            let sent = client.upload(&[7; 100]).await;
            assert_eq!(sent.is_ok(), is_sent, "{sent:?}");
            let token = "07".repeat(32);
            let asked = [("HEAD", ""), ("PUT", "40"), ("PUT", "0")];
            assert_eq!(served.join().unwrap(), asked.map(|(method, offset)| [method, offset, token.as_str()]));
        }
    }
}

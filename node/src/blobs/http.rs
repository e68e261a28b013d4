//! Blobs over HTTP (`assay_protocol::rpc::blobs`): GET with ranges, HEAD, PUT that goes on where it stopped.
//!
//! Owns the meaning of requests, not the connection: whoever serves calls [`BlobHttp::respond`] for paths under [`PATH`]. Assumes nothing of the
//! peer: a body that is too long is refused before it is read, one that dawdles is cut, and uploads at once are bounded, in all and from one
//! address. An upload belongs to its uploader, and nobody else goes on with it. Errors are JSON, `{code, message, retryable}`, with the codes
//! of the RPC and some of their own.

use std::fmt::Display;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use alloy_primitives::Bytes;
use assay_protocol::rpc::blobs::{self, BlobNameError, PATH, UPLOAD_OFFSET, UPLOAD_TOKEN, UPLOAD_TOKEN_BYTES_MAX};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{
    ACCEPT_RANGES, ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue,
    IF_NONE_MATCH, RANGE,
};
use hyper::{Method, Request, Response, StatusCode};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::partial::Tag;
use super::{BlobError, BlobReader, BlobStore, Partial, Upload, UploadLimits, Uploader};
use crate::addresses::Places;

/// Bytes that are read from the disk, or written to it, at once.
const PIECE: usize = 256 << 10;
/// Longest body that is read though it is not wanted.
const UNWANTED_BYTES_MAX: u64 = 8 << 20;

/// The handler: the blobs, and what a peer may cost.
#[derive(Clone, Debug)]
pub struct BlobHttp {
    blobs: BlobStore,
    uploads: Places,
    limits: UploadLimits,
}

/// Why a request is not answered with a blob.
struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    retryable: bool,
    /// Bytes of an upload that are here, where that helps.
    offset: Option<u64>,
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, message: impl Display) -> Self {
        Self { status, code, message: message.to_string(), retryable: status.is_server_error(), offset: None }
    }
}

impl From<BlobNameError> for Refusal {
    fn from(error: BlobNameError) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "WRONG_BLOB", error)
    }
}

impl From<BlobError> for Refusal {
    fn from(error: BlobError) -> Self {
        let (status, code) = match &error {
            BlobError::TooLong { .. } | BlobError::Overrun { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "INPUT_LENGTH"),
            BlobError::WrongBlob { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "WRONG_BLOB"),
            BlobError::Offset { .. } => (StatusCode::CONFLICT, "UPLOAD_OFFSET"),
            BlobError::Uploading => (StatusCode::LOCKED, "BUSY"),
            BlobError::NoRoom { .. } | BlobError::DiskLow { .. } | BlobError::DiskFull { .. } => {
                (StatusCode::INSUFFICIENT_STORAGE, "UNAVAILABLE")
            }
            BlobError::File { .. } | BlobError::Store(_) => {
                // Paths and keys are the operator's business.
                tracing::error!(%error, "blobs can't be read or written");
                return Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "UNAVAILABLE",
                    "blobs can't be read or written now",
                );
            }
        };
        let offset = if let BlobError::Offset { wanted, .. } = error { Some(wanted) } else { None };
        let retryable = matches!(error, BlobError::Uploading) || status.is_server_error();
        Self { offset, retryable, ..Self::new(status, code, error) }
    }
}

impl BlobHttp {
    /// Serves these blobs, with at most so many uploads at once and so long a wait for the next bytes of one.
    pub fn new(blobs: BlobStore, uploads_max: usize, patience: Duration) -> Self {
        Self::with_limits(blobs, UploadLimits::new(uploads_max, patience))
    }

    /// Serves these blobs, with all bounds of uploads. Who uploads, is said by an [`Uploader`] among the request's extensions.
    pub fn with_limits(blobs: BlobStore, limits: UploadLimits) -> Self {
        Self { blobs, uploads: limits.places(), limits }
    }

    /// Answers a request whose path begins with [`PATH`].
    pub async fn respond<B>(&self, request: Request<B>) -> Response<BlobBody>
    where
        B: Body<Data = hyper::body::Bytes> + Unpin,
    {
        let answered = match (request.method().clone(), asked(&request)) {
            (_, Err(refusal)) => Err(refusal),
            (Method::GET, Ok(asked)) => self.get(asked, request.headers(), true).await,
            (Method::HEAD, Ok(asked)) => self.get(asked, request.headers(), false).await,
            (Method::PUT, Ok(asked)) => self.put(asked, request).await,
            _ => Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD", "there is GET, HEAD and PUT")),
        };
        answered.unwrap_or_else(refused)
    }

    async fn get(&self, asked: Partial, headers: &HeaderMap, with_body: bool) -> Result<Response<BlobBody>, Refusal> {
        let (blobs, blob) = (self.blobs.clone(), asked.blob);
        let (found, left) = blocking(move || Ok((blobs.read(&blob)?, blobs.offset_of(&asked)))).await?;
        let Some(reader) = found else {
            let message = "this blob is not here";
            return Err(Refusal {
                offset: Some(left),
                ..Refusal::new(StatusCode::NOT_FOUND, "MISSING_INPUT", message)
            });
        };
        let tag = format!("\"{}\"", blobs::name(&blob));
        let mut response = Response::new(BlobBody::Empty);
        let answer = response.headers_mut();
        answer.insert(ETAG, header(&tag));
        answer.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        answer.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
        answer.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        if headers.get(IF_NONE_MATCH).is_some_and(|given| given.as_bytes() == tag.as_bytes()) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return Ok(response);
        }
        let (start, end) = match headers.get(RANGE).map(|range| range_of(range, blob.length)) {
            None | Some(Asked::Everything) => (0, blob.length),
            Some(Asked::Part(start, end)) => {
                answer.insert(CONTENT_RANGE, header(&format!("bytes {start}-{}/{}", end - 1, blob.length)));
                *response.status_mut() = StatusCode::PARTIAL_CONTENT;
                (start, end)
            }
            Some(Asked::Nothing) => {
                answer.insert(CONTENT_RANGE, header(&format!("bytes */{}", blob.length)));
                *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
                return Ok(response);
            }
        };
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(end - start));
        if with_body && start < end {
            *response.body_mut() = BlobBody::Pieces { reader: Some(reader), reading: None, next: start, end };
        }
        Ok(response)
    }

    async fn put<B>(&self, asked: Partial, request: Request<B>) -> Result<Response<BlobBody>, Refusal>
    where
        B: Body<Data = hyper::body::Bytes> + Unpin,
    {
        let blob = asked.blob;
        let offset: u64 = match request.headers().get(UPLOAD_OFFSET) {
            None => 0,
            Some(value) => value.to_str().ok().and_then(|text| text.parse().ok()).ok_or_else(|| {
                Refusal::new(StatusCode::BAD_REQUEST, "UPLOAD_OFFSET", "Upload-Offset is a decimal number of bytes")
            })?,
        };
        let size = request.body().size_hint();
        if offset.saturating_add(size.lower()) > blob.length {
            let (got, wanted) = (offset.saturating_add(size.lower()), blob.length);
            return Err(BlobError::Overrun { got, wanted }.into());
        }
        let uploader = request.extensions().get().copied().unwrap_or(Uploader::NOBODY);
        let Some(_place) = self.uploads.take(uploader.address, uploader.is_known) else {
            let message = "too many uploads at once, in all or from this address, try again later";
            return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "BUSY", message));
        };
        let (blobs, reserve) = (self.blobs.clone(), uploader.reserve(self.blobs.config().disk_reserve_bytes));
        let begun = blocking(move || blobs.upload_missing(&asked, offset, reserve)).await;
        let mut body = request.into_body();
        let mut upload = match begun {
            Ok(Some(upload)) => upload,
            unwanted => {
                self.pass_over(&mut body).await;
                return unwanted.map(|_| plain(StatusCode::CREATED, blob.length));
            }
        };
        let mut piece = Vec::with_capacity(PIECE);
        let (began, mut came) = (Instant::now(), 0);
        loop {
            let frame = tokio::time::timeout_at(self.limits.due(began, came), body.frame()).await;
            match frame {
                Ok(Some(Ok(frame))) => {
                    let Ok(bytes) = frame.into_data() else { continue };
                    came += bytes.len() as u64;
                    piece.extend_from_slice(&bytes);
                    if piece.len() >= PIECE {
                        upload = written(upload, std::mem::take(&mut piece)).await?;
                    }
                }
                Ok(None) => break,
                // What has come is kept: the peer goes on from the offset that HEAD says.
                Ok(Some(Err(_))) | Err(_) => {
                    let upload = written(upload, piece).await?;
                    let message = "the body broke off or came too slowly, go on from Upload-Offset";
                    let offset = Some(upload.offset());
                    return Err(Refusal {
                        offset,
                        retryable: true,
                        ..Refusal::new(StatusCode::REQUEST_TIMEOUT, "UPLOAD_OFFSET", message)
                    });
                }
            }
        }
        let upload = written(upload, piece).await?;
        if !upload.is_complete() {
            return Ok(plain(StatusCode::ACCEPTED, upload.offset()));
        }
        blocking(move || upload.finish()).await?;
        Ok(plain(StatusCode::CREATED, blob.length))
    }

    /// Reads a body that is not wanted, if it is not long: its sender looks at the answer once it has sent all, and would find the connection
    /// closed instead.
    async fn pass_over<B: Body + Unpin>(&self, body: &mut B) {
        if body.size_hint().upper().is_none_or(|bytes| bytes > UNWANTED_BYTES_MAX) {
            return;
        }
        let due = Instant::now() + self.limits.patience;
        while let Ok(Some(Ok(_))) = tokio::time::timeout_at(due, body.frame()).await {}
    }
}

/// Writes a piece on a thread that may block.
async fn written(mut upload: Upload, piece: Vec<u8>) -> Result<Upload, Refusal> {
    if piece.is_empty() {
        return Ok(upload);
    }
    blocking(move || upload.write(&piece).map(|()| upload)).await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, Refusal> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.expect("blobs do not panic, and a runtime that ends this ends its caller too")?)
}

/// The blob that a request names, and whose uploads of it are meant.
fn asked<B>(request: &Request<B>) -> Result<Partial, Refusal> {
    let path = request.uri().path();
    let blob = blobs::parse(path.strip_prefix(PATH).unwrap_or(path))?;
    let tag = match request.headers().get(UPLOAD_TOKEN).map(HeaderValue::as_bytes) {
        None => {
            let uploader = request.extensions().get::<Uploader>();
            uploader.map(|uploader| Tag::of_address(uploader.address)).unwrap_or_default()
        }
        Some(token)
            if (1..=UPLOAD_TOKEN_BYTES_MAX).contains(&token.len()) && token.iter().all(u8::is_ascii_graphic) =>
        {
            Tag::of_token(token)
        }
        Some(_) => {
            let message = format!("Upload-Token is 1 to {UPLOAD_TOKEN_BYTES_MAX} bytes of visible ASCII");
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "UPLOAD_TOKEN", message));
        }
    };
    Ok(Partial { blob, tag })
}

/// What a Range header asks for.
enum Asked {
    /// All of it: no range that we know, which may be left aside.
    Everything,
    /// From a byte to before another.
    Part(u64, u64),
    /// Nothing that is there.
    Nothing,
}

/// One range of bytes; a list of them is left aside, as is allowed.
fn range_of(range: &HeaderValue, length: u64) -> Asked {
    let parsed = range.to_str().ok().and_then(|text| text.strip_prefix("bytes=")).and_then(|text| text.split_once('-'));
    let Some((first, last)) = parsed else { return Asked::Everything };
    let asked = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => (first, last.saturating_add(1).min(length)),
        (Ok(first), Err(_)) if last.is_empty() => (first, length),
        (Err(_), Ok(last)) if first.is_empty() => (length.saturating_sub(last), length),
        _ => return Asked::Everything,
    };
    if asked.0 < asked.1 { Asked::Part(asked.0, asked.1) } else { Asked::Nothing }
}

fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("names, numbers and units are ASCII")
}

fn plain(status: StatusCode, offset: u64) -> Response<BlobBody> {
    let mut response = Response::new(BlobBody::Empty);
    *response.status_mut() = status;
    response.headers_mut().insert(UPLOAD_OFFSET, HeaderValue::from(offset));
    response
}

fn refused(refusal: Refusal) -> Response<BlobBody> {
    let Refusal { status, code, message, retryable, offset } = refusal;
    let body = serde_json::json!({ "code": code, "message": message, "retryable": retryable }).to_string();
    let mut response = Response::new(BlobBody::Whole(Some(body.into_bytes().into())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(offset) = offset {
        response.headers_mut().insert(UPLOAD_OFFSET, HeaderValue::from(offset));
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD, PUT"));
    }
    response
}

/// The body of an answer: never more of a blob in memory than one piece.
#[derive(Debug, Default)]
pub enum BlobBody {
    /// None.
    #[default]
    Empty,
    /// Few bytes.
    Whole(Option<Bytes>),
    /// A blob, piece by piece, as fast as the peer reads.
    Pieces {
        /// The blob, while no piece is being read.
        reader: Option<BlobReader>,
        /// A piece that is being read.
        reading: Option<JoinHandle<(BlobReader, std::io::Result<Bytes>)>>,
        /// The next byte.
        next: u64,
        /// Behind the last.
        end: u64,
    },
}

impl Body for BlobBody {
    type Data = hyper::body::Bytes;
    type Error = std::io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        match self.get_mut() {
            Self::Empty => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes.0)))),
            Self::Pieces { reader, reading, next, end } => {
                if let Some(mut ready) = reader.take() {
                    if *next == *end {
                        return Poll::Ready(None);
                    }
                    let (offset, length) = (*next, (*end - *next).min(PIECE as u64) as usize);
                    *reading = Some(tokio::task::spawn_blocking(move || {
                        let piece = ready.piece(offset, length);
                        (ready, piece)
                    }));
                }
                let Some(handle) = reading else { return Poll::Ready(None) };
                let read = std::task::ready!(Pin::new(handle).poll(cx));
                *reading = None;
                let (ready, piece) = read.map_err(std::io::Error::other)?;
                let piece = piece?;
                *next += piece.len() as u64;
                *reader = Some(ready);
                Poll::Ready(Some(Ok(Frame::data(piece.0))))
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            Self::Empty => 0,
            Self::Whole(bytes) => bytes.as_ref().map_or(0, |bytes| bytes.len() as u64),
            Self::Pieces { next, end, .. } => end - next,
        })
    }
}

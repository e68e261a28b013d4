//! A sequencer's `admin_*` methods, for its operator: on a port of their own, with a token by its secret (specs/17-rpc.md).
//!
//! Owns the requests. The token is made by whoever has the secret; it is sent, and never printed.

use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use url::Url;

use crate::api::http_client;
use crate::error::ClientError;

/// Longest answer that is read.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// The admin port of a sequencer.
#[derive(Clone)]
pub struct AdminClient {
    client: reqwest::Client,
    url: Url,
    authorization: HeaderValue,
}

impl std::fmt::Debug for AdminClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AdminClient").finish_non_exhaustive()
    }
}

/// What a sequencer tells its operator.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdminStatus {
    /// `open`, or why nothing is taken in.
    pub intake: String,
    /// Whether that is the operator's doing.
    pub is_paused: bool,
    /// Tasks that are not over.
    pub tasks: u64,
    /// Those that wait for an executor.
    pub queued: u64,
    /// Those that an executor has.
    pub running: u64,
    /// Results that wait for a batch.
    pub ready: u64,
    /// Executors that are connected.
    pub executors: u64,
    /// Number of the next task.
    pub next_sequence: u64,
    /// Number of the next batch.
    pub next_batch: u64,
    /// Newest block of L1 that counts; none before L1 was read.
    pub l1_block: Option<u64>,
}

#[derive(Deserialize)]
struct Answer<T> {
    result: Option<T>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    code: i64,
    message: String,
}

impl AdminClient {
    /// The admin port at `http://` or `https://host:port`, with a token of now.
    ///
    /// # Errors
    /// [`ClientError::Address`].
    pub fn new(address: &str, token: &str) -> Result<Self, ClientError> {
        let wrong = |reason: String| ClientError::Address { reason };
        let url = Url::parse(address).map_err(|error| wrong(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong(format!("its scheme is {}, wanted http or https", url.scheme())));
        }
        let client = http_client(&url).map_err(|error| wrong(error.to_string()))?;
        let mut authorization = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| ClientError::Unsigned { reason: "the token has bytes that no header takes".into() })?;
        authorization.set_sensitive(true);
        Ok(Self { client, url, authorization })
    }

    /// What the sequencer has to do, and whether it takes more.
    ///
    /// # Errors
    /// [`ClientError`], here and below.
    pub async fn status(&self) -> Result<AdminStatus, ClientError> {
        self.ask("admin_status").await
    }

    /// Has the sequencer take no tasks any more. What it has is worked on.
    ///
    /// # Errors
    /// As [`AdminClient::status`].
    pub async fn pause(&self) -> Result<(), ClientError> {
        self.ask::<bool>("admin_pauseIntake").await.map(drop)
    }

    /// Has it take tasks again.
    ///
    /// # Errors
    /// As [`AdminClient::status`].
    pub async fn resume(&self) -> Result<(), ClientError> {
        self.ask::<bool>("admin_resumeIntake").await.map(drop)
    }

    /// Has it make a batch of the results that wait, without waiting for more.
    ///
    /// # Errors
    /// As [`AdminClient::status`].
    pub async fn post_now(&self) -> Result<(), ClientError> {
        self.ask::<bool>("admin_postNow").await.map(drop)
    }

    async fn ask<T: DeserializeOwned>(&self, method: &str) -> Result<T, ClientError> {
        let wanted = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": [] });
        let request = self.client.post(self.url.clone()).header(AUTHORIZATION, self.authorization.clone());
        let request = request.header(CONTENT_TYPE, "application/json").body(wanted.to_string());
        let unreachable = |error: reqwest::Error| ClientError::Unreachable { reason: error.without_url().to_string() };
        let mut response = request.send().await.map_err(unreachable)?;
        let (status, mut text) = (response.status(), Vec::new());
        while let Some(piece) = response.chunk().await.map_err(unreachable)? {
            if text.len() + piece.len() > ANSWER_BYTES_MAX {
                return Err(ClientError::Malformed { reason: format!("more than {ANSWER_BYTES_MAX} bytes") });
            }
            text.extend_from_slice(&piece);
        }
        answer(status, &text)
    }
}

/// What an answer says.
fn answer<T: DeserializeOwned>(status: StatusCode, text: &[u8]) -> Result<T, ClientError> {
    if !status.is_success() {
        let (number, message) = (i64::from(status.as_u16()), String::from_utf8_lossy(text).trim().to_owned());
        return Err(ClientError::Refused { code: None, number, message, retryable: false });
    }
    let nonsense = |reason: String| ClientError::Malformed { reason };
    match serde_json::from_slice(text).map_err(|error| nonsense(error.to_string()))? {
        Answer { error: Some(Refusal { code: number, message }), .. } => {
            Err(ClientError::Refused { code: None, number, message, retryable: false })
        }
        Answer { result: Some(result), .. } => Ok(result),
        Answer { .. } => Err(nonsense("there is neither a result nor an error".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_and_refusals_named() {
        let said = |status, text: &str| answer::<bool>(status, text.as_bytes());
        assert!(said(StatusCode::OK, r#"{"jsonrpc":"2.0","id":1,"result":true}"#).expect("it is a result"));
        let refused =
            said(StatusCode::UNAUTHORIZED, "the token was made with another secret\n").expect_err("it is not");
        assert!(
            matches!(&refused, ClientError::Refused { number: 401, message, .. } if message.contains("another secret")),
            "{refused}"
        );
        let refused = said(StatusCode::OK, r#"{"error":{"code":-32000,"message":"it stops"}}"#).expect_err("it stops");
        assert!(matches!(refused, ClientError::Refused { number: -32000, .. }), "{refused}");
        for nonsense in ["", "{}", r#"{"result":7}"#] {
            let error = said(StatusCode::OK, nonsense).expect_err("it is no answer");
            assert!(matches!(error, ClientError::Malformed { .. }), "{error}");
        }
        assert!(matches!(AdminClient::new("ws://x", "t"), Err(ClientError::Address { .. })));
        let client = AdminClient::new("http://127.0.0.1:1", "secret").expect("it is an address");
        assert!(!format!("{client:?}").contains("secret"));
    }
}

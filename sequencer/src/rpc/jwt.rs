//! Who may administer: a token over a shared secret, as execution clients take it from consensus clients (HS256, `iat` within a minute).
//!
//! Owns the reading of tokens. Anything but the one algorithm is refused; the secret is compared by the MAC's own constant-time check.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use serde::Deserialize;
use sha2::Sha256;
use thiserror::Error;

/// Seconds by which the clocks of both sides may differ.
const DRIFT: u64 = 60;
/// Longest token that is looked at.
const TOKEN_BYTES_MAX: usize = 4096;

/// Why a token is none.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TokenError {
    /// Not three parts of base64 with JSON in the first two.
    #[error("no token: wanted Authorization: Bearer HEADER.CLAIMS.MAC")]
    Form,
    /// Another algorithm.
    #[error("algorithm {got}, wanted HS256")]
    Algorithm {
        /// The header's.
        got: String,
    },
    /// Made with another secret.
    #[error("the token was made with another secret")]
    Secret,
    /// Too old, or of the future.
    #[error("issued at {got}, wanted {DRIFT} s around {now}")]
    IssuedAt {
        /// The claim.
        got: u64,
        /// The time here.
        now: u64,
    },
}

#[derive(Deserialize)]
struct Header {
    alg: String,
}

#[derive(Deserialize)]
struct Claims {
    iat: u64,
}

/// Checks the value of an Authorization header at a time, in seconds since 1970.
///
/// # Errors
/// [`TokenError`].
pub fn check(secret: &[u8], authorization: &str, now: u64) -> Result<(), TokenError> {
    let token = authorization.strip_prefix("Bearer ").filter(|token| token.len() <= TOKEN_BYTES_MAX);
    let (signed, mac) = token.and_then(|token| token.rsplit_once('.')).ok_or(TokenError::Form)?;
    let (header, claims) = signed.split_once('.').ok_or(TokenError::Form)?;
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Form);
    let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| TokenError::Form)?;
    if header.alg != "HS256" {
        return Err(TokenError::Algorithm { got: header.alg });
    }
    keyed(secret, signed).verify_slice(&decode(mac)?).map_err(|_| TokenError::Secret)?;
    let claims: Claims = serde_json::from_slice(&decode(claims)?).map_err(|_| TokenError::Form)?;
    let got = claims.iat;
    if got.abs_diff(now) > DRIFT { Err(TokenError::IssuedAt { got, now }) } else { Ok(()) }
}

/// A token of now, for whoever has the secret.
pub fn token(secret: &[u8], now: u64) -> String {
    let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
    let signed = format!("{}.{}", part(r#"{"alg":"HS256","typ":"JWT"}"#), part(&format!(r#"{{"iat":{now}}}"#)));
    let mac = URL_SAFE_NO_PAD.encode(keyed(secret, &signed).finalize().into_bytes());
    format!("{signed}.{mac}")
}

fn keyed(secret: &[u8], signed: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of every length");
    mac.update(signed.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7515, A.1, whose key and token stand there; its claims have no `iat`.
    #[test]
    fn the_mac_is_that_of_the_rfc() {
        let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let key = URL_SAFE_NO_PAD.decode(key).expect("it is base64");
        let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6\
            Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(
            check(&key, &format!("Bearer {token}"), 0),
            Err(TokenError::Form),
            "the MAC is right, the claims lack iat"
        );
        assert_eq!(check(b"other", &format!("Bearer {token}"), 0), Err(TokenError::Secret));
    }

    #[test]
    fn tokens_are_held_to_secret_time_and_form() {
        let good = format!("Bearer {}", token(b"secret", 1000));
        for (secret, given, now, wanted) in [
            (b"secret", good.as_str(), 1060, Ok(())),
            (b"secret", &good, 940, Ok(())),
            (b"secret", &good, 1061, Err(TokenError::IssuedAt { got: 1000, now: 1061 })),
            (b"public", &good, 1000, Err(TokenError::Secret)),
            (b"secret", "Basic abc", 1000, Err(TokenError::Form)),
            (b"secret", "Bearer a.b", 1000, Err(TokenError::Form)),
            (b"secret", "Bearer eyJhbGciOiJub25lIn0.e30.", 1000, Err(TokenError::Algorithm { got: "none".into() })),
        ] {
            assert_eq!(check(secret, given, now), wanted, "{given} at {now}");
        }
    }
}

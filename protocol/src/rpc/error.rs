//! The errors of a sequencer's RPC: one table of code, name, and whether trying again can help.
//!
//! Owns the table. A call that fails answers `{code, message, data: {code: NAME, retryable, ...}}`; the message is a sentence that says what
//! was got and what was wanted, and may change; code and name never do. Codes of JSON-RPC itself (-32700 and -32600 to -32603) keep their
//! meaning.

use alloc::borrow::ToOwned;
use alloc::string::String;

use serde::{Deserialize, Serialize};
use thiserror::Error;

macro_rules! error_codes {
    ($($(#[doc = $doc:literal])* $variant:ident = $code:literal, $name:literal, $retryable:literal;)*) => {
        /// What is wrong with a call.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ErrorCode {
            $($(#[doc = $doc])* $variant,)*
        }

        impl ErrorCode {
            /// Every code, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The number in `error.code`.
            #[must_use]
            pub const fn code(self) -> i32 {
                match self { $(Self::$variant => $code,)* }
            }

            /// The name in `error.data.code`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Whether the same call can succeed later without the caller's doing.
            #[must_use]
            pub const fn is_retryable(self) -> bool {
                match self { $(Self::$variant => $retryable,)* }
            }

            /// What it means, in one sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),*),)* }
            }
        }
    };
}

error_codes! {
    /// The signature is malformed, or not made by the one that is named.
    InvalidSignature = -39001, "INVALID_SIGNATURE", false;
    /// The request is for another region.
    WrongRegion = -39002, "WRONG_REGION", false;
    /// The program was never registered here.
    UnknownProgram = -39003, "UNKNOWN_PROGRAM", false;
    /// The input is not here: upload it, then submit again.
    MissingInput = -39004, "MISSING_INPUT", false;
    /// The bytes are not the blob that they are said to be.
    WrongBlob = -39005, "WRONG_BLOB", false;
    /// The fuel limit is zero or above the bound.
    FuelLimit = -39006, "FUEL_LIMIT", false;
    /// The output limit is above the bound.
    OutputLimit = -39007, "OUTPUT_LIMIT", false;
    /// The input is longer than the bound.
    InputLength = -39008, "INPUT_LENGTH", false;
    /// The fee ceiling is below what this sequencer asks for.
    FeeTooLow = -39009, "FEE_TOO_LOW", false;
    /// The deadline is past, or too soon to be kept.
    Deadline = -39010, "DEADLINE", false;
    /// The module is refused; the message names the reason.
    ModuleRefused = -39011, "MODULE_REFUSED", false;
    /// There is no room for more tasks now.
    Busy = -39012, "BUSY", true;
    /// This sequencer takes no tasks now: its operator paused it, its disk is full, its account is too poor to post, or it does not know L1's state yet.
    Unavailable = -39013, "UNAVAILABLE", true;
    /// All programs together have as many bytes as this sequencer keeps.
    ProgramsFull = -39014, "PROGRAMS_FULL", false;
    /// An executor's method on a connection without a session, or the beginning of another one on a connection with a session.
    NotAuthenticated = -39021, "NOT_AUTHENTICATED", false;
    /// L1 does not know the executor, or not with this key.
    NotRegistered = -39022, "NOT_REGISTERED", true;
    /// The assignment is not this executor's, or no more.
    NotAssigned = -39023, "NOT_ASSIGNED", false;
    /// The result breaks a bound of its request; as a leaf it would be a fault.
    InvalidResult = -39024, "INVALID_RESULT", false;
    /// The output is not here: upload it, then submit the result again.
    MissingOutput = -39025, "MISSING_OUTPUT", false;
    /// No such topic, or a filter that it does not have.
    Topic = -39031, "TOPIC", false;
}

/// A name that is none of the table's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("no error is named {got:?}")]
pub struct UnknownErrorCode {
    /// The name.
    pub got: String,
}

impl core::str::FromStr for ErrorCode {
    type Err = UnknownErrorCode;

    fn from_str(name: &str) -> Result<Self, UnknownErrorCode> {
        let found = Self::ALL.iter().find(|code| code.name() == name);
        found.copied().ok_or_else(|| UnknownErrorCode { got: name.to_owned() })
    }
}

/// `error.data` of a call that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorData {
    /// The code's name.
    pub code: String,
    /// Whether the same call can succeed later without the caller's doing.
    pub retryable: bool,
}

impl From<ErrorCode> for ErrorData {
    fn from(code: ErrorCode) -> Self {
        Self { code: code.name().to_owned(), retryable: code.is_retryable() }
    }
}

//! Positional parameters, with errors that say which one is wrong.

use jsonrpsee::types::{ErrorObjectOwned, Params};
use serde::de::DeserializeOwned;

/// Reads parameters one after the other.
pub struct Positional<'a> {
    params: &'a Params<'a>,
    sequence: jsonrpsee::types::params::ParamsSequence<'a>,
}

impl<'a> Positional<'a> {
    /// The parameters of a call.
    pub fn of(params: &'a Params<'a>) -> Self {
        Self { params, sequence: params.sequence() }
    }

    /// The next, which must be there.
    pub fn next<T: DeserializeOwned>(&mut self, name: &str) -> Result<T, ErrorObjectOwned> {
        if self.params.is_object() {
            return Err(invalid("parameters are positional: an array, not an object"));
        }
        self.sequence.next().map_err(|error| invalid(&format!("{name}: {}", words(&error))))
    }

    /// The next, if it is there.
    pub fn optional<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, ErrorObjectOwned> {
        self.sequence.optional_next().map_err(|error| invalid(&format!("{name}: {}", words(&error))))
    }
}

fn invalid(message: &str) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(jsonrpsee::types::error::INVALID_PARAMS_CODE, message, None::<()>)
}

fn words(error: &ErrorObjectOwned) -> String {
    let data = error.data().map(|data| data.get().trim_matches('"').to_owned());
    data.unwrap_or_else(|| error.message().to_owned())
}

//! Where log lines go, and how they look.
//!
//! Owns the process's one subscriber. Assumes that it is set up once, by the binary, before anything logs. Lines go to standard error:
//! standard output is a command's result.

use super::TelemetryError;
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For a terminal.
    #[default]
    Human,
    /// One JSON object a line, for whoever collects them.
    Json,
}

/// Sets logging up. The filter is `tracing`'s: a level, or `target=level` with commas, for example `info,assay_node::l1=debug`.
///
/// # Errors
/// [`TelemetryError::Filter`], [`TelemetryError::LogsTwice`].
pub fn logs(format: LogFormat, filter: &str) -> Result<(), TelemetryError> {
    let parsed = EnvFilter::builder().parse(filter);
    let parsed =
        parsed.map_err(|error| TelemetryError::Filter { filter: filter.to_owned(), reason: error.to_string() })?;
    let lines = tracing_subscriber::fmt().with_env_filter(parsed).with_writer(std::io::stderr);
    let set = match format {
        LogFormat::Human => lines.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).finish().try_init(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).finish().try_init(),
    };
    set.map_err(|_| TelemetryError::LogsTwice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_filter_is_named_and_logs_are_set_up_once() {
        let error = logs(LogFormat::Human, "assay=loud").expect_err("there is no such level");
        assert!(matches!(&error, TelemetryError::Filter { filter, .. } if filter == "assay=loud"), "{error}");
        logs(LogFormat::Json, "off").expect("nothing is set up yet");
        assert!(matches!(logs(LogFormat::Human, "off"), Err(TelemetryError::LogsTwice)));
    }
}

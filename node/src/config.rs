//! A process's configuration: a TOML file, then the environment, then flags; the later wins.
//!
//! Owns the merging and the errors, which name the field and the source that its value came from. Assumes that the target type refuses
//! fields it does not know (`#[serde(deny_unknown_fields)]`). Never reads the environment by itself: callers hand it in.
//!
//! A field has a path, `l1.url`. In the file it lies in a table; in the environment it is `ASSAY__L1__URL`, with two underscores
//! between the parts, so that a single one can stand in a name; a flag names its path where it is declared. Values from the environment
//! and from flags are text, and are read as what the field wants; text that begins with `[` is a TOML array.

use crate::Remedy;
use config::{Config, ConfigError as Refused, File, FileFormat, Map, Source, Value, ValueKind};
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Where a value came from that more than one source has a part in.
const MANY_SOURCES: &str = "more than one source";

/// What can go wrong with a configuration.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// A file can't be read.
    #[error("can't read the configuration {}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A file, or an array in the environment, is no TOML.
    #[error("{from} is no TOML: {reason}")]
    Syntax {
        /// The file or variable.
        from: String,
        /// Where and why.
        reason: String,
    },
    /// A field that has no default has no value.
    #[error("{field} is set nowhere: not in a file, not in the environment ({variable}), not by a flag")]
    Missing {
        /// Its path.
        field: String,
        /// The variable that would set it.
        variable: String,
    },
    /// A field's value is none, or a field is none.
    #[error("{field}, from {from}: {reason}")]
    Field {
        /// Its path.
        field: String,
        /// Where its value came from.
        from: String,
        /// What was got and what was wanted.
        reason: String,
    },
}

impl ConfigError {
    /// What helps: an operator.
    pub fn remedy(&self) -> Remedy {
        Remedy::Stop
    }
}

/// Sources of a configuration, weakest first.
#[derive(Debug, Default)]
pub struct Sources {
    layers: Vec<Layer>,
    /// Prefix of variables, for messages.
    prefix: String,
}

/// Values of one source: path, text or table, and where from.
#[derive(Clone, Debug, Default)]
struct Layer {
    values: Vec<(String, Value)>,
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, Refused> {
        Ok(self.values.iter().cloned().collect())
    }
}

impl Sources {
    /// No source yet: every field has its default.
    pub fn new() -> Self {
        Sources { layers: Vec::new(), prefix: "ASSAY".into() }
    }

    /// Adds a file.
    ///
    /// # Errors
    /// [`ConfigError::File`], [`ConfigError::Syntax`].
    pub fn file(mut self, path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::File { path: path.to_owned(), reason: error.to_string() })?;
        let from = path.display().to_string();
        self.layers.push(Layer { values: toml(&text, &from)?.into_iter().collect() });
        Ok(self)
    }

    /// Adds the variables whose names begin with a prefix and two underscores.
    ///
    /// # Errors
    /// [`ConfigError::Syntax`] when a value begins with `[` and is no array.
    pub fn environment(
        mut self,
        prefix: &str,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut layer = Layer::default();
        for (name, text) in variables {
            let Some(rest) = name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix("__")) else { continue };
            let path = rest.split("__").map(str::to_lowercase).collect::<Vec<_>>().join(".");
            layer.values.push((path, value(&text, &format!("environment variable {name}"))?));
        }
        // The order of an environment is nobody's choice.
        layer.values.sort_by(|a, b| a.0.cmp(&b.0));
        self.prefix = prefix.to_owned();
        self.layers.push(layer);
        Ok(self)
    }

    /// Adds a flag, when it was given.
    ///
    /// # Errors
    /// As [`Sources::environment`].
    pub fn flag(mut self, flag: &str, path: &str, text: Option<impl ToString>) -> Result<Self, ConfigError> {
        if let Some(text) = text {
            let value = value(&text.to_string(), &format!("flag {flag}"))?;
            self.layers.push(Layer { values: vec![(path.to_owned(), value)] });
        }
        Ok(self)
    }

    /// Merges the sources and reads the configuration.
    ///
    /// # Errors
    /// [`ConfigError::Missing`], [`ConfigError::Field`].
    pub fn load<T: DeserializeOwned>(self) -> Result<T, ConfigError> {
        let builder = self.layers.into_iter().fold(Config::builder(), |builder, layer| builder.add_source(layer));
        let merged = builder.build().map_err(|error| explain(&Config::default(), &self.prefix, error))?;
        merged.clone().try_deserialize().map_err(|error| explain(&merged, &self.prefix, error))
    }
}

/// A value from text. The library turns text into what the field wants.
fn value(text: &str, from: &str) -> Result<Value, ConfigError> {
    if text.trim_start().starts_with('[') {
        let mut table = toml(&format!("value = {text}"), from)?;
        if let Some(array) = table.remove("value") {
            return Ok(array);
        }
    }
    Ok(Value::new(Some(&from.to_owned()), ValueKind::String(text.to_owned())))
}

/// TOML with every value's origin.
fn toml(text: &str, from: &str) -> Result<Map<String, Value>, ConfigError> {
    let read = File::from_str(text, FileFormat::Toml).collect();
    let mut table = read.map_err(|error| ConfigError::Syntax { from: from.to_owned(), reason: error.to_string() })?;
    table.values_mut().for_each(|value| *value = originating(value, from));
    Ok(table)
}

fn originating(value: &Value, from: &str) -> Value {
    let kind = match value.kind.clone() {
        ValueKind::Table(table) => {
            ValueKind::Table(table.into_iter().map(|(key, value)| (key, originating(&value, from))).collect())
        }
        ValueKind::Array(values) => ValueKind::Array(values.iter().map(|value| originating(value, from)).collect()),
        plain => plain,
    };
    Value::new(Some(&from.to_owned()), kind)
}

/// The library's error with the field and the source, which it leaves out where the message is the field's own.
fn explain(merged: &Config, prefix: &str, error: Refused) -> ConfigError {
    let (field, origin, reason) = match error {
        Refused::NotFound(field) => {
            let variable = format!("{prefix}__{}", field.to_uppercase().replace('.', "__"));
            return ConfigError::Missing { field, variable };
        }
        Refused::Type { origin, unexpected, expected, key } => {
            (key, origin, format!("it is {unexpected}, wanted {expected}"))
        }
        Refused::At { error, origin, key } => (key, origin, error.to_string()),
        other => (None, None, other.to_string()),
    };
    let root = merged.collect().map(ValueKind::Table).unwrap_or_default();
    // The library names a field beside the one that the type does not know, or the table that both lie in.
    if let Some((field, from)) = unknown_field(&reason).and_then(|name| stranger(&root, field.as_deref(), name)) {
        return ConfigError::Field { field, from: from.unwrap_or_else(|| MANY_SOURCES.into()), reason };
    }
    let origin = origin.or_else(|| field.as_deref().and_then(|field| origin_of(&root, field)));
    let field = field.unwrap_or_else(|| "the configuration".into());
    ConfigError::Field { field, from: origin.unwrap_or_else(|| MANY_SOURCES.into()), reason }
}

/// The name in serde's words for a field that a type does not know.
fn unknown_field(reason: &str) -> Option<&str> {
    reason.split_once("unknown field `")?.1.split('`').next()
}

/// Path and origin of a field of this name, in the table at a path or the nearest around it.
fn stranger(root: &ValueKind, path: Option<&str>, name: &str) -> Option<(String, Option<String>)> {
    let table = path.map_or(Some(root), |path| find(root, path));
    if let Some(ValueKind::Table(table)) = table
        && let Some(value) = table.get(name)
    {
        let field = path.map_or(name.to_owned(), |path| format!("{path}.{name}"));
        return Some((field, first_origin(value)));
    }
    let around = path?.rsplit_once('.').map(|(table, _)| table);
    stranger(root, around, name)
}

/// What stands at a path. The element of an array is found as the whole of it.
fn find<'a>(root: &'a ValueKind, path: &str) -> Option<&'a ValueKind> {
    path.split('.').try_fold(root, |kind, part| match kind {
        ValueKind::Table(table) => table.get(part.split('[').next().unwrap_or(part)).map(|value| &value.kind),
        _ => None,
    })
}

/// Where the value at a path came from.
fn origin_of(root: &ValueKind, path: &str) -> Option<String> {
    let (table, name) = path.rsplit_once('.').map_or((Some(root), path), |(table, name)| (find(root, table), name));
    match table? {
        ValueKind::Table(table) => first_origin(table.get(name.split('[').next().unwrap_or(name))?),
        _ => None,
    }
}

/// Where a value came from; a table is merged from several sources, and has those of its fields.
fn first_origin(value: &Value) -> Option<String> {
    match (value.origin(), &value.kind) {
        (Some(origin), _) => Some(origin.to_owned()),
        (None, ValueKind::Table(table)) => table.values().find_map(first_origin),
        (None, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Role {
        name: String,
        #[serde(default)]
        rate: f64,
        #[serde(default)]
        addresses: Vec<alloy_primitives::Address>,
        l1: L1,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct L1 {
        url: String,
        #[serde(default)]
        confirmations: u64,
    }

    fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().expect("there is room for a directory");
        let path = directory.path().join("role.toml");
        std::fs::write(&path, text).expect("the directory can be written");
        (directory, path)
    }

    const WHOLE: &str = "name = 'file'\nrate = 0.5\n[l1]\nurl = 'http://file'\nconfirmations = 1\n";

    #[test]
    fn the_later_source_wins_field_by_field() {
        let (_directory, path) = file(WHOLE);
        let environment = variables(&[
            ("ASSAY__L1__CONFIRMATIONS", "7"),
            ("ASSAY__NAME", "42"),
            ("ASSAY__ADDRESSES", "['0x0000000000000000000000000000000000000007']"),
            ("ASSAY_PASSWORD", "is none of a configuration's business"),
            ("HOME", "/"),
        ]);
        let role: Role = Sources::new()
            .file(&path)
            .and_then(|sources| sources.environment("ASSAY", environment))
            .and_then(|sources| sources.flag("--l1-url", "l1.url", Some("http://flag")))
            .and_then(|sources| sources.flag("--confirmations", "l1.confirmations", None::<u64>))
            .and_then(Sources::load)
            .expect("all is there");
        let addresses = vec![alloy_primitives::Address::with_last_byte(7)];
        let l1 = L1 { url: "http://flag".into(), confirmations: 7 };
        assert_eq!(role, Role { name: "42".into(), rate: 0.5, addresses, l1 });
    }

    /// What the operator reads: field, source, got and wanted.
    #[test]
    fn errors_name_field_and_source() {
        let check = |text: &str, environment: &[(&str, &str)], parts: &[&str]| {
            let (_directory, path) = file(text);
            let sources =
                Sources::new().file(&path).and_then(|sources| sources.environment("ASSAY", variables(environment)));
            let error = sources.and_then(Sources::load::<Role>).expect_err("it is wrong").to_string();
            parts.iter().for_each(|part| assert!(error.contains(part), "{part:?} is not in: {error}"));
        };
        check(
            WHOLE,
            &[("ASSAY__L1__CONFIRMATIONS", "many")],
            &["l1.confirmations", "variable ASSAY__L1__CONFIRMATIONS", "many"],
        );
        check(&WHOLE.replace("= 1", "= -1"), &[], &["l1.confirmations", "role.toml", "-1"]);
        check(&WHOLE.replace("url", "ulr"), &[], &["l1.ulr", "role.toml", "unknown"]);
        check(&format!("naem = 1\n{WHOLE}"), &[], &["naem", "role.toml", "unknown"]);
        check("rate = 1.0\n[l1]\nurl = ''", &[], &["name", "ASSAY__NAME"]);
        check("name = 'x'\n[l1]\nconfirmations = 1", &[], &["l1.url", "ASSAY__L1__URL"]);
        check("name = ", &[], &["role.toml", "no TOML"]);
        check(WHOLE, &[("ASSAY__ADDRESSES", "[1")], &["ASSAY__ADDRESSES", "no TOML"]);
        check(WHOLE, &[("ASSAY__ADDRESSES", "['0x12']")], &["addresses", "ASSAY__ADDRESSES"]);
        check(WHOLE, &[("ASSAY__L1", "x")], &["l1", "ASSAY__L1"]);
        let error = Sources::new().file(Path::new("/no/such/file")).expect_err("it is not there").to_string();
        assert!(error.contains("/no/such/file"), "{error}");
    }
}

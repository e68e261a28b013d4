//! Filters, projects or groups a stream of JSON records.
//!
//! The first line of the input is the query, a JSON object; every further line is one JSON record. Fields are named by
//! dotted paths. Without `group_by` each record that passes `where` is printed, reduced to the paths in `select` if
//! there are any. With `group_by` one object a group is printed, sorted by the key's JSON text, with the number of
//! records and, if asked, the f64 sum of a field in input order. Object keys are printed sorted.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::process::ExitCode;

use job::Outcome;
use serde::Deserialize;
use serde_json::{Map, Value, json};

const QUERY_SIZE_MAX_BYTES: u16 = 16 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    #[serde(default, rename = "where")]
    conditions: Vec<Condition>,
    #[serde(default)]
    select: Vec<String>,
    group_by: Option<String>,
    sum: Option<String>,
}

/// A comparison of a field with a constant. A field that is absent, or of another type, never passes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Condition {
    field: String,
    is: Comparison,
    value: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Comparison {
    Equal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

#[derive(Default)]
struct Group {
    count: u64,
    sum: f64,
}

fn main() -> ExitCode {
    job::run("json", transform)
}

fn transform(input: &mut dyn BufRead, output: &mut dyn Write) -> Outcome {
    let query = job::read_line(input, QUERY_SIZE_MAX_BYTES)?;
    let query: Query = serde_json::from_str(&query).map_err(|error| format!("the query was refused: {error}"))?;

    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    let mut line = Vec::new();
    let mut line_number = 1u64;
    while input.read_until(b'\n', &mut line)? > 0 {
        line_number += 1;
        let record: Value = serde_json::from_slice(&line).map_err(|error| format!("line {line_number}: {error}"))?;
        line.clear();
        if !query.conditions.iter().all(|condition| condition.passes(&record)) {
            continue;
        }
        let Some(group_by) = &query.group_by else {
            writeln!(output, "{}", project(record, &query.select))?;
            continue;
        };
        let key = field(&record, group_by).unwrap_or(&Value::Null);
        let group = groups.entry(key.to_string()).or_default();
        group.count += 1;
        if let Some(number) = query.sum.as_deref().and_then(|path| field(&record, path)?.as_f64()) {
            group.sum += number;
        }
    }
    for (key, Group { count, sum }) in &groups {
        match query.sum {
            Some(_) => writeln!(output, "{{\"count\":{count},\"key\":{key},\"sum\":{}}}", json!(sum))?,
            None => writeln!(output, "{{\"count\":{count},\"key\":{key}}}")?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Condition {
    fn passes(&self, record: &Value) -> bool {
        let Some(found) = field(record, &self.field) else {
            return false;
        };
        let order = match (found, &self.value) {
            (Value::Number(a), Value::Number(b)) => a.as_f64().partial_cmp(&b.as_f64()),
            (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
            (a, b) if a == b => Some(Ordering::Equal),
            _ => None,
        };
        order.is_some_and(|order| match self.is {
            Comparison::Equal => order.is_eq(),
            Comparison::Less => order.is_lt(),
            Comparison::AtMost => order.is_le(),
            Comparison::Greater => order.is_gt(),
            Comparison::AtLeast => order.is_ge(),
        })
    }
}

fn field<'a>(record: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(record, |value, name| value.get(name))
}

/// The record with only the wanted paths, each under its dotted name, null where it is absent; all of it if none is.
fn project(record: Value, paths: &[String]) -> Value {
    if paths.is_empty() {
        return record;
    }
    let pick = |path: &String| (path.clone(), field(&record, path).cloned().unwrap_or(Value::Null));
    Value::Object(paths.iter().map(pick).collect::<Map<String, Value>>())
}

//! Groups the rows of a CSV by one column and aggregates another: count, sum and mean of each group.
//!
//! The first line of the input names the two columns, `group,value`; a CSV with a header row follows. The output is a
//! CSV, the largest sum first, equal sums by name. Rows are streamed: memory grows with the number of groups only.

mod decimal;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::process::ExitCode;

use csv::{ReaderBuilder, StringRecord, Writer};
use decimal::Decimal;
use job::Outcome;

const PARAMETERS_SIZE_MAX_BYTES: u16 = 4096;

#[derive(Default)]
struct Group {
    count: u64,
    sum: Decimal,
}

fn main() -> ExitCode {
    job::run("csv", aggregate)
}

fn aggregate(input: &mut dyn BufRead, output: &mut dyn Write) -> Outcome {
    let parameters = job::read_line(input, PARAMETERS_SIZE_MAX_BYTES)?;
    let (group_name, value_name) =
        parameters.split_once(',').ok_or("the first line must name two columns: group,value")?;

    let mut reader = ReaderBuilder::new().from_reader(input);
    let header = reader.headers()?;
    let column = |name: &str| {
        header.iter().position(|field| field == name).ok_or_else(|| format!("the header has no column {name:?}"))
    };
    let (group_index, value_index) = (column(group_name)?, column(value_name)?);

    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    let mut record = StringRecord::new();
    while reader.read_record(&mut record)? {
        // The reader refuses a record that is shorter or longer than the header, so both columns are there.
        let (key, text) = (&record[group_index], &record[value_index]);
        let row = record.position().map_or(0, |position| position.record());
        let value = Decimal::parse(text)
            .ok_or_else(|| format!("row {row}: {text:?} is not a number with at most six decimal places"))?;
        if !groups.contains_key(key) {
            groups.insert(key.to_owned(), Group::default());
        }
        if let Some(group) = groups.get_mut(key) {
            group.count += 1;
            group.sum =
                group.sum.checked_add(value).ok_or_else(|| format!("row {row}: the sum of group {key:?} overflows"))?;
        }
    }

    let mut sorted: Vec<(String, Group)> = groups.into_iter().collect();
    // The map gave the names in order and the sort is stable, so equal sums stay sorted by name.
    sorted.sort_by_key(|(_, group)| Reverse(group.sum));
    let mut writer = Writer::from_writer(output);
    writer.write_record([group_name, "count", "sum", "mean"])?;
    for (key, group) in &sorted {
        let mean = group.sum.mean(group.count);
        writer.write_record([key.as_str(), &group.count.to_string(), &group.sum.to_string(), &mean.to_string()])?;
    }
    writer.flush()?;
    Ok(ExitCode::SUCCESS)
}

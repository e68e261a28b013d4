//! A job: the sum of the numbers in its input.

fn main() -> assay_guest::End {
    assay_guest::run(|input| {
        let text = std::str::from_utf8(input)?;
        let sum: i64 = text.split_whitespace().map(str::parse::<i64>).sum::<Result<_, _>>()?;
        Ok::<_, Box<dyn std::error::Error>>(format!("{sum}\n"))
    })
}

//! Chapters as text: their tables, their links, and the blocks in them that are generated.
//!
//! Owns a small part of Markdown, just what the chapters use: headings, tables without `|` in cells, inline links and
//! blocks between the two marker lines. It reads files of this repository only.

use std::path::{Path, PathBuf};

/// Marks the first line of a generated block, before its name.
const GENERATED: &str = "<!-- generated: ";
/// Marks the line after a generated block.
const GENERATED_END: &str = "<!-- end of generated -->";

/// The folder of the chapters.
#[must_use]
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Markdown file of the specification, decisions included, sorted by path.
///
/// # Panics
/// If the folder can't be read.
#[must_use]
pub fn files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in [folder(), folder().join("decisions")] {
        let entries = std::fs::read_dir(&folder).expect("the specification has these two folders");
        files.extend(entries.map(|entry| entry.expect("the folder is readable").path()));
    }
    files.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    files.sort();
    files
}

/// A file of the specification.
#[derive(Clone, Debug)]
pub struct Document {
    path: PathBuf,
    text: String,
}

/// A table, and the heading that it stands under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Text of the nearest heading above it.
    pub heading: String,
    /// Column titles.
    pub columns: Vec<String>,
    /// Cells by row; code marks are taken off.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// The cell of a row under a title.
    ///
    /// # Panics
    /// If the table has no such column.
    #[must_use]
    pub fn cell<'a>(&self, row: &'a [String], column: &str) -> &'a str {
        let at = self.columns.iter().position(|title| title == column);
        &row[at.unwrap_or_else(|| panic!("the table under \"{}\" has a column \"{column}\"", self.heading))]
    }
}

impl Document {
    /// Reads a chapter by its file name.
    ///
    /// # Panics
    /// If it can't be read.
    #[must_use]
    pub fn chapter(name: &str) -> Self {
        Self::read(&folder().join(name))
    }

    /// Reads a file.
    ///
    /// # Panics
    /// If it can't be read.
    #[must_use]
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { path: path.to_owned(), text }
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text under a heading, up to the next one.
    ///
    /// # Panics
    /// If there is no such heading.
    #[must_use]
    pub fn section(&self, heading: &str) -> String {
        let mut lines = self.text.lines().skip_while(|line| heading_of(line) != Some(heading));
        assert!(lines.next().is_some(), "{} has a heading \"{heading}\"", self.path.display());
        lines.take_while(|line| heading_of(line).is_none()).collect::<Vec<_>>().join("\n")
    }

    /// All tables, in order.
    #[must_use]
    pub fn tables(&self) -> Vec<Table> {
        let mut tables: Vec<Table> = Vec::new();
        let (mut heading, mut in_table) = ("", false);
        for line in self.text.lines() {
            heading = heading_of(line).unwrap_or(heading);
            let is_row = line.starts_with('|');
            if is_row && !in_table {
                tables.push(Table { heading: heading.into(), columns: cells(line), rows: Vec::new() });
            } else if is_row && !line.starts_with("| ---") {
                let table = tables.last_mut().expect("a row that is not the first has a table");
                let row = cells(line);
                assert_eq!(row.len(), table.columns.len(), "{}: {line}", self.path.display());
                table.rows.push(row);
            }
            in_table = is_row;
        }
        tables
    }

    /// The first table under a heading.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn table(&self, heading: &str) -> Table {
        let found = self.tables().into_iter().find(|table| table.heading == heading);
        found.unwrap_or_else(|| panic!("{} has a table under \"{heading}\"", self.path.display()))
    }

    /// Targets of inline links, those of other places on the web left out.
    #[must_use]
    pub fn links(&self) -> Vec<String> {
        let targets = self.text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        targets.map(|(target, _)| target.to_owned()).filter(|target| !target.contains("://")).collect()
    }

    /// Headings as the fragments that links name.
    #[must_use]
    pub fn anchors(&self) -> Vec<String> {
        self.text.lines().filter_map(heading_of).map(anchor).collect()
    }

    /// The generated block of a name, without its markers.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn generated(&self, name: &str) -> &str {
        let (start, end) = self.generated_range(name);
        &self.text[start..end]
    }

    /// Writes the file with another content of a generated block.
    ///
    /// # Panics
    /// If there is no such block, or the file can't be written.
    pub fn rewrite_generated(&mut self, name: &str, content: &str) {
        let (start, end) = self.generated_range(name);
        self.text.replace_range(start..end, content);
        std::fs::write(&self.path, &self.text).expect("the source tree is writable when it is asked to be rewritten");
    }

    fn generated_range(&self, name: &str) -> (usize, usize) {
        let missing = || panic!("{} has a generated block \"{name}\"", self.path.display());
        let head = format!("{GENERATED}{name} -->\n");
        let start = self.text.find(&head).unwrap_or_else(missing) + head.len();
        let length = self.text[start..].find(GENERATED_END).unwrap_or_else(missing);
        (start, start + length)
    }
}

fn heading_of(line: &str) -> Option<&str> {
    let text = line.trim_start_matches('#');
    (text.len() < line.len()).then(|| text.strip_prefix(' ')).flatten()
}

/// Lower case, words joined by `-`, other signs dropped.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect::<String>();
    kept.replace(' ', "-")
}

fn cells(line: &str) -> Vec<String> {
    let inner = line.trim_end().trim_start_matches('|').trim_end_matches('|');
    inner.split('|').map(|cell| cell.trim().replace('`', "")).collect()
}

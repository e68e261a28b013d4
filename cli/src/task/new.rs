//! `assay job new`: a project to begin with.
//!
//! Owns the template, which is part of the binary. It needs no crate but the standard library, so that it builds without a network.

use std::path::PathBuf;

use eyre::{Result, WrapErr, bail};
use serde::Serialize;

use crate::console;
use crate::failure::Failure;

/// Files of the template: path, text. `NAME` stands for the project's name.
const FILES: [(&str, &str); 4] = [
    ("Cargo.toml", include_str!("template/Cargo.toml.txt")),
    ("src/main.rs", include_str!("template/main.rs.txt")),
    ("README.md", include_str!("template/README.md.txt")),
    (".gitignore", "/target\n"),
];

/// The command line of `assay job new`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Name of the project and its folder: letters, digits, - and _
    #[arg(value_name = "NAME")]
    name: String,
    /// Where the folder is made
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    within: PathBuf,
    /// Print the answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Names that cargo refuses: the language's words, crates that come with it, and folders of a build.
const RESERVED: &str = "Self abstract alloc as async await become box break build const continue core crate deps do dyn \
    else enum examples extern false final fn for gen if impl in incremental let loop macro match mod move mut override \
    priv proc-macro proc_macro pub ref return self static std struct super test trait true try type typeof unsafe unsized \
    use virtual where while yield";

#[derive(Serialize)]
struct Report {
    name: String,
    folder: String,
    files: Vec<&'static str>,
}

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let name = &arguments.name;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if !is_name {
        bail!(Failure::Usage(format!("{name:?} is no name for a project: a letter, then letters, digits, - and _")));
    }
    if RESERVED.split_ascii_whitespace().any(|word| word == name) {
        let why = format!("cargo builds no project named {name:?}: the language or cargo itself has that name");
        bail!(Failure::Usage(why));
    }
    let folder = arguments.within.join(name);
    if folder.exists() {
        bail!("{} is there already", folder.display());
    }
    for (path, text) in FILES {
        let path = folder.join(path);
        let parent = path.parent().expect("it lies in the project's folder");
        std::fs::create_dir_all(parent).wrap_err_with(|| format!("can't create {}", parent.display()))?;
        let text = text.replace("NAME", name);
        std::fs::write(&path, text).wrap_err_with(|| format!("can't write {}", path.display()))?;
    }
    if arguments.json {
        let files = FILES.map(|(path, _)| path).to_vec();
        return console::print_json(&Report { name: name.clone(), folder: folder.display().to_string(), files });
    }
    console::print(&format!(
        "{folder}: a job that counts words\n\n  cd {folder}\n  rustup target add wasm32-wasip1                             # once\n  cargo build --release --target wasm32-wasip1\n  echo to be or not to be | assay run target/wasm32-wasip1/release/{name}.wasm --input -\n\nREADME.md says how it gets to a sequencer and to L1.\n",
        folder = folder.display()
    ))
}

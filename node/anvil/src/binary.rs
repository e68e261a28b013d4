//! Where anvil is.
//!
//! Owns the order in which places are looked at. Assumes that a file of the right name is what its name says. Never runs anything.

use crate::AnvilError;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The environment variable that names the binary.
pub const VARIABLE: &str = "ASSAY_ANVIL";

/// Where the contracts' tools lie, from the root of a checkout.
const TOOLS: &str = "bridge-contracts/node_modules/@foundry-rs";

/// Finds the binary: the path that is given, or what `ASSAY_ANVIL` names, or the first on `PATH`, or that of the contracts' tools in
/// the checkout around the working directory.
///
/// # Errors
/// [`AnvilError::Missing`] with the places that were looked at. A path that is given, by argument or variable, is not passed over.
pub fn find(given: Option<&Path>) -> Result<PathBuf, AnvilError> {
    let places = Places {
        given: given.map(Path::to_owned),
        variable: std::env::var_os(VARIABLE).filter(|path| !path.is_empty()),
        path: std::env::var_os("PATH").unwrap_or_default(),
        folder: std::env::current_dir().unwrap_or_default(),
    };
    places.find()
}

/// What of the world decides.
struct Places {
    given: Option<PathBuf>,
    variable: Option<OsString>,
    path: OsString,
    folder: PathBuf,
}

impl Places {
    fn find(&self) -> Result<PathBuf, AnvilError> {
        let missing = |looked: String| AnvilError::Missing { looked };
        if let Some(path) = &self.given {
            return native(path).ok_or_else(|| missing(format!("{} is no file", path.display())));
        }
        if let Some(path) = self.variable.as_ref().map(Path::new) {
            return native(path).ok_or_else(|| missing(format!("{VARIABLE} is {}, which is no file", path.display())));
        }
        let name = format!("anvil{}", std::env::consts::EXE_SUFFIX);
        if let Some(found) = std::env::split_paths(&self.path).find_map(|folder| native(&folder.join(&name))) {
            return Ok(found);
        }
        let from_npm = self.folder.ancestors().find_map(|folder| packaged(&folder.join(TOOLS)));
        from_npm.ok_or_else(|| {
            missing(format!("neither {VARIABLE} nor PATH has one, nor {TOOLS} above {}", self.folder.display()))
        })
    }
}

/// The binary at a path. What npm links is a script that starts the binary as a child of its own, which would outlive it: then the
/// binary beside it is meant.
fn native(path: &Path) -> Option<PathBuf> {
    let file = path.canonicalize().ok().filter(|file| file.is_file())?;
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("mjs" | "js") => file.ancestors().nth(2).and_then(packaged),
        _ => Some(file),
    }
}

/// The binary for this machine among npm's packages.
fn packaged(packages: &Path) -> Option<PathBuf> {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    };
    let processor = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let name = format!("anvil{}", std::env::consts::EXE_SUFFIX);
    packages.join(format!("anvil-{system}-{processor}/bin/{name}")).canonicalize().ok().filter(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{create_dir_all, write};

    fn places(root: &Path) -> Places {
        Places { given: None, variable: None, path: OsString::new(), folder: root.join("checkout/node") }
    }

    /// A file at a path below a folder, as `find` gives it.
    fn plant(path: PathBuf) -> PathBuf {
        create_dir_all(path.parent().expect("it lies in a folder")).expect("the folder can be made");
        write(&path, "").expect("the folder can be written");
        path.canonicalize().expect("it was just written")
    }

    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    #[test]
    fn the_nearest_place_wins() {
        let root = tempfile::tempdir().expect("there is room for a directory");
        let root = root.path();
        create_dir_all(root.join("checkout/node")).expect("the folder can be made");
        let error = places(root).find().expect_err("there is none anywhere").to_string();
        for part in [VARIABLE, "PATH", "checkout/node", "npm install --no-save"] {
            assert!(error.contains(part), "{part} is not in: {error}");
        }
        let tool = plant(root.join("checkout").join(TOOLS).join("anvil-linux-amd64/bin/anvil"));
        assert_eq!(places(root).find().expect("npm brought it"), tool);

        // npm's link is a script, for which the binary itself is taken.
        let script = plant(root.join("checkout").join(TOOLS).join("anvil/bin.mjs"));
        create_dir_all(root.join("links")).expect("the folder can be made");
        std::os::unix::fs::symlink(script, root.join("links/anvil")).expect("links can be made");
        let linked = Places { path: root.join("links").into(), folder: root.into(), ..places(root) };
        assert_eq!(linked.find().expect("it is linked"), tool);

        let installed = plant(root.join("bin/anvil"));
        let path = std::env::join_paths([root.join("nowhere"), root.join("bin")]).expect("no colons");
        let on_path = Places { path, ..places(root) };
        assert_eq!(on_path.find().expect("it is on the path"), installed);
        let named = plant(root.join("mine/anvil-nightly"));
        let by_variable = Places { variable: Some(named.clone().into()), ..on_path };
        assert_eq!(by_variable.find().expect("the variable names it"), named);
        let given = Places { given: Some(installed.clone()), ..by_variable };
        assert_eq!(given.find().expect("it is given"), installed);
    }

    /// Who names a file means it: another one is not taken in its place.
    #[test]
    fn a_wrong_name_is_an_error() {
        let root = tempfile::tempdir().expect("there is room for a directory");
        let nowhere = root.path().join("nowhere");
        let by_variable = Places { variable: Some(nowhere.clone().into()), ..places(root.path()) };
        let error = by_variable.find().expect_err("there is no such file").to_string();
        assert!(error.contains("ASSAY_ANVIL is") && error.contains("nowhere"), "{error}");
        let given = Places { given: Some(nowhere), ..places(root.path()) };
        assert!(given.find().expect_err("there is no such file").to_string().contains("is no file"));
    }
}

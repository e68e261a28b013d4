//! Every link between the files of the specification leads somewhere, and every chapter is in the index.

use assay_specs::document::{Document, files, folder};

#[test]
fn links_resolve() {
    let mut checked = 0;
    for path in files() {
        for link in Document::read(&path).links() {
            let (file, fragment) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            assert!(target.exists(), "{}: {link}", path.display());
            let leads = || Document::read(&target).anchors().iter().any(|anchor| anchor == fragment);
            assert!(fragment.is_empty() || leads(), "{}: {link}", path.display());
            checked += 1;
        }
    }
    assert!(checked > 20, "{checked} links");
}

#[test]
fn the_index_names_every_file() {
    let links = Document::read(&folder().join("README.md")).links();
    for path in files() {
        let name = path.strip_prefix(folder()).unwrap().to_str().unwrap().to_owned();
        assert!(name == "README.md" || links.contains(&name), "{name} is in README.md");
    }
}

#[test]
fn mentions_of_files_exist() {
    // Paths in code marks that begin at a room of the repository.
    let rooms = ["machine/", "specs/", "protocol/", "jobs/", "dispute/", "bridge-contracts/", "executor/"];
    for path in files() {
        let document = Document::read(&path);
        for mention in document.text().split('`').skip(1).step_by(2).filter(|text| !text.contains([' ', '\n', '*'])) {
            if rooms.iter().any(|room| mention.starts_with(room)) {
                let target = folder().join("..").join(mention);
                assert!(target.exists(), "{}: {mention}", path.display());
            }
        }
    }
}

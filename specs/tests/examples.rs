//! The worked examples stand in the chapters exactly as the machine makes them. `UPDATE_SPECS=1` writes them anew.

use assay_specs::document::Document;
use assay_specs::examples;

#[test]
fn worked_examples_are_fresh() {
    let update = std::env::var_os("UPDATE_SPECS").is_some();
    for example in examples::all() {
        let mut chapter = Document::chapter(example.chapter);
        if update {
            chapter.rewrite_generated(example.name, &example.content);
        }
        let (got, wanted) = (chapter.generated(example.name), example.content.as_str());
        assert_eq!(
            got, wanted,
            "{}, \"{}\": run UPDATE_SPECS=1 cargo test -p assay-specs",
            example.chapter, example.name
        );
    }
}

#[test]
fn every_generated_block_has_its_example() {
    let count: usize = assay_specs::document::files()
        .iter()
        .map(|path| Document::read(path).text().matches("<!-- generated: ").count())
        .sum();
    assert_eq!(count, examples::all().len());
}

//! Writes generated programs to a folder, as seeds for a fuzzer or to be looked at: `modules FOLDER [COUNT] [FIRST_SEED]`.

use std::path::PathBuf;

fn main() {
    let mut words = std::env::args().skip(1);
    let folder = PathBuf::from(words.next().expect("wanted FOLDER [COUNT] [FIRST_SEED]"));
    let mut number = |usual: u64| words.next().map_or(usual, |word| word.parse().expect("wanted a number"));
    let (count, first) = (number(200), number(0));
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let mut written = 0;
    for seed in first..first + count {
        if let Some(job) = assay_differential::job(seed) {
            std::fs::write(folder.join(format!("{seed}.wasm")), job.wasm).expect("the folder can be written to");
            written += 1;
        }
    }
    println!("{written} modules in {}", folder.display());
}

//! Every instruction against expectations written by hand, as steps and as proofs.

mod cases;
#[allow(dead_code)]
mod images;

use assay_machine::isa::FORMS;
use assay_machine::witness::{Witness, prove_step, verify_step};
use cases::File;
use images::Image;
use std::collections::BTreeSet;

#[test]
fn steps_are_as_written_by_hand() {
    let file = File::read();
    assert!(file.source.starts_with("by hand"), "{}", file.source);
    let mut covered = BTreeSet::new();
    for case in &file.cases {
        let Image { record, mut memory } = case.image();
        let (witness, next) = prove_step(record, &mut memory);
        assert_eq!(next, case.wanted(), "{}", case.name);
        assert_eq!(verify_step(record, &witness), Ok(next), "{}", case.name);
        if let Some(wanted) = case.opened() {
            let entries = Witness::parse(&witness).unwrap();
            let opened: Vec<_> = entries.entries().iter().map(|entry| entry.address).collect();
            assert_eq!(opened, wanted, "{}", case.name);
        }
        if case.is_legal() {
            covered.insert(case.opcode());
        }
    }
    for (opcode, name, _) in FORMS {
        assert!(covered.contains(opcode), "{name} has a case by hand");
    }
}

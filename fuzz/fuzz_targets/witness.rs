//! Any 64 bytes as a record, any bytes behind them as a witness: verification answers, and a witness has one encoding.
#![no_main]

use assay_machine::record::Record;
use assay_machine::witness::{Witness, verify_step};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((record, witness)) = bytes.split_first_chunk::<{ Record::SIZE }>() else { return };
    let parsed = Witness::parse(witness);
    if let Ok(parsed) = &parsed {
        assert_eq!(parsed.to_bytes(), witness, "a second encoding of one witness");
    }
    let mut record = Record::from_bytes(record);
    let verified = verify_step(record, witness);
    assert!(parsed.is_ok() || verified.is_err(), "verified by what is no witness");
    // Nobody guesses a root: take the one that the first chunk folds to, so that what comes behind the roots is reached.
    if let Some(first) = parsed.as_ref().ok().and_then(|witness| witness.entries().first()) {
        record.memory_root = first.fold(&first.bytes);
        let _ = verify_step(record, witness);
    }
});

//! Every committed step, through the contract in a local EVM: the same next record as the vector says.

use assay_dispute::preflight::Preflight;
use assay_machine::record::Record;

#[test]
fn the_contract_makes_every_committed_step() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../specs/vectors/steps.json");
    let file: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let steps = file["steps"].as_array().or_else(|| file["vectors"].as_array()).expect("the file lists steps");
    let mut evm = Preflight::new();
    let mut gas_max = (0, String::new());
    for step in steps {
        let bytes = |field: &str| hex::decode(step[field].as_str().unwrap().trim_start_matches("0x")).unwrap();
        let record =
            |head: &str, root: &str| Record::from_bytes(&[bytes(head), bytes(root)].concat().try_into().unwrap());
        let name = step["name"].as_str().unwrap();
        let verified =
            evm.step(&record("head", "root"), &bytes("witness")).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(verified.next, record("next_head", "next_root"), "{name}");
        if verified.gas > gas_max.0 {
            gas_max = (verified.gas, name.into());
        }
    }
    println!("{} steps, most gas {} in {}", steps.len(), gas_max.0, gas_max.1);
}

//! Deployment files: one that is read, and every way to be refused.

use super::*;
use alloc::string::ToString;

const GOOD: &str = r#"{
  "version": 1,
  "chainId": 31337,
  "preset": "devnet",
  "treasury": "0x0000000000000000000000000000000000000007",
  "firstBlock": 12,
  "contracts": {
    "stepVerifier": "0x0000000000000000000000000000000000000001",
    "bonds": "0x0000000000000000000000000000000000000002",
    "programs": "0x0000000000000000000000000000000000000003",
    "batches": "0x0000000000000000000000000000000000000004",
    "faults": "0x0000000000000000000000000000000000000005",
    "court": "0x0000000000000000000000000000000000000006"
  }
}"#;

fn refused(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from));
    Deployment::from_json(&GOOD.replacen(from, to, 1)).unwrap_err().to_string()
}

#[test]
fn a_file_is_read_and_written() {
    let deployment = Deployment::from_json(GOOD).unwrap();
    assert_eq!((deployment.chain_id, deployment.preset, deployment.first_block), (31337, Preset::Devnet, 12));
    assert_eq!(deployment.domain(), Domain { chain_id: 31337, contract: Address::with_last_byte(4) });
    assert_eq!(deployment.consent_domain().contract, Address::with_last_byte(2));
    assert_eq!(deployment.to_json(), GOOD);
}

#[test]
fn files_that_are_not_are_refused_with_the_cause() {
    assert!(refused("\"court\"", "\"Court\"").contains("unknown field `Court`"));
    assert!(refused("\"firstBlock\": 12,", "").contains("missing field `firstBlock`"));
    assert!(refused("devnet", "moonnet").contains("unknown variant `moonnet`"));
    assert!(refused("000000000002\"", "0002\"").starts_with("deployment file: "));
    assert!(refused("31337", "-1").starts_with("deployment file: "));
    assert!(refused("\n}", "").starts_with("deployment file: EOF"));
    assert_eq!(refused("\"version\": 1", "\"version\": 2"), "deployment file of version 2, wanted 1");
    assert_eq!(refused("0004\"", "0000\""), "deployment file: batches is the zero address");
    assert_eq!(refused("0007\"", "0000\""), "deployment file: treasury is the zero address");
    assert_eq!(
        refused("0005\"", "0002\""),
        "deployment file: contracts bonds and faults are both at 0x0000000000000000000000000000000000000002"
    );
}

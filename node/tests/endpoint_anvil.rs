//! Questions to a real node: heights, views, methods of its own, and what is said when the answer is none.

use alloy_primitives::{Address, Bytes, U256, bytes};
use alloy_sol_types::sol;
use assay_anvil::{Anvil, Settings};
use assay_node::endpoint::{BlockId, EndpointError};
use serde_json::json;

sol! {
    function answer() external view returns (uint256);
}

const CONTRACT: Address = Address::with_last_byte(0x42);

/// Returns the word 42: PUSH1 42  PUSH1 0  MSTORE  PUSH1 32  PUSH1 0  RETURN.
const RETURNS: Bytes = bytes!("602a60005260206000f3");
/// Reverts with it.
const REVERTS: Bytes = bytes!("602a60005260206000fd");

#[tokio::test]
async fn contracts_are_asked() {
    let Some(anvil) = Anvil::start_or_skip(&Settings::default()).await else { return };
    let l1 = anvil.endpoint();
    assert_eq!(l1.height().await.expect("anvil answers"), 0);
    let ask = || l1.view("ask for the answer", CONTRACT, &answerCall {}, BlockId::latest());

    let error = ask().await.expect_err("there is no contract");
    assert!(matches!(&error, EndpointError::Malformed { what: "ask for the answer", .. }), "{error}");
    anvil.set_code(CONTRACT, RETURNS).await.expect("anvil answers");
    assert_eq!(ask().await.expect("it returns"), U256::from(42));
    anvil.set_code(CONTRACT, REVERTS).await.expect("anvil answers");
    let error = ask().await.expect_err("it reverts");
    let word = U256::from(42).to_be_bytes::<32>();
    assert!(matches!(&error, EndpointError::Refused { data: Some(data), .. } if data.as_ref() == word), "{error}");

    let id: U256 = l1.request("ask for the id", "eth_chainId", json!([])).await.expect("it is a number");
    assert_eq!(id, U256::from(assay_anvil::CHAIN_ID));
    let refused = l1.request::<Address>("ask for the id", "eth_chainId", json!([])).await;
    assert!(matches!(refused, Err(EndpointError::Malformed { .. })), "a number is no address");
    let refused = l1.request::<U256>("ask for nonsense", "assay_nonsense", json!([])).await;
    assert!(matches!(refused, Err(EndpointError::Refused { .. })), "there is no such method");
}

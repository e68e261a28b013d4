//! What only a development chain can be asked.
//!
//! Owns the words of anvil's own methods. Assumes that whoever asks is alone with the chain: tests and the devnet.

use crate::{Anvil, AnvilError};
use alloy_primitives::{Address, B256, Bytes, U256};
use serde_json::{Value, json};

impl Anvil {
    /// Asks anything.
    ///
    /// # Errors
    /// [`AnvilError::Endpoint`], here and below.
    pub async fn request(&self, method: &'static str, parameters: Value) -> Result<Value, AnvilError> {
        Ok(self.endpoint().request("ask anvil", method, parameters).await?)
    }

    /// Mines blocks with what waits.
    ///
    /// # Errors
    /// As [`Anvil::request`].
    pub async fn mine(&self, blocks: u64) -> Result<(), AnvilError> {
        self.request("anvil_mine", json!([U256::from(blocks)])).await.map(drop)
    }

    /// Replaces the newest blocks by as many empty ones. What they held is lost.
    ///
    /// # Errors
    /// As [`Anvil::request`].
    pub async fn reorganise(&self, depth: u64) -> Result<(), AnvilError> {
        self.request("anvil_reorg", json!([depth, []])).await.map(drop)
    }

    /// Height of the head.
    ///
    /// # Errors
    /// As [`Anvil::request`].
    pub async fn head(&self) -> Result<u64, AnvilError> {
        Ok(self.endpoint().height().await?)
    }

    /// Puts a contract's code at an address.
    ///
    /// # Errors
    /// As [`Anvil::request`].
    pub async fn set_code(&self, at: Address, code: Bytes) -> Result<(), AnvilError> {
        self.request("anvil_setCode", json!([at, code])).await.map(drop)
    }

    /// Gives an account so many wei, neither more nor less.
    ///
    /// # Errors
    /// As [`Anvil::request`].
    pub async fn set_balance(&self, of: Address, wei: U256) -> Result<(), AnvilError> {
        self.request("anvil_setBalance", json!([of, wei])).await.map(drop)
    }

    /// Sets the base fee of the next block, in wei a gas.
    ///
    /// # Errors
    /// As [`Anvil::request`].
    pub async fn set_next_base_fee(&self, wei: u128) -> Result<(), AnvilError> {
        self.request("anvil_setNextBlockBaseFeePerGas", json!([U256::from(wei)])).await.map(drop)
    }

    /// Lets time pass before the next block.
    ///
    /// # Errors
    /// As [`Anvil::request`].
    pub async fn pass_time(&self, seconds: u64) -> Result<(), AnvilError> {
        self.request("evm_increaseTime", json!([U256::from(seconds)])).await.map(drop)
    }

    /// The state as it is, to come back to once.
    ///
    /// # Errors
    /// As [`Anvil::request`].
    pub async fn snapshot(&self) -> Result<Value, AnvilError> {
        self.request("evm_snapshot", json!([])).await
    }

    /// Back to a snapshot: its blocks and all after it are as if they had not been.
    ///
    /// # Errors
    /// As [`Anvil::request`].
    pub async fn revert_to(&self, snapshot: Value) -> Result<(), AnvilError> {
        self.request("evm_revert", json!([snapshot])).await.map(drop)
    }

    /// Sends a call from one of anvil's own accounts, signed by anvil, and returns the transaction's hash. It is mined with the next
    /// block.
    ///
    /// # Errors
    /// As [`Anvil::request`].
    pub async fn send(&self, from: Address, to: Address, data: Bytes, gas: u64) -> Result<B256, AnvilError> {
        let call = json!([{ "from": from, "to": to, "data": data, "gas": U256::from(gas) }]);
        Ok(self.endpoint().request("send through anvil", "eth_sendTransaction", call).await?)
    }
}

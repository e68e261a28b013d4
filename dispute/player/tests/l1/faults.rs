//! Face faults on a real L1: of each kind in each of its forms a batch that has it, posted, found by what is derived from L1, and proven
//! in one transaction; and an innocent batch that is convicted of none. Batches and their faults are those of the simulation's catalogue.
//! One anvil and one deployment serve all: what was done about a batch is taken back before the next.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::{SolCall, SolError, SolInterface};
use assay_anvil::{Anvil, Settings};
use assay_node::endpoint::{Endpoint, EndpointConfig, EndpointError};
use assay_player::chain::{Chain, Follower};
use assay_protocol::contracts::{Batches, Faults};
use assay_protocol::data::data_root;
use assay_protocol::faults::{
    BoundError, EntryError, Exhibits, Fault, Need, PredecessorError, SignerError, SourceError, faults,
};
use assay_protocol::objects::Place;
use assay_protocol::signature::SignatureError;
use serde_json::{Value, json};

use crate::arena::{deployment_of, replay};
use crate::catalogue;
use crate::region::{BEFORE, Draft, Region};
use crate::seat::{follow, open_store};

/// Gas of a proof: what a transaction may use.
const GAS: u64 = 1 << 24;

/// A region on anvil, and what is derived from it.
struct Accused {
    anvil: Anvil,
    region: Region,
    chain: Chain,
    follower: Follower,
    prover: Address,
    _directory: tempfile::TempDir,
}

impl Accused {
    async fn open() -> Option<Self> {
        let region = Region::new();
        let timestamp = Some(region.world.blocks()[0].time);
        let anvil = Anvil::start_or_skip(&Settings { timestamp, ..Settings::default() }).await?;
        replay(&anvil, &region.world).await;
        let directory = tempfile::tempdir().unwrap();
        let endpoint = Endpoint::new(&EndpointConfig::new(anvil.url())).unwrap();
        let (chain, follower) = follow(open_store(directory.path()), endpoint, &deployment_of(&region.deployment));
        let prover = Address::repeat_byte(0x99);
        anvil.set_balance(prover, U256::from(10).pow(U256::from(20))).await.unwrap();
        Some(Self { anvil, region, chain, follower, prover, _directory: directory })
    }

    /// Posts a batch, as the sequencer.
    async fn post(&mut self, draft: Draft) {
        let Draft { mut batch, bytes } = draft;
        (batch.data_length, batch.data_root) = (bytes.len() as u32, data_root(&bytes));
        let call = Batches::postCall { batch: (&batch).into(), lastPart: Bytes::from(bytes) };
        let receipt =
            self.send(self.region.sequencer.address(), self.region.deployment.batches, call.abi_encode()).await;
        assert_eq!(receipt["status"], json!("0x1"), "the batch is posted");
        self.follower.catch_up().await.unwrap();
    }

    async fn send(&self, from: Address, to: Address, data: Vec<u8>) -> Value {
        let call = json!([{ "from": from, "to": to, "data": Bytes::from(data), "gas": U256::from(GAS) }]);
        let hash = self.anvil.request("eth_sendTransaction", call).await.unwrap();
        self.anvil.mine(1).await.unwrap();
        self.anvil.request("eth_getTransactionReceipt", json!([hash])).await.unwrap()
    }

    /// What derivation finds wrong with the newest batch.
    fn found(&self) -> Vec<Fault> {
        let (region, number) = (self.region.id, BEFORE);
        let posted_at = self.chain.batch(region, number).unwrap().posted_at;
        let data = self.chain.batch_data(region, number).unwrap().unwrap();
        let limits = self.region.deployment.parameters.limits();
        faults(&data.open().unwrap(), posted_at, &limits, &self.chain.facts(region)).unwrap()
    }

    /// The proof of a fault of the newest batch, made of what is derived.
    fn proof(&self, fault: &Fault) -> Vec<u8> {
        let data = self.chain.batch_data(self.region.id, BEFORE).unwrap().unwrap();
        let accused = data.open().unwrap();
        let named =
            fault.named(&accused).map(|named| self.chain.batch_data(self.region.id, named.batch).unwrap().unwrap());
        let batch = named.as_ref().map(|named| named.open().unwrap());
        let descriptor = fault.program(&accused).map(|_| self.region.descriptor.clone().into());
        fault.proof(&accused, Exhibits { batch, descriptor }).unwrap().abi_encode()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_is_proven_in_one_transaction() {
    let Some(mut accused) = Accused::open().await else { return };
    let (mut gas_max, mut proofs): (BTreeMap<u8, u64>, u32) = (BTreeMap::new(), 0);
    for case in catalogue::all() {
        let snapshot = accused.anvil.snapshot().await.unwrap();
        accused.post(case.draft(&accused.region.clone())).await;
        let found = accused.found();
        let fault = found.iter().find(|fault| fault.number() == case.wanted);
        let fault = fault.unwrap_or_else(|| panic!("{}: {found:?}", case.name));
        let receipt = accused.send(accused.prover, accused.region.deployment.faults, accused.proof(fault)).await;
        assert_eq!(receipt["status"], json!("0x1"), "{}: {fault}", case.name);
        let used: U256 = serde_json::from_value(receipt["gasUsed"].clone()).unwrap();
        let most = gas_max.entry(case.wanted).or_default();
        *most = used.to::<u64>().max(*most);
        proofs += 1;
        accused.follower.catch_up().await.unwrap();
        assert!(accused.chain.batch(accused.region.id, BEFORE).unwrap().voided_at.is_some(), "{}", case.name);
        let owed = accused.chain.view().credit(accused.region.deployment.faults, accused.prover).owed;
        assert!(owed > U256::ZERO, "{}", case.name);
        accused.anvil.revert_to(snapshot).await.unwrap();
    }
    println!("{proofs} faulty batches, each with its proof; most gas by fault: {gas_max:?}");
    assert_eq!(gas_max.into_keys().collect::<Vec<u8>>(), (1..=15).collect::<Vec<u8>>());
}

/// One accusation of each kind, at a place that there is.
fn accusations() -> Vec<Fault> {
    let (leaf, zero) = (1, B256::ZERO);
    let signature = SignerError::Signature(SignatureError::Unrecoverable);
    let other = SourceError::OtherBlob { got: zero, got_length: 0, wanted: zero, wanted_length: 0 };
    vec![
        Fault::ClientSignature { leaf, cause: signature },
        Fault::ExecutorSignature { leaf, cause: signature },
        Fault::Bound { leaf, cause: BoundError::Status { got: 0 } },
        Fault::Program { leaf, program: zero, as_of: 0 },
        Fault::Repeated { leaf, earlier: Place { batch: 0, index: 0 } },
        Fault::Predecessor { leaf, cause: PredecessorError::First },
        Fault::Deadline { leaf, got: 0, wanted: 0 },
        Fault::Leaves { pair: 0, got: zero, wanted: zero },
        Fault::Sequence { leaf, got: 0, other: 0 },
        Fault::Source { leaf, need: Need::Input, cause: other },
        Fault::Source { leaf, need: Need::Wasm, cause: other },
        Fault::Entry { entry: 2, cause: EntryError::Empty },
        Fault::DataLength { got: 0, wanted: 0 },
        Fault::Page { entry: 2, page: 1, got: zero, wanted: zero },
        Fault::BlobNode { entry: 2, level: 1, index: 0, got: zero, wanted: zero },
        Fault::Padding { entry: 2, offset: 4000 },
        Fault::LeafNode { level: 2, index: 0, got: zero, wanted: zero },
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_innocent_sequencer_is_not_convicted() {
    let Some(mut accused) = Accused::open().await else { return };
    let draft = accused.region.draft(&accused.region.claims());
    accused.post(draft).await;
    assert_eq!(accused.found(), []);
    let mut kinds = Vec::new();
    for fault in accusations() {
        let data = accused.proof(&fault);
        let call = json!([{ "from": accused.prover, "to": accused.region.deployment.faults, "data": Bytes::from(data) }, "latest"]);
        let refused = accused.anvil.endpoint().request::<Value>("accuse", "eth_call", call).await;
        let Err(EndpointError::Refused { data: Some(data), .. }) = refused else { panic!("{fault:?}: {refused:?}") };
        assert_eq!(Faults::NoFault::abi_decode(&data).map(|refused| refused.fault), Ok(fault.number()), "{fault:?}");
        kinds.push(fault.number());
    }
    kinds.dedup();
    assert_eq!(kinds, (1..=15).collect::<Vec<u8>>());
}

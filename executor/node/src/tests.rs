//! What unit tests of this crate share: a request, its assignment, and the terms that both meet.

use alloy_primitives::{Address, Bytes};
use assay_node::keys::Wallet;
use assay_protocol::faults::Limits;
use assay_protocol::objects::{Domain, TaskRequest};
use assay_protocol::rpc::Assignment;
use assay_protocol::{B256, BlobRef};
use assay_runner::blob_of;

use crate::check::Terms;

pub const INPUT: &[u8] = b"some input";

pub fn domain() -> Domain {
    Domain { chain_id: 31_337, contract: Address::repeat_byte(0xba) }
}

pub fn client() -> Wallet {
    Wallet::from_secret(&B256::repeat_byte(7)).expect("it is a key")
}

pub fn request() -> TaskRequest {
    TaskRequest {
        client: client().address(),
        region: B256::repeat_byte(1),
        program: B256::repeat_byte(2),
        input: blob_of(INPUT),
        fuel_limit: 1000,
        output_length_max: 64,
        fee_max: 1,
        deadline: 10_000,
        nonce: 0,
    }
}

pub fn assignment(request: TaskRequest) -> Assignment {
    let task = request.id(&domain());
    let signature = client().sign_hash(&task).expect("it signs");
    Assignment {
        task,
        attempt: 0,
        request,
        client_signature: Bytes::from(signature.to_vec()),
        wasm: BlobRef { root: B256::repeat_byte(3), length: 1000 },
        input: Some(Bytes::from_static(INPUT)),
        lease_ms: 1000,
    }
}

pub fn terms() -> Terms {
    let limits =
        Limits { fuel_limit_max: 1 << 30, output_length_max: 1 << 28, input_length_max: 1 << 30, source_horizon: 8 };
    let (module_bytes_max, l1_time, deadline_max) = (1 << 20, Some(5000), 20_000);
    Terms { region: B256::repeat_byte(1), domain: domain(), limits, module_bytes_max, l1_time, deadline_max }
}

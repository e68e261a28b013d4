//! Whether an assignment is worth running: what a sequencer says is checked before anything is spent on it.
//!
//! Owns the checks that need no bytes but the assignment's own. A sequencer that is refused something has no hold on an executor: what
//! would be a fault as a leaf is never run, let alone signed. Pure.

use assay_protocol::faults::Limits;
use assay_protocol::objects::Domain;
use assay_protocol::rpc::{Assignment, DeclineReason, INLINE_BYTES_MAX};
use assay_protocol::signature::recover;
use assay_protocol::{Address, B256};
use assay_runner::blob_of;
use thiserror::Error;

/// What assignments of a sequencer are held to.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// The sequencer's region.
    pub region: B256,
    /// What requests are signed for.
    pub domain: Domain,
    /// Bounds of the deployment.
    pub limits: Limits,
    /// Longest module that this host takes.
    pub module_bytes_max: u64,
    /// Newest L1 time; none while L1 was not read.
    pub l1_time: Option<u64>,
    /// Latest deadline that this host takes: what it signs binds input, module and room for its defence until then, and a window more.
    pub deadline_max: u64,
}

/// Why an assignment is not run.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// The task's id is not that of the request.
    #[error("the task is {got}, its request is {wanted}")]
    Task {
        /// As assigned.
        got: B256,
        /// By the request.
        wanted: B256,
    },
    /// The request is for another region.
    #[error("the request is for region {got}, the sequencer's is {wanted}")]
    Region {
        /// In the request.
        got: B256,
        /// The sequencer's.
        wanted: B256,
    },
    /// The client did not sign the request.
    #[error("the client {client} did not sign: {reason}")]
    Client {
        /// Who is said to ask.
        client: Address,
        /// What is wrong with the signature.
        reason: String,
    },
    /// A limit is out of bounds.
    #[error("{what} {got}, at most {most}")]
    Bound {
        /// Which.
        what: &'static str,
        /// Its value.
        got: u64,
        /// Its bound.
        most: u64,
    },
    /// It can't be posted any more.
    #[error("the deadline {got} is past, L1 is at {now}")]
    Deadline {
        /// The deadline.
        got: u64,
        /// L1's time.
        now: u64,
    },
    /// The bytes given are not the input.
    #[error("the input given is {got} of {got_length} bytes, the request has {wanted} of {wanted_length}")]
    Input {
        /// Root of what was given.
        got: B256,
        /// Its length.
        got_length: u64,
        /// Root in the request.
        wanted: B256,
        /// Length in the request.
        wanted_length: u64,
    },
}

impl Refused {
    /// The reason as the protocol has it.
    #[must_use]
    pub fn reason(&self) -> DeclineReason {
        match self {
            Self::Input { .. } => DeclineReason::Missing,
            _ => DeclineReason::Request,
        }
    }
}

/// Checks an assignment.
///
/// # Errors
/// [`Refused`], by the first that applies.
pub fn check(assignment: &Assignment, terms: &Terms) -> Result<(), Refused> {
    let request = &assignment.request;
    let (got, wanted) = (request.region, terms.region);
    if got != wanted {
        return Err(Refused::Region { got, wanted });
    }
    let (got, wanted) = (assignment.task, request.id(&terms.domain));
    if got != wanted {
        return Err(Refused::Task { got, wanted });
    }
    let bounds = [
        ("fuel limit", request.fuel_limit, terms.limits.fuel_limit_max),
        ("output limit", request.output_length_max, terms.limits.output_length_max),
        ("input length", request.input.length, terms.limits.input_length_max),
        ("module length", assignment.wasm.length, terms.module_bytes_max),
        ("deadline", request.deadline, terms.deadline_max),
    ];
    if let Some((what, got, most)) = bounds.into_iter().find(|(_, got, most)| got > most) {
        return Err(Refused::Bound { what, got, most });
    }
    if let Some(now) = terms.l1_time.filter(|now| *now > request.deadline) {
        return Err(Refused::Deadline { got: request.deadline, now });
    }
    if let Some(bytes) = &assignment.input {
        let (got, most) = (bytes.len() as u64, INLINE_BYTES_MAX as u64);
        if got > most {
            return Err(Refused::Bound { what: "input inside the call", got, most });
        }
        let (got, wanted) = (blob_of(bytes), request.input);
        if got != wanted {
            let (got_length, wanted_length) = (got.length, wanted.length);
            return Err(Refused::Input { got: got.root, got_length, wanted: wanted.root, wanted_length });
        }
    }
    // Last, for it costs the most.
    let client = request.client;
    let forged = |reason: String| Refused::Client { client, reason };
    match recover(&assignment.client_signature, &assignment.task) {
        Ok(signer) if signer == client => Ok(()),
        Ok(signer) => Err(forged(format!("{signer} did"))),
        Err(error) => Err(forged(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{assignment, client, domain, request, terms};
    use alloy_primitives::Bytes;
    use assay_protocol::BlobRef;
    use assay_protocol::objects::TaskRequest;

    #[test]
    fn what_is_well_signed_and_in_bounds_is_run() {
        assert_eq!(check(&assignment(request()), &terms()), Ok(()));
        let by_blob = Assignment { input: None, ..assignment(request()) };
        assert_eq!(check(&by_blob, &terms()), Ok(()));
        assert_eq!(check(&assignment(request()), &Terms { l1_time: None, ..terms() }), Ok(()));
    }

    /// Whatever a hostile sequencer changes is found, and named.
    #[test]
    fn each_lie_of_a_sequencer_is_refused() {
        let good = assignment(request());
        let signed = |request: TaskRequest| assignment(request);
        let refused = |assignment: &Assignment| check(assignment, &terms()).expect_err("it is wrong");

        let other = signed(TaskRequest { region: B256::repeat_byte(9), ..request() });
        assert!(matches!(refused(&other), Refused::Region { .. }));
        let renamed = Assignment { task: B256::repeat_byte(9), ..good.clone() };
        assert!(matches!(refused(&renamed), Refused::Task { .. }));
        let raised = Assignment { request: TaskRequest { fee_max: 9, ..request() }, ..good.clone() };
        assert!(matches!(refused(&raised), Refused::Task { .. }), "a request that was changed is another task");
        for request in [
            TaskRequest { fuel_limit: terms().limits.fuel_limit_max + 1, ..request() },
            TaskRequest { output_length_max: u64::MAX, ..request() },
            TaskRequest { input: BlobRef { length: u64::MAX, ..request().input }, ..request() },
            TaskRequest { deadline: terms().deadline_max + 1, ..request() },
        ] {
            assert!(matches!(refused(&signed(request)), Refused::Bound { .. }), "{request:?}");
        }
        let module = Assignment { wasm: BlobRef { length: 1 << 40, ..good.wasm }, ..good.clone() };
        assert!(matches!(refused(&module), Refused::Bound { what: "module length", .. }));
        let long = Assignment { input: Some(Bytes::from(vec![0; INLINE_BYTES_MAX + 1])), ..good.clone() };
        assert!(matches!(refused(&long), Refused::Bound { what: "input inside the call", .. }));
        let swapped = Assignment { input: Some(Bytes::from_static(b"other")), ..good.clone() };
        assert_eq!(refused(&swapped).reason(), DeclineReason::Missing);
        let late = signed(TaskRequest { deadline: 1, ..request() });
        assert!(matches!(refused(&late), Refused::Deadline { got: 1, .. }));

        let forged = |signature: Bytes| Assignment { client_signature: signature, ..good.clone() };
        let stranger = assay_node::keys::Wallet::from_secret(&B256::repeat_byte(8)).expect("it is a key");
        let theirs = stranger.sign_hash(&good.task).expect("it signs");
        for signature in [Bytes::new(), Bytes::from(vec![0; 65]), Bytes::from(theirs.to_vec())] {
            assert!(matches!(refused(&forged(signature)), Refused::Client { .. }));
        }
        let elsewhere = Domain { chain_id: 1, ..domain() };
        let replayed = client().sign_hash(&request().id(&elsewhere)).expect("it signs");
        assert!(matches!(refused(&forged(Bytes::from(replayed.to_vec()))), Refused::Client { .. }));
        assert_eq!(refused(&renamed).reason(), DeclineReason::Request);
    }
}

//! What an application calls: tasks, results, programs and proofs of a sequencer.
//!
//! ```text
//! api        AssayApi: the sequencer's methods, on any provider of alloy's          wait     until a task has come as far as wanted
//! admin      what a sequencer's operator asks of it
//! request    a task request with defaults, its id and signature; receipts checked   blobs    inputs and outputs of any length
//! ```
//!
//! Owns nothing of a job. Assumes nothing of a sequencer: receipts are checked against its key and the request, outputs against the
//! root that the result names. That a result is right is L1's matter: wait for [`Goal::Final`] where that counts.
//!
//! ```no_run
//! # async fn example(signer: impl alloy_signer::SignerSync + alloy_signer::Signer, program: assay_protocol::B256)
//! # -> Result<(), assay_client::ClientError> {
//! use assay_client::{AssayApi, BlobClient, Draft, Goal, SignedRequest, connect, wait_for};
//!
//! let sequencer = connect("http://127.0.0.1:8651")?;
//! let blobs = BlobClient::new("http://127.0.0.1:8651")?;
//! let status = sequencer.status().await?;
//! let input = blobs.upload(b"1000000\n").await?;
//! let request = SignedRequest::sign(Draft::new(program, input).request(signer.address(), &status, 0), &status, &signer)?;
//! let receipt = sequencer.submit_task(&request, None).await?;
//! request.check(&receipt, &status)?;
//! let task = wait_for(&sequencer, receipt.receipt.task, Goal::Executed).await?;
//! let output = blobs.fetch(&task.result.expect("it is executed").result.output, 1 << 20).await?;
//! # let _ = output;
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod admin;
mod api;
mod blobs;
mod error;
mod request;
mod wait;

pub use admin::{AdminClient, AdminStatus};
pub use api::{AssayApi, connect};
pub use blobs::{BlobClient, blob_of_file};
pub use error::ClientError;
pub use request::{Draft, SignedRequest, domain};
pub use wait::{Goal, wait_for};

//! `assay_registerProgram`, `assay_getProgram`: modules become programs, here and on L1.
//!
//! Owns the way of a module, one at a time on a thread of its own: one within the limit takes some tens of milliseconds and some tens of
//! megabytes.

use std::sync::Arc;

use alloy_primitives::{B256, Bytes};
use assay_machine::program::Program;
use assay_node::blobs::BlobError;
use assay_protocol::BlobRef;
use assay_protocol::rpc::{ErrorCode, ProgramView, methods};
use jsonrpsee::RpcModule;
use jsonrpsee::server::RegisterMethodError;
use jsonrpsee::types::ErrorObjectOwned;
use serde::Deserialize;

use super::admission::Coming;
use super::params::Positional;
use super::{Peer, Rpc};
use crate::refusal::Refusal;
use crate::registrations::registration;
use crate::rows::{PIN_PROGRAM, PROGRAMS, ProgramRow};

/// A module: its bytes, or the name under which they were uploaded.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a module as 0x hex, or the root and length of an uploaded one")]
enum Module {
    Bytes(Bytes),
    Blob(BlobRef),
}

pub(super) fn register(module: &mut RpcModule<Rpc>) -> Result<(), RegisterMethodError> {
    module.register_async_method(methods::REGISTER_PROGRAM, |params, rpc, extensions| async move {
        let wasm = Positional::of(&params).next("wasm")?;
        let peer = extensions.get::<Peer>().copied().ok_or_else(Refusal::stopping)?;
        register_program(&rpc, peer, wasm).await.map_err(ErrorObjectOwned::from)
    })?;
    module.register_async_method(methods::GET_PROGRAM, |params, rpc, _| async move {
        let program: B256 = Positional::of(&params).next("program")?;
        let store = rpc.context.store.clone();
        let row = rpc.workers.run(move || store.get(&PROGRAMS, &program)).await.ok_or_else(Refusal::stopping)?;
        let row = row.map_err(|error| {
            tracing::error!(%error, "the store can't be read");
            Refusal::stopping()
        })?;
        Ok::<_, ErrorObjectOwned>(row.map(|row| view(&rpc, program, &row)))
    })?;
    Ok(())
}

fn view(rpc: &Rpc, program: B256, row: &ProgramRow) -> ProgramView {
    row.view(program, rpc.view().registry.program(&program))
}

async fn register_program(rpc: &Arc<Rpc>, peer: Peer, module: Module) -> Result<ProgramView, Refusal> {
    if let Some(reason) = rpc.gate.closed() {
        return Err(Refusal::new(ErrorCode::Unavailable, reason));
    }
    rpc.admission.charge(peer.1)?;
    let (worker, most) = (rpc.clone(), rpc.context.config.intake.wasm_bytes_max);
    let lowered = rpc.admission.lowering.run(move || {
        let wasm = bytes_of(&worker, module, most)?;
        let program = lowered(&wasm, most)?;
        let row = ProgramRow::from(program.descriptor());
        let coming = coming(&worker, program.id(), &row)?;
        if coming.is_some() {
            let stored = worker.context.blobs.put(&wasm);
            stored.map_err(|error| unavailable(&error))?;
        }
        Ok::<_, Refusal>((program.id(), row, coming))
    });
    let (id, row, coming) = lowered.await.ok_or_else(|| {
        Refusal::new(
            ErrorCode::ModuleRefused,
            "the module can't be lowered, which is a bug of the machine: please report it",
        )
    })??;
    if let Some(coming) = coming {
        let mut commit = rpc.context.store.batch();
        let written = commit.put(&PROGRAMS, &id, &row).map_err(BlobError::from);
        let written = written.and_then(|()| rpc.context.blobs.pin(&mut commit, &row.wasm, (PIN_PROGRAM, 0)));
        written.map_err(|error| unavailable(&error))?;
        let intents = match rpc.view().registry.program(&id) {
            Some(_) => Vec::new(),
            None => vec![registration(&rpc.context, id, &row, 0)],
        };
        let submitted = rpc.sender.submit_with(commit, intents).await;
        submitted.map_err(|error| {
            tracing::error!(%error, "a program can't be registered");
            Refusal::stopping()
        })?;
        coming.stays();
    }
    Ok(view(rpc, id, &row))
}

/// Takes a program in, unless it is here.
fn coming(rpc: &Rpc, id: B256, row: &ProgramRow) -> Result<Option<Coming>, Refusal> {
    let is_here = || Ok(rpc.context.store.get(&PROGRAMS, &id).map_err(|_| Refusal::stopping())?.is_some());
    if is_here()? {
        return Ok(None);
    }
    let coming = rpc.admission.enter(id, row.wasm.length)?;
    // Whoever brought it at the same time may have been done in between.
    Ok(if is_here()? { None } else { Some(coming) })
}

fn unavailable(error: &BlobError) -> Refusal {
    tracing::error!(%error, "a module can't be stored");
    Refusal::new(ErrorCode::Unavailable, "the module can't be stored now")
}

fn bytes_of(rpc: &Rpc, module: Module, most: u64) -> Result<Bytes, Refusal> {
    match module {
        Module::Bytes(bytes) => Ok(bytes),
        Module::Blob(blob) => {
            let read = rpc.context.blobs.read_all(&blob, most).map_err(|error| match error {
                BlobError::TooLong { .. } => Refusal::new(ErrorCode::ModuleRefused, error),
                error => unavailable(&error),
            })?;
            let path = assay_protocol::rpc::blobs::path(&blob);
            read.ok_or_else(|| {
                Refusal::new(ErrorCode::MissingInput, format!("the module is not here: PUT it to {path}"))
            })
        }
    }
}

fn lowered(wasm: &[u8], most: u64) -> Result<Program, Refusal> {
    if wasm.len() as u64 > most {
        let message = format!("a module of {} bytes, at most {most}", wasm.len());
        return Err(Refusal::new(ErrorCode::ModuleRefused, message));
    }
    Program::from_wasm(wasm).map_err(|error| Refusal::new(ErrorCode::ModuleRefused, error))
}

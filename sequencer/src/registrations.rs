//! What L1 must have of a region besides its batches: the region itself, and the programs that were registered here.
//!
//! Owns the intents that bring it there, and their names. Each is carried out once; but a reorganisation that is deeper than what settles a
//! transaction takes back what was settled. So L1 is looked at every so many blocks: what it does not have at two looks, one after the
//! other, though nothing is on its way, is sent again as the next round. Rounds are counted by what the sender has written down, so that a
//! restart changes nothing. What L1 has already changes nothing there either, or its estimate fails and it is not sent.

use std::collections::HashSet;
use std::sync::Arc;

use alloy_primitives::{B256, U256, keccak256};
use alloy_sol_types::SolCall;
use assay_node::tx::{Intent, IntentId, Priority, Sender, Status, TxError};
use assay_protocol::contracts::{Batches, Programs};
use assay_protocol::objects::Role;
use tracing::warn;

use crate::context::Context;
use crate::l1::{VANISHED_BLOCKS, View};
use crate::rows::{PROGRAMS, ProgramRow};

/// Domain tags of names.
const REGION_TAG: &[u8] = b"assay.sequencer.region.v1";
/// See [`REGION_TAG`].
const PROGRAM_TAG: &[u8] = b"assay.sequencer.program.v1";
/// Most that is sent again at one look: batches wait behind it.
const AGAIN_MAX: usize = 64;

/// Sees to it that L1 has what it must have.
pub struct Registrations {
    context: Arc<Context>,
    sender: Sender,
    has_opened: bool,
    /// Block of the last look.
    looked_at: Option<u64>,
    /// Names of what would have been sent then.
    lacked: HashSet<IntentId>,
}

impl Registrations {
    /// Nothing was looked at yet.
    pub fn new(context: Arc<Context>, sender: Sender) -> Self {
        Self { context, sender, has_opened: false, looked_at: None, lacked: HashSet::new() }
    }

    /// Opens the region when it can be opened, and sends again what L1 has lost. L1 must have been read up to its head.
    ///
    /// # Errors
    /// If what was sent can't be read, or what is to be sent not written.
    pub async fn look(&mut self, view: &Arc<View>) -> Result<(), TxError> {
        if !self.has_opened && lacks_region(&self.context, view) {
            self.has_opened = true;
            self.sender.submit(opening(&self.context, 0)).await?;
        }
        let Some(tip) = view.tip().map(|tip| tip.number) else { return Ok(()) };
        let chain = &self.context.config.chain;
        let pause = VANISHED_BLOCKS + chain.settled_confirmations + chain.confirmations;
        if self.looked_at.is_some_and(|looked_at| tip < looked_at + pause) {
            return Ok(());
        }
        self.looked_at = Some(tip);
        let (context, sender, view) = (self.context.clone(), self.sender.clone(), view.clone());
        let looked = tokio::task::spawn_blocking(move || lacking(&context, &sender, &view)).await;
        let lacking = looked.expect("looking does not panic, and a runtime that ends it ends its caller too")?;
        let names = lacking.iter().map(|intent| intent.id).collect();
        let lacked = std::mem::replace(&mut self.lacked, names);
        let again = lacking.into_iter().filter(|intent| lacked.contains(&intent.id)).take(AGAIN_MAX);
        let again: Vec<Intent> = again.collect();
        if !again.is_empty() {
            warn!(count = again.len(), "L1 has lost what was registered, it is sent again");
            self.sender.submit_with(self.context.store.batch(), again).await?;
        }
        Ok(())
    }
}

/// The next round of all that L1 does not have and nothing is on its way for.
fn lacking(context: &Context, sender: &Sender, view: &View) -> Result<Vec<Intent>, TxError> {
    let mut lacking = Vec::new();
    if lacks_region(context, view)
        && let Some(round) = next_round(sender, REGION_TAG, &context.region)?
    {
        lacking.push(opening(context, round));
    }
    for row in context.store.range(&PROGRAMS, ..) {
        let (program, row) = row?;
        if view.registry.program(&program).is_none()
            && let Some(round) = next_round(sender, PROGRAM_TAG, &program)?
        {
            lacking.push(registration(context, program, &row, round));
        }
    }
    Ok(lacking)
}

/// Whether the region is to be opened from here: its owner's key is here, and has a stake.
fn lacks_region(context: &Context, view: &View) -> bool {
    let is_registered = view.registry.is_registered(Role::Sequencer, context.owner, view.time());
    !view.is_open() && is_registered && context.owner == context.wallet.address()
}

/// The round that was not sent yet; none while the one before is on its way.
fn next_round(sender: &Sender, tag: &[u8], of: &B256) -> Result<Option<u32>, TxError> {
    let mut round = 0;
    loop {
        match sender.status(&name(tag, of, round))? {
            None => return Ok(Some(round)),
            Some(Status::Queued | Status::InFlight { .. }) => return Ok(None),
            Some(Status::Settled(_)) => round += 1,
        }
    }
}

fn name(tag: &[u8], of: &B256, round: u32) -> IntentId {
    keccak256([tag, of.as_slice(), &round.to_be_bytes()].concat())
}

/// The region, opened by its owner.
pub fn opening(context: &Context, round: u32) -> Intent {
    let call = Batches::openRegionCall { name: context.config.region_name };
    Intent {
        id: name(REGION_TAG, &context.region, round),
        to: context.deployment.contracts.batches,
        data: call.abi_encode().into(),
        value: U256::ZERO,
        gas_limit: None,
        priority: Priority::Routine,
        expires_at: None,
        after: None,
    }
}

/// A program, registered. Registering what is registered changes nothing on L1.
pub fn registration(context: &Context, program: B256, row: &ProgramRow, round: u32) -> Intent {
    let mounts = row.mounts.iter().map(|(region, root)| Programs::Mount { region: *region, root: *root });
    let descriptor = Programs::Descriptor {
        version: row.version,
        entryPc: row.entry_pc,
        memoryPages: row.memory_pages,
        memoryPagesMax: row.memory_pages_max,
        wasm: Programs::BlobRef { root: row.wasm.root, length: row.wasm.length },
        mounts: mounts.collect(),
    };
    Intent {
        id: name(PROGRAM_TAG, &program, round),
        to: context.deployment.contracts.programs,
        data: Programs::registerCall { descriptor }.abi_encode().into(),
        value: U256::ZERO,
        gas_limit: None,
        priority: Priority::Routine,
        expires_at: None,
        after: None,
    }
}

//! What to sign or send next: rules 2 to 5, 7 and 8 of the pool.
//!
//! Owns the choice, which depends on what L1 shows and changes nothing but what is told of a shortage and of offers that were too low.

use super::{EMPTY_TRANSFER_GAS, Plan, Pool, Shortage, Slot, View, Waiting};
use crate::tx::intent::{IntentId, Outcome, Priority, cost};
use alloy_primitives::U256;

/// The most nonces that are not settled when a routine one is opened, for each that may be unmined: L1 is asked about all of them each time.
const UNSETTLED_FACTOR: usize = 16;

impl Pool {
    /// The next thing to do, until there is nothing more at this view.
    pub fn plan(&mut self, view: &View) -> Option<Plan> {
        self.shortage = None;
        self.close(view).or_else(|| self.replace(view)).or_else(|| self.open(view))
    }

    /// An intent whose time is over, or that follows one that came to nothing.
    fn close(&mut self, view: &View) -> Option<Plan> {
        let over = |id: &IntentId| self.intents[id].intent.expires_at.is_some_and(|at| at <= view.timestamp);
        let intent = *self.queue.values().find(|id| over(id) || self.orphans.contains(*id))?;
        let outcome = if self.orphans.contains(&intent) { Outcome::Orphaned } else { Outcome::Expired };
        self.fail(&intent);
        Some(Plan::Close { intent, outcome })
    }

    /// A slot that is not mined and must be raised, replaced or sent again: rules 4 and 5.
    fn replace(&mut self, view: &View) -> Option<Plan> {
        let urgent_up_to = self.urgent_up_to(view);
        let before_urgent = |nonce: u64| urgent_up_to.is_some_and(|last| nonce <= last);
        let lowest = self.pending(view).next()?.0;
        let due = |slot: &Slot| {
            slot.too_cheap
                || slot.offered_ms.is_none_or(|at| view.now_ms.saturating_sub(at) >= self.config.resubmit_after_ms)
        };
        let (nonce, slot) = self.pending(view).find(|(nonce, slot)| {
            let first_offer = slot.offered_ms.is_none();
            due(slot) && (first_offer || slot.too_cheap || *nonce == lowest || before_urgent(*nonce))
        })?;
        // What a former life of the process had sent is offered again as it is: nodes may well have it.
        if slot.offered_ms.is_none() && !slot.too_cheap {
            return Some(Plan::Send { nonce });
        }
        let newest = slot.newest();
        let is_patient = newest.intent.is_some_and(|id| self.is_patient(&id, view));
        if is_patient && !slot.too_cheap && self.config.fees.suffices(newest.fees, view.market) {
            return Some(Plan::Send { nonce });
        }
        let limit = self.limit_of(newest.intent, before_urgent(nonce), view);
        if let Some(fees) = self.config.fees.raised(newest.fees, view.market, limit) {
            return Some(Plan::Sign { nonce, intent: newest.intent, fees, gas_limit: newest.gas_limit });
        }
        let urgent_cap = self.config.fees.urgent_cap;
        if before_urgent(nonce)
            && newest.intent.is_some()
            && limit < urgent_cap
            && let Some(fees) = self.config.fees.raised(newest.fees, view.market, urgent_cap)
        {
            return Some(Plan::Sign { nonce, intent: None, fees, gas_limit: EMPTY_TRANSFER_GAS });
        }
        // At the limit: a node that wanted more is not asked again before the time is over.
        let waits = slot.offered_ms.is_some_and(|at| view.now_ms.saturating_sub(at) < self.config.resubmit_after_ms);
        match waits {
            true => {
                self.slots.get_mut(&nonce).expect("was just found").too_cheap = false;
                self.replace(view)
            }
            false => Some(Plan::Send { nonce }),
        }
    }

    /// Slots whose nonce is not used, lowest first.
    fn pending(&self, view: &View) -> impl Iterator<Item = (u64, &Slot)> {
        self.slots.range(view.nonce..).map(|(&nonce, slot)| (nonce, slot))
    }

    /// The highest nonce that urgent work waits for: its own, or any at all when urgent work finds no free slot.
    fn urgent_up_to(&self, view: &View) -> Option<u64> {
        let queued = self.queue.values().next().is_some_and(|id| self.is_urgent(id, view));
        if queued && self.pending(view).count() >= self.config.unmined_max {
            return Some(u64::MAX);
        }
        let urgent = |slot: &Slot| slot.newest().intent.is_some_and(|id| self.is_urgent(&id, view));
        self.pending(view).filter(|(_, slot)| urgent(slot)).map(|(nonce, _)| nonce).last()
    }

    fn priority_of(&self, id: &IntentId) -> Priority {
        self.intents.get(id).map_or(Priority::Routine, |waiting| waiting.intent.priority)
    }

    /// Urgent work with so much time left that it is worth no more than what the market asks for.
    fn is_patient(&self, id: &IntentId, view: &View) -> bool {
        let hurry_from = |at: u64| at.saturating_sub(self.config.fees.hurry_seconds);
        self.intents.get(id).is_some_and(|Waiting { intent, .. }| {
            intent.priority == Priority::Urgent && intent.expires_at.is_some_and(|at| view.timestamp < hurry_from(at))
        })
    }

    /// Urgent work that is not patient.
    fn is_urgent(&self, id: &IntentId, view: &View) -> bool {
        self.priority_of(id) == Priority::Urgent && !self.is_patient(id, view)
    }

    /// The highest fee cap for a slot. An empty transfer is worth what waits behind it.
    fn limit_of(&self, intent: Option<IntentId>, before_urgent: bool, view: &View) -> u128 {
        let urgent = intent.map_or(before_urgent, |id| self.is_urgent(&id, view));
        if urgent { self.config.fees.urgent_cap } else { self.config.fees.routine_cap }
    }

    /// Whether a nonce is behind what an intent follows: rule 8. What is not here any more was carried out.
    fn may_have(&self, nonce: u64, after: Option<IntentId>) -> bool {
        after.filter(|before| self.intents.contains_key(before)).is_none_or(|before| {
            let is_sent = self.nonce_of(&before).is_some_and(|at| at < nonce);
            is_sent && !self.orphans.contains(&before)
        })
    }

    /// A new slot: rules 2, 3, 7 and 8.
    fn open(&mut self, view: &View) -> Option<Plan> {
        let nonce = (view.nonce..).find(|nonce| !self.slots.contains_key(nonce))?;
        let is_gap = self.slots.range(nonce..).next().is_some();
        let (unmined, most) = (self.pending(view).count(), self.config.unmined_max);
        if unmined >= most && !is_gap {
            return None;
        }
        let has_room = unmined + most / 4 < most && self.slots.len() < UNSETTLED_FACTOR * most;
        let may = |priority| priority == Priority::Urgent || is_gap || has_room;
        let reserved = self.pending(view).fold(U256::ZERO, |sum, (_, slot)| sum.saturating_add(slot.newest().cost()));

        let mut shortage = None;
        for (&(priority, _), &id) in self.queue.iter().take_while(|((priority, _), _)| may(priority.0)) {
            let waiting = &self.intents[&id];
            let is_aside = waiting.gas_limit.is_none() && view.now_ms < waiting.estimate_from_ms;
            if is_aside || !self.may_have(nonce, waiting.intent.after) {
                continue;
            }
            let limit = self.limit_of(Some(id), priority.0 == Priority::Urgent, view);
            let Some(fees) = self.config.fees.first(view.market, limit) else { continue };
            // A node estimates nothing that the account can't pay for.
            let gas_limit = waiting.gas_limit.unwrap_or(EMPTY_TRANSFER_GAS);
            let wanted = reserved.saturating_add(cost(fees, gas_limit, waiting.intent.value));
            if wanted > view.balance {
                let spent =
                    self.pending(view).fold(U256::ZERO, |sum, (_, slot)| sum.saturating_add(slot.newest().value));
                let reserved = reserved.saturating_sub(spent);
                shortage.get_or_insert(Shortage { got: view.balance, wanted, reserved });
                continue;
            }
            self.shortage = shortage;
            return Some(match waiting.gas_limit {
                Some(gas_limit) => Plan::Sign { nonce, intent: Some(id), fees, gas_limit },
                None => Plan::Estimate(id),
            });
        }
        self.shortage = shortage;
        let fees = self.config.fees.first(view.market, self.config.fees.urgent_cap)?;
        let affordable = reserved.saturating_add(cost(fees, EMPTY_TRANSFER_GAS, U256::ZERO)) <= view.balance;
        (is_gap && affordable).then_some(Plan::Sign { nonce, intent: None, fees, gas_limit: EMPTY_TRANSFER_GAS })
    }
}

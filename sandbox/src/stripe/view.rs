//! The ledger as an independent checker reads it: `GET /_sim/ledger`.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::balance;
use super::model::{Intent, Refund};
use super::store::State;

/// Every payment, or those whose id, `order_id` or `transfer_group` is `of`, with the book.
pub(crate) fn ledger(state: &State, of: Option<&str>, now: DateTime<Utc>) -> Value {
    let mut refunds: HashMap<&str, Vec<Value>> = HashMap::new();
    for (_, refund) in state.refunds.iter() {
        refunds
            .entry(&refund.intent)
            .or_default()
            .push(shown_refund(refund));
    }
    let chosen = state
        .intents
        .iter()
        .filter(|(_, intent)| of.is_none_or(|of| is(intent, of)));
    let intents: Vec<Value> = chosen
        .map(|(_, intent)| {
            shown_intent(
                state,
                intent,
                refunds.get(intent.id.as_str()).map_or(&[], Vec::as_slice),
            )
        })
        .collect();
    let mut by_status: BTreeMap<&str, u64> = BTreeMap::new();
    for (_, intent) in state.intents.iter() {
        *by_status.entry(intent.status.as_str()).or_default() += 1;
    }
    json!({
        "now": now,
        "counts": {"intents": by_status, "charges": state.charges.iter().count(),
                   "refunds": state.refunds.iter().count(),
                   "events": state.events.iter().count()},
        "book": balance::book(state).shown(),
        "intents": intents,
    })
}

fn is(intent: &Intent, of: &str) -> bool {
    intent.id == of
        || intent.about.transfer_group.as_deref() == Some(of)
        || intent
            .about
            .metadata
            .get("order_id")
            .is_some_and(|order| order == of)
}

fn shown_intent(state: &State, intent: &Intent, refunds: &[Value]) -> Value {
    let charge = intent
        .latest_charge
        .as_ref()
        .and_then(|id| state.charges.get(id));
    json!({
        "id": intent.id,
        "amount": intent.amount,
        "currency": intent.currency,
        "status": intent.status.as_str(),
        "capture_method": intent.capture_method,
        "metadata": intent.about.metadata,
        "transfer_group": intent.about.transfer_group,
        "amount_capturable": intent.amount_capturable,
        "amount_received": intent.amount_received,
        "amount_refunded": charge.map_or(0, |charge| charge.amount_refunded),
        "created": intent.created,
        "canceled_at": intent.canceled_at,
        "cancellation_reason": intent.cancellation_reason,
        "capture_before": charge.and_then(|charge| charge.capture_before),
        "latest_charge": intent.latest_charge,
        "disputed": charge.is_some_and(|charge| charge.dispute.is_some()),
        "captures": intent.captures,
        "refunds": refunds,
        "idempotency_keys": intent.keys,
    })
}

fn shown_refund(refund: &Refund) -> Value {
    json!({
        "id": refund.id,
        "charge": refund.charge,
        "amount": refund.amount,
        "currency": refund.currency,
        "status": refund.status.as_str(),
        "reason": refund.reason,
        "failure_reason": refund.failure_reason,
        "created": refund.created,
        "metadata": refund.metadata,
        "idempotency_key": refund.idempotency_key,
    })
}

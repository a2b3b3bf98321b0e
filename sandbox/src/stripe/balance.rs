//! The money behind the objects: the double-entry book, balance transactions, `/v1/balance`.

use serde_json::{Value, json};

use super::methods::Aftermath;
use super::model::{Charge, Refund, RefundStatus, SETTLEMENT_SECONDS};
use super::store::State;
use crate::ledger::Book;

const CUSTOMERS: &str = "customers";
const PENDING: &str = "platform_pending";
const AVAILABLE: &str = "platform_available";
const FEES: &str = "stripe_fees";
const DISPUTED: &str = "disputed";

/// Stripe's published US card fee: 2.9 % and 30 minor units (stripe.com/pricing).
fn fee(amount: i64) -> i64 {
    (amount * 29 / 1000 + 30).min(amount)
}

/// When the funds of a captured charge become available, in Unix seconds.
fn available_on(charge: &Charge, captured_at: i64) -> i64 {
    let at_once = charge.method.card.aftermath == Aftermath::FundsAtOnce;
    captured_at + if at_once { 0 } else { SETTLEMENT_SECONDS }
}

/// The book of everything that happened until now.
pub(crate) fn book(state: &State) -> Book {
    let mut book = Book::default();
    for (_, charge) in state.charges.iter() {
        let Some(captured_at) = charge.captured_at else {
            continue;
        };
        let settled = available_on(charge, captured_at) <= state.now;
        let place = if settled { AVAILABLE } else { PENDING };
        book.post(&charge.currency, charge.amount_captured, CUSTOMERS, place);
        book.post(&charge.currency, fee(charge.amount_captured), place, FEES);
    }
    for (_, refund) in state.refunds.iter() {
        if refund.status != RefundStatus::Failed {
            book.post(&refund.currency, refund.amount, AVAILABLE, CUSTOMERS);
        }
    }
    for dispute in state.disputes.values() {
        if !dispute.status.starts_with("warning") {
            book.post(&dispute.currency, dispute.amount, AVAILABLE, DISPUTED);
        }
    }
    book
}

/// `/v1/balance`.
pub(crate) fn balance(state: &State) -> Value {
    let book = book(state);
    let funds = |account| -> Vec<Value> {
        let all = book.currencies().into_iter();
        all.map(|currency| {
            let amount = book.balance(&currency, account);
            json!({"amount": amount, "currency": currency, "source_types": {"card": amount}})
        })
        .collect()
    };
    json!({"object": "balance", "available": funds(AVAILABLE), "livemode": false,
           "pending": funds(PENDING)})
}

/// The balance transaction `txn_…` of a capture or refund.
pub(crate) fn transaction(state: &State, id: &str) -> Option<Value> {
    let suffix = id.strip_prefix("txn_")?;
    if let Some(charge) = state.charges.get(&format!("ch_{suffix}")) {
        return of_charge(state, id, charge);
    }
    state
        .refunds
        .get(&format!("re_{suffix}"))
        .map(|refund| of_refund(id, refund))
}

fn of_charge(state: &State, id: &str, charge: &Charge) -> Option<Value> {
    let captured_at = charge.captured_at?;
    let (amount, fee) = (charge.amount_captured, fee(charge.amount_captured));
    let available_on = available_on(charge, captured_at);
    let mut shown = plain(id, &charge.id, amount, &charge.currency, captured_at);
    shown["available_on"] = json!(available_on);
    shown["fee"] = json!(fee);
    shown["fee_details"] = json!([{"amount": fee, "application": null,
        "currency": charge.currency, "description": "Stripe processing fees",
        "type": "stripe_fee"}]);
    shown["net"] = json!(amount - fee);
    shown["status"] = json!(if available_on <= state.now {
        "available"
    } else {
        "pending"
    });
    Some(shown)
}

fn of_refund(id: &str, refund: &Refund) -> Value {
    let mut shown = plain(
        id,
        &refund.id,
        -refund.amount,
        &refund.currency,
        refund.created,
    );
    shown["reporting_category"] = json!("refund");
    shown["type"] = json!("refund");
    shown
}

fn plain(id: &str, source: &str, amount: i64, currency: &str, created: i64) -> Value {
    json!({
        "id": id, "object": "balance_transaction", "amount": amount, "available_on": created,
        "balance_type": "payments", "created": created, "currency": currency,
        "description": null, "exchange_rate": null, "fee": 0, "fee_details": [], "net": amount,
        "reporting_category": "charge", "source": source, "status": "available", "type": "charge",
    })
}

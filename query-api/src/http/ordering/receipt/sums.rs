//! The arithmetic of a receipt. Nothing is rounded here: checkout has spread every amount already.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::receipt::{ReceiptTax, TaxMode};
use super::source::{AmountKind, Charge};

/// What amounts come to. Orders add up within 64 bits, so no part of one is beyond them.
pub(super) fn sum<'a>(amounts: impl IntoIterator<Item = &'a Charge>) -> i64 {
    let minors = amounts.into_iter().map(|amount| amount.amount_minor);
    minors.fold(0, i64::saturating_add)
}

/// Each amount that is another now, in the order of checkout, with by how much; what is new comes last.
pub(super) fn moved<'a>(agreed: &'a [Charge], now: &'a [Charge]) -> Vec<(&'a Charge, i64)> {
    let (before, after) = (by_name(agreed), by_name(now));
    let mut seen = BTreeSet::new();
    let each = agreed.iter().chain(now);
    each.filter(|amount| seen.insert(name_of(amount)))
        .map(|amount| {
            let minor = |sums: &BTreeMap<AmountName<'_>, i64>| {
                sums.get(&name_of(amount)).copied().unwrap_or(0)
            };
            (amount, minor(&after).saturating_sub(minor(&before)))
        })
        .filter(|(_, by_minor)| *by_minor != 0)
        .collect()
}

/// What makes an amount the same one before and after a change.
type AmountName<'a> = (AmountKind, &'a str, Option<Uuid>, &'a str);

fn name_of(amount: &Charge) -> AmountName<'_> {
    (
        amount.kind,
        &amount.reference,
        amount.promotion,
        &amount.payer,
    )
}

fn by_name(amounts: &[Charge]) -> BTreeMap<AmountName<'_>, i64> {
    let mut sums = BTreeMap::new();
    for amount in amounts {
        let sum: &mut i64 = sums.entry(name_of(amount)).or_default();
        *sum = sum.saturating_add(amount.amount_minor);
    }
    sums
}

/// Tax by seller and rate, of what is to be paid now.
pub(super) fn taxes(now: &[Charge]) -> Vec<ReceiptTax> {
    let on_top = now.iter().any(|amount| amount.kind == AmountKind::Tax);
    let mut groups: BTreeMap<(&str, u32), (i64, i64)> = BTreeMap::new();
    for amount in now {
        if let (Some(seller), Some(rate)) = (&amount.seller, amount.tax_bp) {
            let (sold, tax) = groups.entry((seller, rate)).or_default();
            *sold = sold.saturating_add(amount.amount_minor);
            *tax = tax.saturating_add(amount.tax_minor);
        }
    }
    let group = |((seller, rate_bp), (sold, tax_minor)): ((&str, u32), (i64, i64))| {
        let (mode, net_minor) = if on_top {
            (TaxMode::Exclusive, sold)
        } else {
            (TaxMode::Inclusive, sold.saturating_sub(tax_minor))
        };
        ReceiptTax {
            seller: seller.to_owned(),
            rate_bp,
            mode,
            net_minor,
            tax_minor,
            gross_minor: net_minor.saturating_add(tax_minor),
        }
    };
    groups.into_iter().map(group).collect()
}

/// What nobody sells and no tax is on: the tip, less what others than the seller pay.
pub(super) fn untaxed(now: &[Charge]) -> i64 {
    let untaxed = |amount: &&Charge| amount.seller.is_none() && amount.kind != AmountKind::Tax;
    sum(now.iter().filter(untaxed))
}

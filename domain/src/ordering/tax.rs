//! Tax on the lines of a quote: rounded once per seller and rate, spread by largest remainder.
//!
//! A discount that the seller pays lowers the price and with it the tax. One that somebody else pays is
//! their part of the price, and leaves the tax as it is; such a line has no seller.

use std::collections::BTreeMap;

use super::quote::{Party, QuoteLine, QuoteLineKind};
use crate::kernel::money::{BasisPoints, split};

/// The tax does not fit.
#[derive(Debug, PartialEq)]
pub struct TaxOverflow;

/// How prices stand to their tax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PricesAre {
    /// Prices contain it.
    Gross,
    /// It comes on top.
    Net,
}

/// Writes its share of tax into every line that is sold. When tax comes on top, adds a line for each
/// seller and rate. Gives the tax that prices contain, in minor units.
///
/// # Errors
/// [`TaxOverflow`].
pub fn apply(prices: PricesAre, lines: &mut Vec<QuoteLine>) -> Result<i64, TaxOverflow> {
    let mut groups: BTreeMap<(Party, BasisPoints), Vec<usize>> = BTreeMap::new();
    for (index, line) in lines.iter().enumerate() {
        if let (Some(seller), Some(rate)) = (line.seller, line.tax_bp) {
            groups.entry((seller, rate)).or_default().push(index);
        }
    }
    let mut included_minor: i64 = 0;
    for ((seller, rate), indices) in groups {
        let tax_minor = tax_of_group(prices, rate, &indices, lines).ok_or(TaxOverflow)?;
        match prices {
            PricesAre::Gross => {
                included_minor = included_minor.checked_add(tax_minor).ok_or(TaxOverflow)?;
            }
            PricesAre::Net if tax_minor > 0 => lines.push(tax_line(seller, rate, tax_minor)),
            PricesAre::Net => {}
        }
    }
    Ok(included_minor)
}
fn tax_of_group(
    prices: PricesAre,
    rate: BasisPoints,
    indices: &[usize],
    lines: &mut [QuoteLine],
) -> Option<i64> {
    let amounts = indices.iter().map(|index| lines[*index].amount_minor);
    let base = amounts.fold(0_i128, |sum, amount| sum.saturating_add(amount.into()));
    let base = i64::try_from(base).ok()?;
    let tax = match prices {
        PricesAre::Gross => rate.included_in(base)?,
        PricesAre::Net => rate.of(base)?,
    };
    let weights = net_amounts(indices, lines);
    // No weights, no tax: everything in the group is free.
    let shares = split(tax, &weights).unwrap_or_else(|| vec![0; indices.len()]);
    for (index, share) in indices.iter().zip(shares) {
        lines[*index].tax_minor = share;
    }
    Some(tax)
}

/// What each line comes to after the discounts that lower its tax; a discount itself bears no share.
fn net_amounts(indices: &[usize], lines: &[QuoteLine]) -> Vec<u64> {
    let mut off: BTreeMap<&str, i64> = BTreeMap::new();
    for line in indices.iter().map(|index| &lines[*index]) {
        if line.kind == QuoteLineKind::Discount {
            let sum = off.entry(&line.reference).or_default();
            *sum = sum.saturating_add(line.amount_minor);
        }
    }
    let net = |line: &QuoteLine| {
        let off = off.get(line.reference.as_str()).copied().unwrap_or(0);
        u64::try_from(line.amount_minor.saturating_add(off)).unwrap_or(0)
    };
    indices.iter().map(|index| net(&lines[*index])).collect()
}

fn tax_line(seller: Party, rate: BasisPoints, tax_minor: i64) -> QuoteLine {
    let seller_name = match seller {
        Party::Customer => "customer",
        Party::Shop => "shop",
        Party::Platform => "platform",
        Party::Courier => "courier",
        Party::TaxOffice => "tax_office",
    };
    QuoteLine {
        kind: QuoteLineKind::Tax,
        reference: format!("{seller_name}/{}", rate.get()),
        label: None,
        amount_minor: tax_minor,
        payer: Party::Customer,
        payee: Party::TaxOffice,
        seller: None,
        tax_class: None,
        tax_bp: Some(rate),
        tax_minor: 0,
        promotion: None,
        noodles: None,
    }
}

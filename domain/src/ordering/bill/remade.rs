//! What of an order is made again: its agreed prices, and the party that bears them.

use std::collections::BTreeMap;

use super::Bill;
use crate::kernel::money::split;
use crate::kernel::quantity::Quantity;
use crate::kernel::text::{Language, LocalizedText, Wording};
use crate::ordering::line::LineId;
use crate::ordering::order::FaultParty;
use crate::ordering::quote::{Party, QuoteLine, QuoteLineKind};

/// What the amounts belong to that take tax off again which comes on top.
const TAX: &str = "tax";

impl Bill {
    /// Some units of lines at their agreed prices, all of which the party at fault pays: the customer pays nothing. The
    /// shop's own fault is no sale and bears no tax; what another party buys of the shop does. Nothing when a line has
    /// not so many units, or an amount does not fit.
    #[must_use]
    pub fn remade(&self, wanted: &BTreeMap<LineId, u32>, fault: FaultParty) -> Option<Self> {
        let payer = Party::from(fault);
        let (mut lines, mut goods) = (Vec::new(), Vec::new());
        for (line, units) in wanted {
            let mut again = self.line(*line)?.clone();
            let left = again.quantity.get().checked_sub(*units)?;
            again.quantity = Quantity::try_from(*units).ok()?;
            lines.push(again);
            for amount in self.goods_of(*line) {
                let parts = split(amount.amount_minor, &[u64::from(*units), u64::from(left)])?;
                goods.push(QuoteLine {
                    amount_minor: parts[0],
                    tax_minor: 0,
                    ..amount.clone()
                });
            }
        }
        let borne: Option<Vec<_>> = goods.iter().map(|amount| borne(amount, payer)).collect();
        goods.extend(borne?);
        let remade = Self {
            lines,
            quote: goods,
            total: self.total,
            tax_included_minor: 0,
        };
        remade.taxed_as(self.prices())?.with_tax_borne(payer)
    }

    /// Tax that comes on top is borne by the same.
    fn with_tax_borne(mut self, payer: Party) -> Option<Self> {
        let left = self.total.amount_minor();
        if left != 0 {
            self.quote.push(QuoteLine {
                kind: QuoteLineKind::Discount,
                reference: TAX.to_owned(),
                label: Some(label()),
                amount_minor: left.checked_neg()?,
                payer,
                payee: Party::Customer,
                seller: None,
                tax_class: None,
                tax_bp: None,
                tax_minor: 0,
                promotion: None,
                noodles: None,
            });
            self.total = self.total.checked_sub(self.total).ok()?;
        }
        Some(self)
    }
}

/// The line that takes an amount off again.
fn borne(amount: &QuoteLine, payer: Party) -> Option<QuoteLine> {
    let lowers_tax = amount.seller == Some(payer);
    Some(QuoteLine {
        kind: QuoteLineKind::Discount,
        label: Some(label()),
        amount_minor: amount.amount_minor.checked_neg()?,
        payer,
        payee: Party::Customer,
        seller: amount.seller.filter(|_| lowers_tax),
        tax_class: amount.tax_class.filter(|_| lowers_tax),
        tax_bp: amount.tax_bp.filter(|_| lowers_tax),
        noodles: None,
        ..amount.clone()
    })
}

/// What such a line is called.
fn label() -> LocalizedText {
    let english = Language::parse("en").expect("a constant language");
    LocalizedText::of(
        english,
        Wording::parse("Made again").expect("a constant text"),
    )
}

impl From<FaultParty> for Party {
    fn from(fault: FaultParty) -> Self {
        match fault {
            FaultParty::Customer => Self::Customer,
            FaultParty::Shop => Self::Shop,
            FaultParty::Platform => Self::Platform,
            FaultParty::Courier => Self::Courier,
        }
    }
}

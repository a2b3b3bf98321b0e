//! The lines of a quote: goods, fees and the tip, each with payer, payee and seller.

use super::Priced;
use crate::joint::priced_line::PricedLine;
use crate::kernel::money::BasisPoints;
use crate::kernel::tax::TaxClass;
use crate::ordering::quote::{Party, QuoteLine, QuoteLineKind};

impl Priced<'_> {
    /// The lines of an item and of its options that cost something.
    pub(super) fn goods(&self, priced: &PricedLine) -> Option<Vec<QuoteLine>> {
        let line = &priced.line;
        let pieces = i64::from(line.quantity.get());
        let sold = |kind, reference, label: &_, amount_minor, class| QuoteLine {
            kind,
            reference,
            label: Some(Clone::clone(label)),
            amount_minor,
            payer: Party::Customer,
            payee: Party::Shop,
            seller: Some(Party::Shop),
            tax_class: Some(class),
            tax_bp: Some(self.rate(class)),
            tax_minor: 0,
            promotion: None,
            noodles: None,
        };
        let amount_minor = line.unit_price_minor.checked_mul(pieces)?;
        let mut lines = vec![sold(
            QuoteLineKind::Item,
            line.line.to_string(),
            &line.name,
            amount_minor,
            priced.tax_class,
        )];
        lines[0].noodles = line.firmer_noodles();
        let options = line.charged_options()?;
        for charged in options
            .into_iter()
            .filter(|option| option.amount_minor != 0)
        {
            lines.push(sold(
                QuoteLineKind::Option,
                charged.reference,
                &charged.option.name,
                charged.amount_minor,
                charged.option.tax_class.unwrap_or(priced.tax_class),
            ));
        }
        Some(lines)
    }

    /// Packaging and the small-order fee are the shop's, service and delivery are the platform's.
    /// Nothing when one overflows.
    pub(super) fn fees(&self, goods_minor: i64) -> Option<Vec<QuoteLine>> {
        let terms = self.live.terms;
        let small = terms
            .small_order
            .filter(|small| goods_minor < small.below_minor.minor())
            .map_or(0, |small| small.fee_minor.minor());
        let mut fees = vec![
            self.fee(
                QuoteLineKind::Packaging,
                "packaging",
                terms.packaging_fee_minor.minor(),
            ),
            self.fee(QuoteLineKind::SmallOrderFee, "small_order", small),
            self.fee(
                QuoteLineKind::ServiceFee,
                "service",
                terms.service_fee_bp.of(goods_minor)?,
            ),
        ];
        fees.extend(self.zone.map(|zone| {
            self.fee(
                QuoteLineKind::DeliveryFee,
                // A zone's key alone could be a line's number.
                &format!("zone/{}", zone.key),
                zone.fee_minor.minor(),
            )
        }));
        fees.retain(|fee| fee.amount_minor > 0);
        Some(fees)
    }

    fn fee(&self, kind: QuoteLineKind, reference: &str, amount_minor: i64) -> QuoteLine {
        let (class, seller) = match kind {
            QuoteLineKind::Packaging => (TaxClass::Packaging, Party::Shop),
            QuoteLineKind::DeliveryFee => (TaxClass::Delivery, Party::Platform),
            QuoteLineKind::ServiceFee => (TaxClass::Service, Party::Platform),
            QuoteLineKind::SmallOrderFee
            | QuoteLineKind::Item
            | QuoteLineKind::Option
            | QuoteLineKind::Discount
            | QuoteLineKind::Tax
            | QuoteLineKind::Tip => (TaxClass::Service, Party::Shop),
        };
        QuoteLine {
            kind,
            reference: reference.to_owned(),
            label: None,
            amount_minor,
            payer: Party::Customer,
            payee: seller,
            seller: Some(seller),
            tax_class: Some(class),
            tax_bp: Some(self.rate(class)),
            tax_minor: 0,
            promotion: None,
            noodles: None,
        }
    }

    /// The shop's rate on a class of goods or services, for this order.
    fn rate(&self, class: TaxClass) -> BasisPoints {
        self.live
            .terms
            .rate(class, self.zone.is_some(), self.service_date)
    }

    /// All of it goes to the courier, or to the shop when the customer fetches.
    pub(super) fn tip(&self) -> Option<QuoteLine> {
        let payee = if self.zone.is_some() {
            Party::Courier
        } else {
            Party::Shop
        };
        (self.body.tip_minor > 0).then(|| QuoteLine {
            kind: QuoteLineKind::Tip,
            reference: "tip".to_owned(),
            label: None,
            amount_minor: self.body.tip_minor,
            payer: Party::Customer,
            payee,
            seller: None,
            tax_class: None,
            tax_bp: None,
            tax_minor: 0,
            promotion: None,
            noodles: None,
        })
    }
}

/// What the lines come to; nothing when that overflows.
pub(super) fn sum(lines: &[QuoteLine]) -> Option<i64> {
    lines
        .iter()
        .try_fold(0_i64, |sum, line| sum.checked_add(line.amount_minor))
}

//! What is left out of an order: amounts still add up, and nothing ever costs more than before.
#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "helpers of tests fail as tests do, and look for single variants"
)]

use domain::decider::Event as _;
use domain::kernel::money::{BasisPoints, Currency, Money};
use domain::ordering::bill::Bill;
use domain::ordering::line::{LineId, OrderLine};
use domain::ordering::order::{CheckedOut, OrderEvent};
use domain::ordering::quote::{Party, QuoteLine, QuoteLineKind};
use domain::ordering::tax::{self, PricesAre};
use proptest::prelude::*;

fn terms() -> CheckedOut {
    let mut samples = OrderEvent::samples().into_iter();
    samples
        .find_map(|event| match event {
            OrderEvent::CheckedOut(terms) => Some(*terms),
            _ => None,
        })
        .unwrap()
}

fn amount(kind: QuoteLineKind, reference: String, minor: i64, rate: Option<u32>) -> QuoteLine {
    QuoteLine {
        kind,
        reference,
        label: None,
        amount_minor: minor,
        payer: Party::Customer,
        payee: Party::Shop,
        seller: rate.map(|_| Party::Shop),
        tax_class: None,
        tax_bp: rate.map(|rate| BasisPoints::try_from(rate).unwrap()),
        tax_minor: 0,
        promotion: None,
        noodles: None,
    }
}

/// A line: its price, how many, and which of two rates.
type Line = (i64, u32, bool);

/// What a promotion takes off goods, paid by the shop, whose tax falls with it, and as much by the platform.
fn discounts(goods: &QuoteLine, percent: i64) -> [QuoteLine; 2] {
    let taken = goods.amount_minor * percent / 100;
    let by_shop = taken / 2;
    let off = |minor: i64, rate| {
        let reference = goods.reference.clone();
        amount(QuoteLineKind::Discount, reference, -minor, rate)
    };
    [off(by_shop, Some(800)), off(taken - by_shop, None)]
}

/// A bill of these lines, with a promotion in percent of the goods of one rate, a fee of which half is taken off, and a
/// tip.
fn bill(lines: &[Line], percent: i64, fee: i64, tip: i64, prices: PricesAre) -> Bill {
    let rates = [800, 1000];
    let mut quote = Vec::new();
    let mut kept = Vec::new();
    for (index, (price, quantity, high)) in lines.iter().enumerate() {
        let number = LineId::new(u32::try_from(index).unwrap() + 1);
        let mut line: OrderLine = terms().lines.remove(0);
        line.line = number;
        line.quantity = (*quantity).try_into().unwrap();
        line.unit_price_minor = *price;
        line.bowl = None;
        let minor = price * i64::from(*quantity);
        let rate = Some(rates[usize::from(*high)]);
        quote.push(amount(QuoteLineKind::Item, number.to_string(), minor, rate));
        kept.push(line);
    }
    let low = BasisPoints::try_from(800).ok();
    let goods = quote.iter().filter(|amount| amount.tax_bp == low);
    let off: Vec<QuoteLine> = goods.flat_map(|goods| discounts(goods, percent)).collect();
    quote.extend(off);
    let delivery = QuoteLineKind::DeliveryFee;
    quote.push(amount(delivery, "zone/near".to_owned(), fee, Some(1000)));
    let half = amount(
        QuoteLineKind::Discount,
        "zone/near".to_owned(),
        -(fee / 2),
        None,
    );
    quote.push(half);
    quote.retain(|amount| amount.kind != QuoteLineKind::Discount || amount.amount_minor != 0);
    let tax_included_minor = tax::apply(prices, &mut quote).unwrap();
    quote.push(amount(QuoteLineKind::Tip, String::new(), tip, None));
    let total = quote.iter().map(|amount| amount.amount_minor).sum();
    Bill {
        lines: kept,
        quote,
        total: Money::new(total, Currency::parse("JPY").unwrap()),
        tax_included_minor,
    }
}

fn adds_up(bill: &Bill) -> Result<(), TestCaseError> {
    let sum: i64 = bill.quote.iter().map(|amount| amount.amount_minor).sum();
    prop_assert_eq!(sum, bill.total.amount_minor());
    for line in &bill.lines {
        let pieces = i64::from(line.quantity.get());
        let priced: i64 = bill
            .quote
            .iter()
            .filter(|amount| amount.kind == QuoteLineKind::Item)
            .filter(|amount| amount.reference == line.line.to_string())
            .map(|amount| amount.amount_minor)
            .sum();
        prop_assert_eq!(priced, line.unit_price_minor * pieces);
    }
    Ok(())
}

fn lines() -> impl Strategy<Value = Vec<Line>> {
    prop::collection::vec((0..5_000_i64, 1..9_u32, any::<bool>()), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn leaving_something_out_adds_up_and_never_costs_more(
        lines in lines(), percent in 0..=100_i64, fee in 0..800_i64, tip in 0..500_i64, net in any::<bool>(),
        outs in prop::collection::vec((0..5_usize, 1..9_u32), 0..6),
    ) {
        let prices = if net { PricesAre::Net } else { PricesAre::Gross };
        let mut bill = bill(&lines, percent, fee, tip, prices);
        adds_up(&bill)?;
        for (line, units) in outs {
            let line = LineId::new(u32::try_from(line).unwrap() + 1);
            let Some(before) = bill.line(line).map(|line| line.quantity.get()) else {
                prop_assert!(bill.without(line, units).is_none());
                continue;
            };
            let Some(left) = bill.without(line, units) else {
                prop_assert!(units > before, "{} of {}", units, before);
                continue;
            };
            adds_up(&left)?;
            prop_assert!(left.total.amount_minor() <= bill.total.amount_minor());
            prop_assert!(left.total.amount_minor() >= 0);
            bill = left;
        }
        if bill.lines.is_empty() {
            let kept = bill.quote.iter().filter(|amount| amount.kind == QuoteLineKind::Discount);
            let kept: Vec<&str> = kept.map(|amount| amount.reference.as_str()).collect();
            prop_assert!(kept.iter().all(|reference| *reference == "zone/near"), "without goods: {:?}", kept);
        }
    }

    /// Discounts never come to more than the goods, however many pay them and however often they shrink.
    #[test]
    fn what_is_left_of_free_dishes_is_free(
        lines in lines(), outs in prop::collection::vec((0..5_usize, 1..3_u32), 0..9),
    ) {
        let lines: Vec<Line> = lines.into_iter().map(|(price, quantity, _)| (price, quantity, false)).collect();
        let mut bill = bill(&lines, 100, 300, 0, PricesAre::Gross);
        for (line, units) in outs {
            let line = LineId::new(u32::try_from(line).unwrap() + 1);
            bill = bill.without(line, units).unwrap_or(bill);
            prop_assert_eq!(bill.total.amount_minor(), 150, "half of the fee");
            prop_assert_eq!(bill.bringing_minor(), 150);
        }
    }

    #[test]
    fn a_substitute_adds_up_and_never_costs_more(
        lines in lines(), percent in 0..=100_i64, net in any::<bool>(), price in 0..9_000_i64, units in 1..9_u32,
    ) {
        let prices = if net { PricesAre::Net } else { PricesAre::Gross };
        let bill = bill(&lines, percent, 300, 100, prices);
        let mut instead = bill.lines[0].clone();
        instead.unit_price_minor = price;
        let line = LineId::new(1);
        match bill.substituted(line, units, &instead) {
            None => prop_assert!(units > lines[0].1),
            Some(other) => {
                adds_up(&other)?;
                prop_assert!(other.total.amount_minor() <= bill.total.amount_minor());
                let pieces = |bill: &Bill| bill.lines.iter().map(|line| line.quantity.get()).sum::<u32>();
                prop_assert_eq!(pieces(&other), pieces(&bill));
            }
        }
    }

    #[test]
    fn fetching_after_all_costs_neither_fee_nor_its_tax(
        lines in lines(), fee in 0..800_i64, net in any::<bool>(),
    ) {
        let prices = if net { PricesAre::Net } else { PricesAre::Gross };
        let with_fee = bill(&lines, 10, fee, 50, prices);
        let without = bill(&lines, 10, 0, 50, prices);
        let switched = with_fee.without_delivery().unwrap();
        prop_assert_eq!(switched.total, without.total);
        prop_assert_eq!(switched.bringing_minor(), 0, "nothing is left of the fee, and the tip is the shop's");
        prop_assert_eq!(switched.tax_included_minor, without.tax_included_minor);
    }
}

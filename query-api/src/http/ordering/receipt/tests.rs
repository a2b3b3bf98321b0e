//! Receipts of bills that the domain made, before and after something was left out: every sum is the sum of its parts.

use std::collections::BTreeMap;

use domain::decider::Event as _;
use domain::kernel::currency::Currency;
use domain::kernel::ids::PromotionId;
use domain::kernel::money::{BasisPoints, Money};
use domain::ordering::bill::Bill;
use domain::ordering::line::{LineId, OrderLine};
use domain::ordering::order::OrderEvent;
use domain::ordering::quote::{Party, QuoteLine, QuoteLineKind};
use domain::ordering::tax::{self, PricesAre};
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::page::page;
use super::receipt::{Receipt, TaxMode};
use super::source::{Payment, Refund, Seller, Source};

fn sample_line() -> OrderLine {
    let mut samples = OrderEvent::samples().into_iter();
    let found = samples.find_map(|event| {
        let OrderEvent::CheckedOut(terms) = event else {
            return None;
        };
        terms.lines.into_iter().next()
    });
    found.unwrap()
}

fn amount(kind: QuoteLineKind, reference: &str, minor: i64, rate: u32) -> QuoteLine {
    QuoteLine {
        kind,
        reference: reference.to_owned(),
        label: None,
        amount_minor: minor,
        payer: Party::Customer,
        payee: Party::Shop,
        seller: Some(Party::Shop),
        tax_class: None,
        tax_bp: Some(BasisPoints::try_from(rate).unwrap()),
        tax_minor: 0,
        promotion: None,
        noodles: None,
    }
}

/// A discount on the dish of this number, whose rate is the low one.
fn discount(number: u32, minor: i64, payer: Party) -> QuoteLine {
    let by_shop = payer == Party::Shop;
    let line = amount(QuoteLineKind::Discount, &number.to_string(), -minor, 800);
    QuoteLine {
        payer,
        payee: Party::Customer,
        seller: line.seller.filter(|_| by_shop),
        tax_bp: line.tax_bp.filter(|_| by_shop),
        promotion: Some(PromotionId::new(Uuid::from_u128(8))),
        ..line
    }
}

#[derive(Clone, Debug)]
struct Case {
    /// Price, quantity, price of an egg on it, and which of two rates.
    lines: Vec<(i64, u32, i64, bool)>,
    shop_off: i64,
    platform_off: i64,
    fee: i64,
    tip: i64,
    prices: PricesAre,
    currency: &'static str,
    outs: Vec<(u32, u32)>,
    back: i64,
}

fn case() -> impl Strategy<Value = Case> {
    let line = (100..50_000_i64, 1..9_u32, 0..500_i64, any::<bool>());
    let amounts = (0..50_i64, 0..50_i64, 0..800_i64, 0..500_i64, 0..900_i64);
    let prices = prop_oneof![Just(PricesAre::Gross), Just(PricesAre::Net)];
    let currency = prop_oneof![Just("JPY"), Just("EUR"), Just("KWD")];
    let outs = prop::collection::vec((1..6_u32, 1..9_u32), 0..5);
    let lines = prop::collection::vec(line, 1..6);
    (lines, amounts, prices, currency, outs).prop_map(|(lines, amounts, prices, currency, outs)| {
        let (shop_off, platform_off, fee, tip, back) = amounts;
        Case {
            lines,
            shop_off,
            platform_off,
            fee,
            tip,
            prices,
            currency,
            outs,
            back,
        }
    })
}

impl Case {
    fn agreed(&self) -> Bill {
        let mut quote = Vec::new();
        let mut lines = Vec::new();
        for (number, (price, quantity, egg, high)) in (1..).zip(&self.lines) {
            let mut line = sample_line();
            line.line = LineId::new(number);
            line.quantity = (*quantity).try_into().unwrap();
            line.unit_price_minor = *price;
            line.options.truncate(1);
            line.options[0].options.clear();
            line.options[0].price_minor = *egg;
            let pieces = i64::from(*quantity);
            let rate = if *high { 1000 } else { 800 };
            let item = number.to_string();
            let option = format!(
                "{item}/{}/{}",
                line.options[0].group, line.options[0].option
            );
            quote.push(amount(QuoteLineKind::Item, &item, price * pieces, rate));
            quote.push(amount(QuoteLineKind::Option, &option, egg * pieces, rate));
            lines.push(line);
        }
        quote.retain(|amount| amount.amount_minor != 0);
        let low = (1..).zip(&self.lines).find(|(_, (.., high))| !high);
        if let Some((number, _)) = low {
            quote.push(discount(number, self.shop_off, Party::Shop));
            quote.push(discount(number, self.platform_off, Party::Platform));
        }
        let mut fee = amount(QuoteLineKind::DeliveryFee, "near", self.fee, 1000);
        fee.seller = Some(Party::Platform);
        quote.push(fee);
        quote.retain(|amount| amount.amount_minor != 0);
        let tax_included_minor = tax::apply(self.prices, &mut quote).unwrap();
        let tip = amount(QuoteLineKind::Tip, "tip", self.tip, 0);
        quote.push(QuoteLine {
            seller: None,
            tax_bp: None,
            ..tip
        });
        let total = quote.iter().map(|amount| amount.amount_minor).sum();
        let currency = Currency::parse(self.currency).unwrap();
        Bill {
            lines,
            quote,
            total: Money::new(total, currency),
            tax_included_minor,
        }
    }

    fn now(&self, agreed: &Bill) -> Bill {
        let mut bill = agreed.clone();
        for (line, units) in &self.outs {
            bill = bill.without(LineId::new(*line), *units).unwrap_or(bill);
        }
        bill
    }

    fn source(&self, agreed: &Bill, now: &Bill) -> Source {
        let captured_minor = agreed.total.amount_minor();
        let refunded_minor = self.back.min(captured_minor);
        let refund = |amount_minor, state: &str| Refund {
            amount_minor,
            reason: "order_changed".to_owned(),
            state: state.to_owned(),
        };
        let refunds = [
            refund(refunded_minor, "refunded"),
            refund(7, "requested"),
            refund(9, "failed"),
        ];
        Source {
            order_id: Uuid::from_u128(1),
            version: 1,
            number: 7,
            service_date: "2026-11-20".parse().unwrap(),
            checked_out_at: "2026-11-20T09:00:00Z".parse().unwrap(),
            state: "delivered".to_owned(),
            fulfilment: "delivery".to_owned(),
            restaurant_name: "Menya <Umi>".to_owned(),
            currency: agreed.total.currency(),
            seller: Some(Seller {
                name: "Umi & Sons".to_owned(),
                tax_id: Some("\"T1\"".to_owned()),
                address: None,
            }),
            agreed: read(&agreed),
            now: read(&now.quote),
            payments: vec![Payment {
                stage: "captured".to_owned(),
                amount_minor: captured_minor,
                captured_minor,
                refunded_minor,
                refunds: refunds
                    .into_iter()
                    .enumerate()
                    .map(|(n, refund)| (Uuid::from_u128(n as u128), refund))
                    .collect::<BTreeMap<_, _>>(),
            }],
        }
    }
}

/// As the views have it: through JSON.
fn read<T: DeserializeOwned>(value: &impl serde::Serialize) -> T {
    serde_json::from_value(serde_json::to_value(value).unwrap()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn every_sum_is_the_sum_of_its_parts(case in case()) {
        let agreed = case.agreed();
        let now = case.now(&agreed);
        let receipt = Receipt::new(&case.source(&agreed, &now), "ja");

        let dishes: i64 = receipt.lines.iter().map(|line| {
            line.amount_minor + line.options.iter().map(|option| option.amount_minor).sum::<i64>()
        }).sum();
        let fees: i64 = receipt.fees.iter().map(|fee| fee.amount_minor).sum();
        let off: i64 = receipt.discounts.iter().map(|discount| discount.amount_minor).sum();
        prop_assert_eq!(
            dishes + fees + off + receipt.tax_on_top_minor + receipt.tip_minor, receipt.agreed_minor
        );
        prop_assert_eq!(receipt.agreed_minor, agreed.total.amount_minor());

        let changes: i64 = receipt.changes.iter().map(|change| change.amount_minor).sum();
        prop_assert_eq!(receipt.agreed_minor + changes, receipt.total_minor);
        prop_assert_eq!(receipt.total_minor, now.total.amount_minor());

        let gross: i64 = receipt.taxes.iter().map(|tax| tax.gross_minor).sum();
        prop_assert_eq!(gross + receipt.untaxed_minor, receipt.total_minor);
        for tax in &receipt.taxes {
            prop_assert_eq!(tax.net_minor + tax.tax_minor, tax.gross_minor);
            // Rounded once for each seller and rate, from what was sold at it.
            let rate = BasisPoints::try_from(tax.rate_bp).unwrap();
            let exact = match tax.mode {
                TaxMode::Exclusive => rate.of(tax.net_minor),
                TaxMode::Inclusive => rate.included_in(tax.gross_minor),
            };
            prop_assert_eq!(exact, Some(tax.tax_minor));
        }

        let payment = &receipt.payment;
        let refunds: i64 = payment.refunds.iter().map(|refund| refund.amount_minor).sum();
        prop_assert_eq!(payment.captured_minor + refunds, payment.paid_minor);
        prop_assert_eq!(payment.refunds.len(), 1, "what is on its way is not back");
        prop_assert!(payment.paid_minor >= 0);
    }

    #[test]
    fn a_page_has_no_markup_but_ours(case in case()) {
        let agreed = case.agreed();
        let html = page(&Receipt::new(&case.source(&agreed, &case.now(&agreed)), "en"));
        prop_assert!(!html.contains("<Umi>") && html.contains("Menya &lt;Umi&gt;"));
        prop_assert!(html.contains("Umi &amp; Sons") && html.contains("&quot;T1&quot;"));
        prop_assert!(!html.contains("<script") && !html.contains("http"));
        for tag in ["table", "tbody", "tr", "td", "th", "p", "main", "header"] {
            let opened = html.matches(&format!("<{tag}>")).count() + html.matches(&format!("<{tag} ")).count();
            prop_assert_eq!(opened, html.matches(&format!("</{tag}>")).count(), "{}", tag);
        }
    }
}

#[test]
fn what_was_left_out_stands_below_as_a_negative_line() {
    let case = Case {
        lines: vec![(980, 2, 100, false), (600, 1, 0, true)],
        shop_off: 0,
        platform_off: 0,
        fee: 350,
        tip: 100,
        prices: PricesAre::Gross,
        currency: "JPY",
        outs: vec![(1, 1)],
        back: 1080,
    };
    let agreed = case.agreed();
    let receipt = Receipt::new(&case.source(&agreed, &case.now(&agreed)), "en");
    let changes: Vec<_> = receipt
        .changes
        .iter()
        .map(|change| (change.kind, change.amount_minor))
        .collect();
    assert_eq!(changes, [("item", -980), ("option", -100)]);
    assert_eq!((receipt.agreed_minor, receipt.total_minor), (3210, 2130));
    assert_eq!(
        (receipt.payment.captured_minor, receipt.payment.paid_minor),
        (3210, 2130)
    );
    let html = page(&receipt);
    assert!(
        html.contains("−980") && html.contains("JPY 2,130"),
        "{html}"
    );
}

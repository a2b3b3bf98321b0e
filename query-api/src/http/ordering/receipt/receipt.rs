//! A receipt: every amount of an order in one language, with sums that add up to the minor unit.

use chrono::{DateTime, NaiveDate, Utc};
use domain::kernel::currency::Currency;
use domain::kernel::text::LocalizedText;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::source::{AmountKind, Charge, Choice, Dish, Source};
use super::sums::{moved, sum, taxes, untaxed};

/// What was sold, changed, paid and given back. All amounts are in minor units of one currency.
///
/// `agreed_minor` is the sum of lines with options, fees, discounts, tax on top and tip; with the changes it comes to
/// `total_minor`, which the taxes by rate and `untaxed_minor` add up to as well.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Receipt {
    /// The order.
    pub(super) order_id: Uuid,
    /// Its number on its service date.
    pub(super) number: i32,
    /// Local date on which the shop's opening began.
    pub(super) service_date: NaiveDate,
    /// When it was checked out.
    pub(super) checked_out_at: DateTime<Utc>,
    /// Its state.
    pub(super) state: String,
    /// `delivery` or `pickup`.
    pub(super) fulfilment: String,
    /// The shop's name when it was ordered.
    pub(super) restaurant_name: String,
    /// Language of the names.
    pub(super) language: String,
    /// ISO 4217 code.
    #[schema(value_type = String)]
    pub(super) currency: Currency,
    /// Who sold it; none of orders that are older than receipts.
    pub(super) seller: Option<ReceiptSeller>,
    /// The dishes, as they were ordered.
    pub(super) lines: Vec<ReceiptLine>,
    /// Packaging, delivery and the like.
    pub(super) fees: Vec<ReceiptFee>,
    /// What promotions took off; negative.
    pub(super) discounts: Vec<ReceiptDiscount>,
    /// Tax that is not in the prices.
    pub(super) tax_on_top_minor: i64,
    /// For the courier, or the shop when the customer fetches.
    pub(super) tip_minor: i64,
    /// What checkout came to.
    pub(super) agreed_minor: i64,
    /// What changed since: what was left out is negative.
    pub(super) changes: Vec<ReceiptChange>,
    /// What it comes to now.
    pub(super) total_minor: i64,
    /// Tax by seller and rate.
    pub(super) taxes: Vec<ReceiptTax>,
    /// The part of the total that is neither sold nor taxed: the tip, less what others than the seller took off.
    pub(super) untaxed_minor: i64,
    /// What was paid and given back.
    pub(super) payment: ReceiptPayment,
}

/// Who sold it, as it was at checkout.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReceiptSeller {
    /// Legal name.
    pub(super) name: String,
    /// Tax number.
    pub(super) tax_id: Option<String>,
    /// The shop's address.
    pub(super) address: Option<String>,
}

/// A dish.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReceiptLine {
    /// Its number in the order.
    pub(super) line: u32,
    /// Its name.
    pub(super) name: String,
    /// How many.
    pub(super) quantity: u32,
    /// Price of one without options.
    pub(super) unit_price_minor: i64,
    /// What all of them come to without options.
    pub(super) amount_minor: i64,
    /// Its options, an option's own after it.
    pub(super) options: Vec<ReceiptOption>,
}

/// An option of a dish.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReceiptOption {
    /// Its name.
    pub(super) name: String,
    /// How many, for each dish or option that holds it.
    pub(super) quantity: u32,
    /// How many on the whole line.
    pub(super) pieces: u32,
    /// How deep it hangs: 0 of the dish itself.
    pub(super) depth: u32,
    /// What it comes to on the whole line.
    pub(super) amount_minor: i64,
}

/// A fee.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReceiptFee {
    /// `packaging`, `small_order_fee`, `service_fee` or `delivery_fee`.
    pub(super) kind: &'static str,
    /// Who sells it: `shop` or `platform`.
    pub(super) seller: Option<String>,
    /// How much.
    pub(super) amount_minor: i64,
}

/// What a promotion took off.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReceiptDiscount {
    /// The promotion's name.
    pub(super) name: String,
    /// Who paid for it: `shop` or `platform`.
    pub(super) funder: String,
    /// How much; negative.
    pub(super) amount_minor: i64,
}

/// What changed since checkout.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReceiptChange {
    /// What changed, as in the agreed amounts: `item`, `option`, `discount`, `delivery_fee` and the like.
    pub(super) kind: &'static str,
    /// Its name, of what has one.
    pub(super) name: Option<String>,
    /// By how much; negative for what was left out.
    pub(super) amount_minor: i64,
}

/// How prices stand to their tax.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TaxMode {
    /// Prices contain it.
    Inclusive,
    /// It comes on top.
    Exclusive,
}

/// The tax of one seller and rate.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReceiptTax {
    /// Who sells: `shop` or `platform`.
    pub(super) seller: String,
    /// Basis points.
    pub(super) rate_bp: u32,
    /// Whether prices contain it.
    pub(super) mode: TaxMode,
    /// What was sold, without tax.
    pub(super) net_minor: i64,
    /// The tax.
    pub(super) tax_minor: i64,
    /// Both.
    pub(super) gross_minor: i64,
}

/// What was paid and given back.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct ReceiptPayment {
    /// What was reserved.
    pub(super) authorised_minor: i64,
    /// What was taken.
    pub(super) captured_minor: i64,
    /// What went back, one by one; negative. What is on its way or failed is not among them.
    pub(super) refunds: Vec<ReceiptRefund>,
    /// What went back.
    pub(super) refunded_minor: i64,
    /// What was taken less what went back.
    pub(super) paid_minor: i64,
}

/// Money that went back.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReceiptRefund {
    /// Why.
    pub(super) reason: String,
    /// How much; negative.
    pub(super) amount_minor: i64,
}

impl Receipt {
    /// The receipt in a language.
    pub(super) fn new(source: &Source, language: &str) -> Self {
        let agreed = &source.agreed.quote;
        let of_kind = |kind| agreed.iter().filter(move |amount| amount.kind == kind);
        let seller = source.seller.as_ref().map(|seller| ReceiptSeller {
            name: seller.name.clone(),
            tax_id: seller.tax_id.clone(),
            address: seller.address.clone(),
        });
        Self {
            order_id: source.order_id,
            number: source.number,
            service_date: source.service_date,
            checked_out_at: source.checked_out_at,
            state: source.state.clone(),
            fulfilment: source.fulfilment.clone(),
            restaurant_name: source.restaurant_name.clone(),
            language: language.to_owned(),
            currency: source.currency,
            seller,
            lines: lines(source, language),
            fees: agreed.iter().filter_map(fee).collect(),
            discounts: discounts(agreed, language),
            tax_on_top_minor: sum(of_kind(AmountKind::Tax)),
            tip_minor: sum(of_kind(AmountKind::Tip)),
            agreed_minor: sum(agreed),
            changes: changes(source, language),
            total_minor: sum(&source.now),
            taxes: taxes(&source.now),
            untaxed_minor: untaxed(&source.now),
            payment: ReceiptPayment::of(source),
        }
    }
}

impl AmountKind {
    /// Its name on the wire.
    const fn name(self) -> &'static str {
        match self {
            Self::Item => "item",
            Self::Option => "option",
            Self::Packaging => "packaging",
            Self::SmallOrderFee => "small_order_fee",
            Self::ServiceFee => "service_fee",
            Self::DeliveryFee => "delivery_fee",
            Self::Discount => "discount",
            Self::Tax => "tax",
            Self::Tip => "tip",
        }
    }

    const fn is_fee(self) -> bool {
        matches!(
            self,
            Self::Packaging | Self::SmallOrderFee | Self::ServiceFee | Self::DeliveryFee
        )
    }
}

fn fee(amount: &Charge) -> Option<ReceiptFee> {
    amount.kind.is_fee().then(|| ReceiptFee {
        kind: amount.kind.name(),
        seller: amount.seller.clone(),
        amount_minor: amount.amount_minor,
    })
}

fn lines(source: &Source, language: &str) -> Vec<ReceiptLine> {
    let quote = &source.agreed.quote;
    let line = |line: &Dish| {
        let reference = line.line.to_string();
        let mut options = OptionList {
            quote,
            language,
            all: Vec::new(),
        };
        options.push(&line.options, &reference, line.quantity, 0);
        ReceiptLine {
            line: line.line,
            name: line.name.text(language).to_owned(),
            quantity: line.quantity,
            unit_price_minor: line.unit_price_minor,
            amount_minor: amount_of(quote, AmountKind::Item, &reference),
            options: options.all,
        }
    };
    source.agreed.lines.iter().map(line).collect()
}

/// The options of a line, each before its own.
struct OptionList<'a> {
    quote: &'a [Charge],
    language: &'a str,
    all: Vec<ReceiptOption>,
}

impl OptionList<'_> {
    /// Adds the options that so many pieces of `holder` hold.
    fn push(&mut self, options: &[Choice], holder: &str, pieces: u32, depth: u32) {
        for option in options {
            let reference = format!("{holder}/{}/{}", option.group, option.option);
            let pieces = pieces.saturating_mul(option.quantity);
            self.all.push(ReceiptOption {
                name: option.name.text(self.language).to_owned(),
                quantity: option.quantity,
                pieces,
                depth,
                amount_minor: amount_of(self.quote, AmountKind::Option, &reference),
            });
            self.push(&option.options, &reference, pieces, depth.saturating_add(1));
        }
    }
}

fn amount_of(quote: &[Charge], kind: AmountKind, reference: &str) -> i64 {
    sum(quote
        .iter()
        .filter(|amount| amount.kind == kind && amount.reference == reference))
}

/// One for each promotion and who pays for it, in the order in which they came.
fn discounts(agreed: &[Charge], language: &str) -> Vec<ReceiptDiscount> {
    let mut found: Vec<(Option<Uuid>, ReceiptDiscount)> = Vec::new();
    for amount in agreed
        .iter()
        .filter(|amount| amount.kind == AmountKind::Discount)
    {
        let same = found.iter_mut().find(|(promotion, discount)| {
            *promotion == amount.promotion && discount.funder == amount.payer
        });
        if let Some((_, discount)) = same {
            discount.amount_minor = discount.amount_minor.saturating_add(amount.amount_minor);
        } else {
            let discount = ReceiptDiscount {
                name: text(amount.label.as_ref(), language).unwrap_or_default(),
                funder: amount.payer.clone(),
                amount_minor: amount.amount_minor,
            };
            found.push((amount.promotion, discount));
        }
    }
    found.into_iter().map(|(_, discount)| discount).collect()
}

fn changes(source: &Source, language: &str) -> Vec<ReceiptChange> {
    let change = |(amount, by_minor): (&Charge, i64)| ReceiptChange {
        kind: amount.kind.name(),
        name: text(amount.label.as_ref(), language),
        amount_minor: by_minor,
    };
    let moved = moved(&source.agreed.quote, &source.now);
    moved.into_iter().map(change).collect()
}

fn text(label: Option<&LocalizedText>, language: &str) -> Option<String> {
    label.map(|label| label.text(language).to_owned())
}

impl ReceiptPayment {
    fn of(source: &Source) -> Self {
        let mut all = Self::default();
        for payment in &source.payments {
            let add = |to: &mut i64, minor: i64| *to = to.saturating_add(minor);
            if was_authorised(&payment.stage) {
                add(&mut all.authorised_minor, payment.amount_minor);
            }
            add(&mut all.captured_minor, payment.captured_minor);
            add(&mut all.refunded_minor, payment.refunded_minor);
            let back = payment
                .refunds
                .values()
                .filter(|refund| refund.state == "refunded");
            all.refunds.extend(back.map(|refund| ReceiptRefund {
                reason: refund.reason.clone(),
                amount_minor: refund.amount_minor.saturating_neg(),
            }));
        }
        all.paid_minor = all.captured_minor.saturating_sub(all.refunded_minor);
        all
    }
}

/// Whether the money was ever reserved, by the stage of its payment.
fn was_authorised(stage: &str) -> bool {
    matches!(
        stage,
        "authorized" | "capturing" | "captured" | "capture_failed" | "voiding" | "voided"
    )
}

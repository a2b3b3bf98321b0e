//! What an order holds and comes to, and how both shrink when something of it is left out.
//!
//! Amounts are never priced anew after checkout: they are the agreed ones, less what is left out. Discounts shrink with
//! the goods that they were given on, tax follows, and each is spread by largest remainder. So a change never raises
//! the total, and the lines always add up to it.

mod remade;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::ids::PromotionId;
use crate::kernel::money::{Money, split};
use crate::kernel::quantity::Quantity;
use crate::kernel::text::LocalizedText;
use crate::ordering::line::{LineId, OrderLine, OrderOption};
use crate::ordering::quote::{self, Party, QuoteLine, QuoteLineKind};
use crate::ordering::tax::{self, PricesAre};

/// Lines and amounts of an order as they are now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bill {
    /// What is cooked.
    pub lines: Vec<OrderLine>,
    /// Every amount.
    pub quote: Vec<QuoteLine>,
    /// Their sum.
    pub total: Money,
    /// The part of the total that is tax contained in prices, in minor units.
    pub tax_included_minor: i64,
}

impl Bill {
    /// The order's line of this number.
    pub fn line(&self, line: LineId) -> Option<&OrderLine> {
        self.lines.iter().find(|found| found.line == line)
    }

    /// The amounts of a line's goods.
    pub fn goods_of(&self, line: LineId) -> impl Iterator<Item = &QuoteLine> {
        let of_line = move |amount: &&QuoteLine| is_goods(amount) && line_of(amount) == Some(line);
        self.quote.iter().filter(of_line)
    }

    /// The same for another quantity at the agreed price of each, without tax yet. Nothing when the line is not there
    /// or an amount does not fit.
    pub fn goods_for(&self, line: LineId, quantity: u32) -> Option<Vec<QuoteLine>> {
        let before = i64::from(self.line(line)?.quantity.get());
        let of_all = |amount: &QuoteLine| {
            let all = amount.amount_minor.checked_mul(i64::from(quantity))?;
            Some(QuoteLine {
                amount_minor: all.checked_div(before)?,
                tax_minor: 0,
                ..amount.clone()
            })
        };
        self.goods_of(line).map(of_all).collect()
    }

    /// The promotions that take something off, each with how much of the total.
    pub fn promotions(&self) -> BTreeMap<PromotionId, Money> {
        quote::discounts(&self.quote, self.total.currency())
    }

    /// The same without some units of a line. Nothing when there are fewer, or an amount does not fit.
    #[must_use]
    pub fn without(&self, line: LineId, units: u32) -> Option<Self> {
        let (lines, goods) = self.parted(line, units)?;
        self.rebuilt(lines, goods)
    }

    /// The same with a substitute for some units of a line, for at most the price of what it replaces.
    /// Nothing when there are fewer units, or an amount does not fit.
    #[must_use]
    pub fn substituted(&self, line: LineId, units: u32, substitute: &OrderLine) -> Option<Self> {
        let replaced = self.line(line)?;
        let most = self.paid_for_one_minor(line, replaced.quantity.get())?;
        let taxed_as = self
            .quote
            .iter()
            .find(|amount| is_goods(amount) && line_of(amount) == Some(line))?;
        let number = self.lines.iter().map(|line| line.line.get()).max()?;
        let mut taken = substitute.clone();
        taken.line = LineId::new(number.checked_add(1)?);
        taken.quantity = Quantity::try_from(units).ok()?;
        taken.note.clone_from(&replaced.note);
        taken.shortage = replaced.shortage;
        taken.cap_price(most)?;
        let added = taken.amounts(taxed_as)?;
        let (mut lines, mut goods) = self.parted(line, units)?;
        lines.push(taken);
        goods.extend(added);
        self.rebuilt(lines, goods)
    }

    /// What the customer pays for one of a line, discounts on it taken off, in minor units; rounded down.
    fn paid_for_one_minor(&self, line: LineId, quantity: u32) -> Option<i64> {
        let of_line = self.quote.iter().filter(|amount| {
            (is_goods(amount) || self.is_off_goods(amount)) && line_of(amount) == Some(line)
        });
        let mut paid = of_line.map(|amount| amount.amount_minor);
        let paid = paid.try_fold(0_i64, i64::checked_add)?;
        paid.max(0).checked_div(i64::from(quantity))
    }

    /// The same without what bringing it costs. A tip stays: who fetches tips the shop.
    #[must_use]
    pub fn without_delivery(&self) -> Option<Self> {
        let mut kept = self.clone();
        kept.quote.retain(|amount| !self.is_bringing(amount));
        for amount in &mut kept.quote {
            if amount.kind == QuoteLineKind::Tip {
                amount.payee = Party::Shop;
            }
        }
        kept.taxed()
    }

    /// The same for a customer who fetches it before it is boiled: noodles that do not travel are as firm as asked.
    #[must_use]
    pub fn eaten_here(mut self) -> Self {
        self.lines.iter_mut().for_each(OrderLine::eat_here);
        for amount in &mut self.quote {
            amount.noodles = None;
        }
        self
    }

    /// What bringing it and the courier's tip cost the customer, tax included, in minor units.
    pub fn bringing_minor(&self) -> i64 {
        let on_top = self.prices() == PricesAre::Net;
        let is_part = |amount: &&QuoteLine| {
            let tips_courier = amount.kind == QuoteLineKind::Tip && amount.payee == Party::Courier;
            self.is_bringing(amount) || tips_courier
        };
        let parts = self.quote.iter().filter(is_part).map(|amount| {
            let tax_minor = if on_top { amount.tax_minor } else { 0 }; // a tip has none
            amount.amount_minor.saturating_add(tax_minor)
        });
        parts.fold(0, i64::saturating_add)
    }

    /// The lines without some units of one, and the amounts of the goods that are left.
    fn parted(&self, line: LineId, units: u32) -> Option<(Vec<OrderLine>, Vec<QuoteLine>)> {
        let ordered = self.line(line)?.quantity.get();
        let left = ordered.checked_sub(units)?;
        let mut lines = self.lines.clone();
        match Quantity::try_from(left) {
            Ok(left) => {
                for found in lines.iter_mut().filter(|found| found.line == line) {
                    found.quantity = left;
                }
            }
            Err(_) => lines.retain(|found| found.line != line),
        }
        let mut goods: Vec<QuoteLine> = self
            .quote
            .iter()
            .filter(|amount| is_goods(amount))
            .cloned()
            .collect();
        for amount in goods
            .iter_mut()
            .filter(|amount| line_of(amount) == Some(line))
        {
            let parts = split(amount.amount_minor, &[u64::from(left), u64::from(units)])?;
            amount.amount_minor = parts[0];
        }
        goods.retain(|amount| left > 0 || line_of(amount) != Some(line));
        Some((lines, goods))
    }

    /// Whether it is the fee for bringing it, or what is taken off that.
    fn is_bringing(&self, amount: &QuoteLine) -> bool {
        let is_fee = |one: &QuoteLine| one.kind == QuoteLineKind::DeliveryFee;
        is_fee(amount) || self.is_off(amount, is_fee)
    }

    fn is_off_goods(&self, amount: &QuoteLine) -> bool {
        self.is_off(amount, is_goods)
    }

    /// Whether it is a discount on an amount of this kind: the two have one reference.
    fn is_off(&self, amount: &QuoteLine, is_such: fn(&QuoteLine) -> bool) -> bool {
        amount.kind == QuoteLineKind::Discount
            && (self.quote.iter()).any(|one| is_such(one) && one.reference == amount.reference)
    }

    /// The bill with other lines and goods. What was taken off goods shrinks as they do.
    fn rebuilt(&self, lines: Vec<OrderLine>, goods: Vec<QuoteLine>) -> Option<Self> {
        let mut discounts = self.discounts(&goods)?;
        let rest = self
            .quote
            .iter()
            .filter(|amount| !is_goods(amount) && amount.kind != QuoteLineKind::Tax);
        let mut quote = goods;
        for amount in rest {
            let mut amount = amount.clone();
            if self.is_off_goods(&amount) {
                let left = discounts.get_mut(&amount.reference)?;
                amount.amount_minor = left.next()?;
                if amount.amount_minor == 0 {
                    continue;
                }
            }
            quote.push(amount);
        }
        let rebuilt = Self {
            lines,
            quote,
            total: self.total,
            tax_included_minor: self.tax_included_minor,
        }
        .taxed_as(self.prices())?;
        (rebuilt.total.amount_minor() <= self.total.amount_minor()).then_some(rebuilt)
    }

    /// What is left of the discounts on each amount of goods when these are left of the goods. Their sum is rounded
    /// once and spread over who pays them, so that they never come to more than the goods.
    fn discounts(&self, goods: &[QuoteLine]) -> Option<BTreeMap<String, std::vec::IntoIter<i64>>> {
        let mut left = BTreeMap::new();
        for before in self.quote.iter().filter(|amount| is_goods(amount)) {
            let reference = &before.reference;
            let now = goods.iter().find(|amount| amount.reference == *reference);
            let now = now.map_or(0, |now| now.amount_minor);
            let off: Vec<i64> = (self.quote.iter())
                .filter(|amount| amount.kind == QuoteLineKind::Discount)
                .filter(|amount| amount.reference == *reference)
                .map(|amount| amount.amount_minor)
                .collect();
            if off.is_empty() {
                continue;
            }
            let whole = off
                .iter()
                .try_fold(0_i64, |sum, minor| sum.checked_add(*minor))?;
            let gone = before.amount_minor.checked_sub(now)?;
            let weights = [u64::try_from(now).ok()?, u64::try_from(gone).ok()?];
            let rest = split(whole, &weights)?.first().copied()?;
            let payers: Vec<u64> = off.iter().map(|minor| minor.unsigned_abs()).collect();
            left.insert(reference.clone(), split(rest, &payers)?.into_iter());
        }
        Some(left)
    }

    fn taxed(self) -> Option<Self> {
        let prices = self.prices();
        self.taxed_as(prices)
    }

    /// Tax and total of these amounts.
    fn taxed_as(mut self, prices: PricesAre) -> Option<Self> {
        self.quote
            .retain(|amount| amount.kind != QuoteLineKind::Tax);
        let (tips, mut quote): (Vec<_>, Vec<_>) = self
            .quote
            .into_iter()
            .partition(|amount| amount.kind == QuoteLineKind::Tip);
        self.tax_included_minor = tax::apply(prices, &mut quote).ok()?;
        quote.extend(tips);
        let total = quote
            .iter()
            .try_fold(0_i64, |sum, amount| sum.checked_add(amount.amount_minor))?;
        self.total = Money::new(total, self.total.currency());
        self.quote = quote;
        Some(self)
    }

    /// Tax that comes on top has lines of its own.
    fn prices(&self) -> PricesAre {
        if self
            .quote
            .iter()
            .any(|amount| amount.kind == QuoteLineKind::Tax)
        {
            PricesAre::Net
        } else {
            PricesAre::Gross
        }
    }
}

fn is_goods(amount: &QuoteLine) -> bool {
    matches!(amount.kind, QuoteLineKind::Item | QuoteLineKind::Option)
}

/// The line of the order that an amount belongs to.
fn line_of(amount: &QuoteLine) -> Option<LineId> {
    let number = amount.reference.split('/').next()?;
    number.parse().ok().map(LineId::new)
}

impl OrderLine {
    /// The price of one with its options, in minor units. Nothing when it does not fit.
    pub fn price_of_one_minor(&self) -> Option<i64> {
        let mut one = self.clone();
        one.quantity = Quantity::ONE;
        let options = one.charged_options()?;
        let mut amounts = options.iter().map(|option| option.amount_minor);
        amounts.try_fold(self.unit_price_minor, i64::checked_add)
    }

    /// Makes one cost at most this: then its options are part of the price.
    fn cap_price(&mut self, most_minor: i64) -> Option<()> {
        if self.price_of_one_minor()? > most_minor {
            self.unit_price_minor = most_minor;
            forget_prices(&mut self.options);
        }
        Some(())
    }

    /// The amounts of this line, sold and taxed as another one is.
    fn amounts(&self, taxed_as: &QuoteLine) -> Option<Vec<QuoteLine>> {
        let amount = |kind, reference, label: &LocalizedText, amount_minor| QuoteLine {
            kind,
            reference,
            label: Some(label.clone()),
            amount_minor,
            noodles: None,
            ..taxed_as.clone()
        };
        let pieces = i64::from(self.quantity.get());
        let whole = self.unit_price_minor.checked_mul(pieces)?;
        let mut amounts = vec![amount(
            QuoteLineKind::Item,
            self.line.to_string(),
            &self.name,
            whole,
        )];
        amounts[0].noodles = self.firmer_noodles();
        for charged in self
            .charged_options()?
            .into_iter()
            .filter(|option| option.amount_minor != 0)
        {
            let label = &charged.option.name;
            amounts.push(amount(
                QuoteLineKind::Option,
                charged.reference.clone(),
                label,
                charged.amount_minor,
            ));
        }
        Some(amounts)
    }
}

fn forget_prices(options: &mut [OrderOption]) {
    for option in options {
        option.price_minor = 0;
        forget_prices(&mut option.options);
    }
}

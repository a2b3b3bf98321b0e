//! What promotions take off the lines of a quote: first off dishes, then off all dishes, then off the
//! delivery, each off what those before it have left. So no line, and no total, comes below zero.

use super::Priced;
use crate::joint::Market;
use crate::kernel::fault::{Faults, Pointer};
use crate::kernel::ids::PromotionId;
use crate::kernel::money::split;
use crate::ordering::quote::{Party, QuoteLine, QuoteLineKind};
use crate::restaurant::promotion::{Inapplicable, Occasion, PromotionTerms, Reduction, Target};

/// One whole, in basis points.
const WHOLE_BP: u32 = 10_000;

/// A promotion that holds for this cart.
pub(super) struct Holding<'a> {
    id: PromotionId,
    terms: &'a PromotionTerms,
    /// Dishes that it is for, by line number, when it is not for all.
    lines: Vec<String>,
}

impl Priced<'_> {
    /// The promotions that hold, in the order in which they are applied. An automatic one that does not
    /// hold is passed over; of the cart's own it is said why.
    pub(super) fn holding<'m>(
        &self,
        market: &Market<'m>,
        goods_minor: i64,
        faults: &mut Faults,
    ) -> Vec<Holding<'m>> {
        let occasion = Occasion {
            restaurant: self.body.restaurant,
            currency: self.live.profile.currency,
            date: self.service_date,
            goods_minor,
            customer: Some(self.body.customer),
        };
        let own = self.body.promotion.as_ref().map(|own| own.id);
        if own.is_some_and(|own| market.offers.iter().all(|offer| offer.id != own)) {
            refuse(Inapplicable::Unknown, faults);
        }
        let mut holding = Vec::new();
        for offer in market.offers {
            match offer.promotion.applicable(&occasion) {
                Ok(terms) => holding.push(self.held(offer.id, terms)),
                Err(why) if own == Some(offer.id) => refuse(why, faults),
                Err(_) => {}
            }
        }
        // Those without a code come first, then by id, so that equal carts have equal quotes.
        holding.sort_by_key(|held| (stage(&held.terms.target), own == Some(held.id), held.id));
        holding.dedup_by_key(|held| held.id);
        holding
    }

    fn held<'m>(&self, id: PromotionId, terms: &'m PromotionTerms) -> Holding<'m> {
        let items = match &terms.target {
            Target::Items { items } => items.as_slice(),
            Target::Order | Target::Delivery => &[],
        };
        let lines = self.lines.iter().map(|priced| &priced.line);
        let named = lines.filter(|line| items.contains(&line.item));
        let lines = named.map(|line| line.line.to_string()).collect();
        Holding { id, terms, lines }
    }
}

fn refuse(why: Inapplicable, faults: &mut Faults) {
    faults.add(
        why.code(),
        &Pointer::root().at("promotion"),
        why.to_string(),
    );
}

fn stage(target: &Target) -> u8 {
    match target {
        Target::Items { .. } => 0,
        Target::Order => 1,
        Target::Delivery => 2,
    }
}

/// Adds the discounts of these promotions; nothing when an amount overflows.
pub(super) fn apply(holding: &[Holding<'_>], lines: &mut Vec<QuoteLine>) -> Option<()> {
    if holding.is_empty() {
        return Some(());
    }
    let mut left = left_of(lines);
    let mut discounts = Vec::new();
    for held in holding {
        let targets: Vec<usize> = (0..left.len())
            .filter(|index| left[*index] > 0 && held.is_for(&lines[*index]))
            .collect();
        let weights: Vec<i64> = targets.iter().map(|index| left[*index]).collect();
        let taken = held.shares(&weights)?;
        for (index, (platform, shop)) in targets.into_iter().zip(taken) {
            left[index] = left[index].checked_sub(platform.checked_add(shop)?)?;
            let paid = [(Party::Platform, platform), (Party::Shop, shop)];
            discounts.extend(
                paid.into_iter()
                    .filter(|(_, minor)| *minor > 0)
                    .map(|(payer, minor)| held.line(&lines[index], payer, minor)),
            );
        }
    }
    lines.append(&mut discounts);
    Some(())
}

/// What can be taken off each line: its amount, less what options that make the dish cheaper take off
/// it, so that a dish as a whole does not come below zero.
fn left_of(lines: &[QuoteLine]) -> Vec<i64> {
    let mut left: Vec<i64> = lines.iter().map(|line| line.amount_minor).collect();
    for cheaper in 0..lines.len() {
        let mut off = left[cheaper].min(0).saturating_neg();
        left[cheaper] = left[cheaper].max(0);
        if off == 0 {
            continue;
        }
        for index in 0..lines.len() {
            if off > 0 && left[index] > 0 && dish(&lines[index]) == dish(&lines[cheaper]) {
                let taken = off.min(left[index]);
                left[index] = left[index].saturating_sub(taken);
                off = off.saturating_sub(taken);
            }
        }
    }
    left
}

/// The number of the line that a dish or its option belongs to; none for fees.
fn dish(line: &QuoteLine) -> Option<&str> {
    matches!(line.kind, QuoteLineKind::Item | QuoteLineKind::Option)
        .then(|| line.reference.split('/').next().unwrap_or_default())
}

impl Holding<'_> {
    fn is_for(&self, line: &QuoteLine) -> bool {
        let dish = dish(line);
        match self.terms.target {
            Target::Items { .. } => {
                dish.is_some_and(|number| self.lines.iter().any(|named| named == number))
            }
            Target::Order => dish.is_some(),
            Target::Delivery => line.kind == QuoteLineKind::DeliveryFee,
        }
    }

    /// What is taken off each of these amounts, paid by platform and by shop. The sum is rounded once
    /// and spread by largest remainder, first over the payers and then over the amounts.
    fn shares(&self, amounts: &[i64]) -> Option<Vec<(i64, i64)>> {
        let base = amounts.iter().try_fold(0_i64, |a, b| a.checked_add(*b))?;
        let wanted = match self.terms.reduction {
            Reduction::Percentage { rate_bp } => rate_bp.of(base)?,
            Reduction::Amount { amount_minor } => amount_minor.minor(),
        };
        let taken = wanted.clamp(0, base);
        let platform_bp = self.terms.platform_bp.get().min(WHOLE_BP);
        let payers = [platform_bp, WHOLE_BP.saturating_sub(platform_bp)].map(u64::from);
        let by_platform = split(taken, &payers)?.first().copied()?;
        let parts = spread(taken, amounts)?;
        let platform = spread(by_platform, &parts)?;
        let both = parts.into_iter().zip(platform);
        both.map(|(part, platform)| Some((platform, part.checked_sub(platform)?)))
            .collect()
    }

    fn line(&self, off: &QuoteLine, payer: Party, minor: i64) -> QuoteLine {
        let lowers_tax = off.seller == Some(payer);
        QuoteLine {
            kind: QuoteLineKind::Discount,
            reference: off.reference.clone(),
            label: Some(self.terms.name.clone()),
            amount_minor: minor.saturating_neg(),
            payer,
            payee: Party::Customer,
            seller: off.seller.filter(|_| lowers_tax),
            tax_class: off.tax_class.filter(|_| lowers_tax),
            tax_bp: off.tax_bp.filter(|_| lowers_tax),
            tax_minor: 0,
            promotion: Some(self.id),
            noodles: None,
        }
    }
}

/// An amount over weights none of which is negative; where there are none, nothing.
fn spread(amount: i64, over: &[i64]) -> Option<Vec<i64>> {
    let weights: Option<Vec<u64>> = over.iter().map(|one| u64::try_from(*one).ok()).collect();
    let weights = weights?;
    if weights.iter().all(|weight| *weight == 0) {
        return Some(vec![0; over.len()]);
    }
    split(amount, &weights)
}

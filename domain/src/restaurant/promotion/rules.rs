//! When a promotion holds, and what its terms must be.

use std::collections::HashSet;

use chrono::NaiveDate;

use super::event::{Issuer, Limits, PromotionTerms, Reduction, Target};
use super::state::{Promotion, PromotionBody};
use crate::kernel::fault::{Faults, Pointer};
use crate::kernel::ids::{CustomerId, RestaurantId};
use crate::kernel::money::{Currency, Price};

/// Dishes that one promotion names.
const ITEMS_MAX: usize = 100;
/// Shops that one promotion names.
const SHOPS_MAX: usize = 1_000;
/// One whole, in basis points.
const WHOLE_BP: u32 = 10_000;

/// What a promotion is held against: a cart, now.
#[derive(Clone, Copy, Debug)]
pub struct Occasion {
    /// At which shop.
    pub restaurant: RestaurantId,
    /// What is paid in.
    pub currency: Currency,
    /// The service date, in the shop's zone.
    pub date: NaiveDate,
    /// What the dishes come to before any discount, in minor units.
    pub goods_minor: i64,
    /// Whose cart, once that is known.
    pub customer: Option<CustomerId>,
}

/// Why a promotion does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Inapplicable {
    /// There is none.
    #[error("there is no such promotion here")]
    Unknown,
    /// It was ended.
    #[error("the promotion has ended")]
    Ended,
    /// Its first date is to come.
    #[error("the promotion begins on {0}")]
    NotYet(NaiveDate),
    /// Its last date is past.
    #[error("the promotion ended on {0}")]
    Over(NaiveDate),
    /// It is not for this shop or its currency.
    #[error("the promotion does not hold at this shop")]
    NotHere,
    /// Everybody together has used it up.
    #[error("the promotion is used up")]
    UsedUp,
    /// This customer has used it up.
    #[error("you have used the promotion as often as it allows")]
    UsedUpByCustomer,
    /// The dishes come to too little.
    #[error("the promotion needs dishes for {0} minor units")]
    BelowMinimum(i64),
}

impl Inapplicable {
    /// Stable `snake_case` code for clients.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unknown => "promotion_unknown",
            Self::Ended => "promotion_ended",
            Self::NotYet(_) => "promotion_not_yet",
            Self::Over(_) => "promotion_over",
            Self::NotHere => "promotion_not_here",
            Self::UsedUp => "promotion_used_up",
            Self::UsedUpByCustomer => "promotion_used_up_by_customer",
            Self::BelowMinimum(_) => "promotion_below_minimum",
        }
    }
}

impl Promotion {
    /// Whether an order of this shop can ever use it, as far as is known without looking at the order.
    pub fn concerns(&self, shop: RestaurantId) -> bool {
        match self {
            Self::Active(body) => body.terms.is_for(shop),
            Self::Absent | Self::Ended(_) => false,
        }
    }

    /// The terms, when it holds on this occasion.
    ///
    /// # Errors
    /// [`Inapplicable`], the most lasting reason first.
    pub fn applicable(&self, occasion: &Occasion) -> Result<&PromotionTerms, Inapplicable> {
        let body = match self {
            Self::Absent => return Err(Inapplicable::Unknown),
            Self::Ended(_) => return Err(Inapplicable::Ended),
            Self::Active(body) => body,
        };
        let terms = &body.terms;
        let elsewhere = !terms.is_for(occasion.restaurant);
        let unpayable = terms
            .currency
            .is_some_and(|currency| currency != occasion.currency);
        if elsewhere || unpayable {
            return Err(Inapplicable::NotHere);
        }
        if let Some(last) = terms.last_date.filter(|last| occasion.date > *last) {
            return Err(Inapplicable::Over(last));
        }
        body.check_limits(occasion.customer)?;
        if let Some(first) = terms.first_date.filter(|first| occasion.date < *first) {
            return Err(Inapplicable::NotYet(first));
        }
        let minimum = terms.minimum_minor.minor();
        if occasion.goods_minor < minimum {
            return Err(Inapplicable::BelowMinimum(minimum));
        }
        Ok(terms)
    }
}

impl PromotionTerms {
    /// Whether it is given at this shop, which never changes.
    fn is_for(&self, shop: RestaurantId) -> bool {
        match self.issuer {
            Issuer::Shop { restaurant } => restaurant == shop,
            Issuer::Platform => self.shops.is_empty() || self.shops.contains(&shop),
        }
    }
}

impl PromotionBody {
    /// Another order may use it, as far as counting goes.
    pub(super) fn check_limits(&self, customer: Option<CustomerId>) -> Result<(), Inapplicable> {
        let Limits {
            total,
            per_customer,
        } = self.terms.limits;
        if total.is_some_and(|total| self.redeemed >= total) {
            return Err(Inapplicable::UsedUp);
        }
        let own = customer.map_or(0, |customer| self.redeemed_by(customer));
        if per_customer.is_some_and(|limit| own >= limit) {
            return Err(Inapplicable::UsedUpByCustomer);
        }
        Ok(())
    }
}

/// All that is wrong with terms.
///
/// # Errors
/// Every fault, with its place in the terms.
pub fn check_terms(terms: &PromotionTerms) -> Result<(), Faults> {
    let (mut faults, root) = (Faults::default(), Pointer::root());
    check_reduction(terms, &mut faults);
    if terms.platform_bp.get() > WHOLE_BP {
        let detail = "the platform pays at most 10000 basis points";
        faults.add("share_above_whole", &root.at("platform_bp"), detail);
    }
    if let (Some(first), Some(last)) = (terms.first_date, terms.last_date)
        && first > last
    {
        let detail = "the last date is before the first";
        faults.add("dates_reversed", &root.at("last_date"), detail);
    }
    check_limits(&terms.limits, &mut faults);
    check_names(terms, &mut faults);
    faults.or(())
}

/// A limit of none is an ended promotion, and one says that in another way.
pub(super) fn check_limits(limits: &Limits, faults: &mut Faults) {
    let at = Pointer::root().at("limits");
    for (name, limit) in [
        ("total", limits.total),
        ("per_customer", limits.per_customer),
    ] {
        if limit == Some(0) {
            faults.add("limit_of_none", &at.at(name), "a limit is at least 1");
        }
    }
}

fn check_reduction(terms: &PromotionTerms, faults: &mut Faults) {
    let (root, at) = (Pointer::root(), Pointer::root().at("reduction"));
    match terms.reduction {
        Reduction::Percentage { rate_bp } if !(1..=WHOLE_BP).contains(&rate_bp.get()) => {
            let detail = "a reduction is 1 to 10000 basis points";
            faults.add("rate_out_of_range", &at.at("rate_bp"), detail);
        }
        Reduction::Amount { amount_minor } if amount_minor == Price::ZERO => {
            let detail = "a reduction takes something off";
            faults.add("amount_of_none", &at.at("amount_minor"), detail);
        }
        Reduction::Percentage { .. } | Reduction::Amount { .. } => {}
    }
    let has_amounts =
        matches!(terms.reduction, Reduction::Amount { .. }) || terms.minimum_minor > Price::ZERO;
    if has_amounts && terms.currency.is_none() {
        let detail = "say in which currency the amounts are";
        faults.add("currency_missing", &root.at("currency"), detail);
    }
}

fn check_names(terms: &PromotionTerms, faults: &mut Faults) {
    let root = Pointer::root();
    if let Target::Items { items } = &terms.target {
        let at = root.at("target").at("items");
        if items.is_empty() || items.len() > ITEMS_MAX {
            faults.add("item_count", &at, format!("name 1 to {ITEMS_MAX} dishes"));
        }
        add_repeats(items, &at, faults);
    }
    let at = root.at("shops");
    if terms.shops.len() > SHOPS_MAX {
        faults.add("shop_count", &at, format!("name at most {SHOPS_MAX} shops"));
    }
    if terms.issuer.restaurant().is_some() && !terms.shops.is_empty() {
        let detail = "a shop's promotion holds at that shop alone";
        faults.add("shops_of_a_shop", &at, detail);
    }
    add_repeats(&terms.shops, &at, faults);
}

fn add_repeats<T: std::hash::Hash + Eq>(list: &[T], at: &Pointer, faults: &mut Faults) {
    let mut seen = HashSet::new();
    for (index, one) in list.iter().enumerate() {
        if !seen.insert(one) {
            faults.add("repeated", &at.at(index), "this stands there already");
        }
    }
}

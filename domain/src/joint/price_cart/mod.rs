//! What a cart costs, contains and promises, or everything that stands against it.

pub(super) mod amended;
mod amounts;
mod checks;
mod discounts;
mod later;
pub(super) mod promise;
mod reach;

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::priced_line::{PricedLine, amounts as amounts_of};
use super::{Market, tax};
use crate::kernel::allergen::{Presence, mixture};
use crate::kernel::fault::{Faults, Pointer};
use crate::kernel::geo::GeoPoint;
use crate::kernel::key::Key;
use crate::kernel::quantity::Amount;
use crate::ordering::cart::{Cart, CartBody};
use crate::ordering::line::LineNeeds;
use crate::ordering::quote::{Quote, QuoteContent, QuoteLine};
use crate::ordering::window::Schedule;
use crate::restaurant::restaurant::{LiveShop, Zone};

use amounts::sum;
use checks::{
    check_fulfilment, check_lines, check_open, check_shop, check_stock, lines_of, needs_of,
};
use later::Wish;
use promise::{Promised, work_of};
use reach::{check_last_order, check_styles};

/// Prices a cart. `place` is the door's pin, opened by the caller, when the cart is to be delivered.
///
/// # Errors
/// Every refusal, each with its pointer into the cart.
pub fn price_cart(
    cart: &Cart,
    place: Option<GeoPoint>,
    market: &Market<'_>,
) -> Result<Quote, Faults> {
    let root = Pointer::root();
    let Cart::Open(body) = cart else {
        let mut faults = Faults::default();
        faults.add("cart_not_open", &root, "the cart is not open");
        return Err(faults);
    };
    let mut faults = Faults::default();
    if market.now >= body.expires_at {
        faults.add(
            "cart_expired",
            &root,
            "the cart has expired; open a new one",
        );
    }
    let live = check_shop(market, &mut faults);
    let zone = check_fulfilment(body, place, live.as_ref(), &mut faults);
    let schedule = match (body.window, &live) {
        (Some(window), Some(live)) => {
            let wish = Wish {
                window,
                work: work_of(lines_of(body, market).iter().map(|line| &line.line)),
                zone,
                is_fetched: body.is_fetched(),
                live,
                notice: market.flags.payment_timer,
            };
            wish.schedule(market, &mut faults)
        }
        (Some(_), None) | (None, _) => None,
    };
    let asked = asked_at(schedule.as_ref(), market);
    // Of a window that cannot be had nobody knows when its shop would be asked.
    if body.window.is_none() || schedule.is_some() {
        check_times(body, live.as_ref(), &asked, &mut faults);
    }
    let lines = check_lines(body, &asked, &mut faults);
    check_styles(body, place, zone, &lines, &mut faults);
    let needs = match body.window {
        Some(_) => needs_of(&lines, &mut faults),
        None => check_stock(&lines, market, &mut faults),
    };
    let service_date = live.and_then(|live| live.service_date(asked.now));
    let (Some(live), Some(service_date), true) = (live, service_date, faults.is_empty()) else {
        return Err(faults);
    };
    let priced = Priced {
        body,
        live,
        service_date,
        schedule,
        zone,
        lines,
        needs,
    };
    let promised = priced.promise(market)?;
    let Some(quote) = priced.quote(market, promised, &mut faults) else {
        let detail = "this comes to more than can be counted";
        faults.add("amount_overflow", &root, detail);
        return Err(faults);
    };
    priced.check_limits(&quote, &mut faults);
    faults.or(quote)
}

/// What an order for later is measured against: the same, when its shop is asked.
pub(in crate::joint) fn asked_at<'a>(
    schedule: Option<&Schedule>,
    market: &Market<'a>,
) -> Market<'a> {
    Market {
        now: schedule.map_or(market.now, |schedule| schedule.release_at),
        ..*market
    }
}

/// The shop takes orders then, and not the last one before.
fn check_times(
    body: &CartBody,
    live: Option<&LiveShop<'_>>,
    asked: &Market<'_>,
    faults: &mut Faults,
) {
    if let Some(live) = live {
        check_open(live, asked, faults);
    }
    check_last_order(body, live, asked, faults);
}

/// A cart without faults so far.
struct Priced<'a> {
    body: &'a CartBody,
    live: LiveShop<'a>,
    service_date: NaiveDate,
    schedule: Option<Schedule>,
    zone: Option<&'a Zone>,
    lines: Vec<PricedLine>,
    needs: BTreeMap<Key, Amount>,
}

impl Priced<'_> {
    /// The quote; nothing when an amount overflows. A code that does not hold is a fault.
    fn quote(&self, market: &Market<'_>, promised: Promised, faults: &mut Faults) -> Option<Quote> {
        let mut lines = Vec::new();
        for line in &self.lines {
            lines.extend(self.goods(line)?);
        }
        let goods_minor = sum(&lines)?;
        lines.extend(self.fees(goods_minor)?);
        self.completed(lines, goods_minor, market, promised, faults)
    }

    /// Goods and fees with what is taken off them, their tax, and the tip.
    fn completed(
        &self,
        mut lines: Vec<QuoteLine>,
        goods_minor: i64,
        market: &Market<'_>,
        promised: Promised,
        faults: &mut Faults,
    ) -> Option<Quote> {
        let offers = self.holding(market, goods_minor, faults);
        discounts::apply(&offers, &mut lines)?;
        let mode = self.live.terms.tax.mode;
        let tax_included_minor = tax::apply(mode, &mut lines).ok()?;
        lines.extend(self.tip());
        Some(Quote::new(QuoteContent {
            currency: self.live.profile.currency,
            seller_name: self.live.terms.seller.clone(),
            total_minor: sum(&lines)?,
            lines,
            tax_included_minor,
            allergens: self.allergens(),
            minimum_age: self
                .lines
                .iter()
                .filter_map(|line| line.line.minimum_age)
                .max(),
            promise: promised.minutes,
            schedule: self.schedule,
            kitchen: promised.kitchen,
            items: self.lines.iter().map(|line| line.line.clone()).collect(),
            needs: amounts_of(self.needs.clone()),
            line_needs: self
                .lines
                .iter()
                .map(|priced| LineNeeds {
                    line: priced.line.line,
                    of_one: priced.of_one.clone(),
                })
                .collect(),
        }))
    }

    /// The worst of all lines; what every line declares free is left out.
    fn allergens(&self) -> BTreeMap<crate::kernel::allergen::Allergen, Presence> {
        let mut worst = mixture(self.lines.iter().map(|line| &line.allergens));
        worst.retain(|_, presence| *presence != Presence::Free);
        worst
    }
}

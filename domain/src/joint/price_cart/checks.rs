//! What stands against a cart: shop, place, lines and stock, then the amounts it comes to.

use std::collections::BTreeMap;

use super::Priced;
use crate::joint::Market;
use crate::joint::priced_line::{Clock, PricedLine, priced};
use crate::kernel::fault::{Faults, Pointer};
use crate::kernel::geo::GeoPoint;
use crate::kernel::key::Key;
use crate::kernel::quantity::Amount;
use crate::ordering::cart::CartBody;
use crate::ordering::fulfilment::Fulfilment;
use crate::ordering::quote::{Quote, QuoteLine, QuoteLineKind};
use crate::payment::minimum::minimum_charge_minor;
use crate::restaurant::restaurant::{LiveShop, Zone};

/// The shop sells, in one currency.
pub(super) fn check_shop<'a>(market: &Market<'a>, faults: &mut Faults) -> Option<LiveShop<'a>> {
    let at = Pointer::root().at("restaurant");
    let Some(live) = market.shop.live() else {
        faults.add("shop_not_live", &at, "the shop does not sell");
        return None;
    };
    let menu_currency = market.menu.published().map(|menu| menu.document().currency);
    if menu_currency.is_some_and(|currency| currency != live.profile.currency) {
        faults.add(
            "currency_mismatch",
            &at,
            "the menu is in another currency than the shop",
        );
    }
    Some(live)
}

/// It takes orders at the instant.
pub(super) fn check_open(live: &LiveShop<'_>, market: &Market<'_>, faults: &mut Faults) {
    let at = Pointer::root().at("restaurant");
    if live.is_paused(market.now) {
        faults.add("shop_paused", &at, "the shop takes no orders for now");
    }
    if !live.is_open(market.now) {
        faults.add("shop_closed", &at, "the shop is closed");
    }
}

/// It is said how the order reaches the customer, and the shop delivers there.
pub(super) fn check_fulfilment<'a>(
    body: &CartBody,
    place: Option<GeoPoint>,
    live: Option<&LiveShop<'a>>,
    faults: &mut Faults,
) -> Option<&'a Zone> {
    let at = Pointer::root().at("fulfilment");
    match (&body.fulfilment, place) {
        (None, _) => {
            faults.add("fulfilment_missing", &at, "choose delivery or pickup");
            None
        }
        (Some(Fulfilment::Pickup), _) => None,
        (Some(Fulfilment::Delivery { .. }), None) => {
            faults.add(
                "address_missing",
                &at.at("address"),
                "the address has no place on the map",
            );
            None
        }
        (Some(Fulfilment::Delivery { .. }), Some(place)) => {
            let zone = live?.zone_at(place);
            if zone.is_none() {
                faults.add(
                    "out_of_zone",
                    &at.at("address"),
                    "the shop does not deliver there",
                );
            }
            zone
        }
    }
}

/// The lines at the instant, which must be within the hours of each dish.
pub(super) fn check_lines(
    body: &CartBody,
    market: &Market<'_>,
    faults: &mut Faults,
) -> Vec<PricedLine> {
    let clock = market.shop.live().map(|live| Clock {
        at: market.now,
        zone: live.profile.time_zone,
    });
    lines_at(body, market, clock, faults)
}

/// The lines, whenever they are wanted, for what they take; their faults are told when they are checked.
pub(super) fn lines_of(body: &CartBody, market: &Market<'_>) -> Vec<PricedLine> {
    lines_at(body, market, None, &mut Faults::default())
}

fn lines_at(
    body: &CartBody,
    market: &Market<'_>,
    clock: Option<Clock>,
    faults: &mut Faults,
) -> Vec<PricedLine> {
    let at = Pointer::root().at("lines");
    if body.lines.is_empty() {
        faults.add("empty_cart", &at, "the cart is empty");
    }
    let Some(menu) = market.menu.published() else {
        faults.add(
            "menu_missing",
            &Pointer::root().at("restaurant"),
            "the shop has no menu",
        );
        return Vec::new();
    };
    let is_delivery = body
        .fulfilment
        .as_ref()
        .is_some_and(Fulfilment::is_delivery);
    body.lines
        .iter()
        .filter_map(|line| priced(line, menu, is_delivery, clock, faults))
        .collect()
}

/// Everything the lines take, summed over those that share an ingredient, is there.
pub(super) fn check_stock(
    lines: &[PricedLine],
    market: &Market<'_>,
    faults: &mut Faults,
) -> BTreeMap<Key, Amount> {
    let needs = needs_of(lines, faults);
    check_free(&needs, lines, market, faults);
    needs
}

/// Everything the lines take, summed over those that share an ingredient.
pub(super) fn needs_of(lines: &[PricedLine], faults: &mut Faults) -> BTreeMap<Key, Amount> {
    let mut needs: BTreeMap<Key, Amount> = BTreeMap::new();
    for (ingredient, amount) in lines.iter().flat_map(|line| &line.needs) {
        let sum = needs.entry(ingredient.clone()).or_default();
        if let Some(more) = sum.checked_add(*amount) {
            *sum = more;
        } else {
            let detail = format!("this takes more {ingredient} than can be counted");
            faults.add("amount_overflow", &Pointer::root().at("lines"), detail);
        }
    }
    needs
}

/// So much is there.
fn check_free(
    needs: &BTreeMap<Key, Amount>,
    lines: &[PricedLine],
    market: &Market<'_>,
    faults: &mut Faults,
) {
    let wanted = needs
        .iter()
        .map(|(ingredient, amount)| (ingredient, amount.get()));
    for ingredient in market.stock.lacking(wanted, market.now) {
        for line in lines
            .iter()
            .filter(|line| line.needs.contains_key(ingredient))
        {
            let at = Pointer::root().at("lines").at(line.line.line);
            faults.add(
                "out_of_stock",
                &at,
                format!("there is not enough {ingredient}"),
            );
        }
    }
}

impl Priced<'_> {
    /// The zone's minimum and the least that can be charged.
    pub(super) fn check_limits(&self, quote: &Quote, faults: &mut Faults) {
        let goods =
            |line: &&QuoteLine| matches!(line.kind, QuoteLineKind::Item | QuoteLineKind::Option);
        let goods_minor: i64 = quote
            .content
            .lines
            .iter()
            .filter(goods)
            .map(|line| line.amount_minor)
            .sum();
        if let Some(minimum) = self.zone.map(|zone| zone.minimum_minor.minor())
            && goods_minor < minimum
        {
            let detail =
                format!("dishes must come to {minimum} minor units; they come to {goods_minor}");
            faults.add("below_minimum", &Pointer::root().at("lines"), detail);
        }
        let least = minimum_charge_minor(quote.content.currency);
        if (1..least).contains(&quote.content.total_minor) {
            let detail = format!("the least that can be charged is {least} minor units");
            faults.add("below_payment_minimum", &Pointer::root(), detail);
        }
    }
}

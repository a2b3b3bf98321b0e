//! Whether an order comes in time: before the last order, and not farther than its styles stay good.

use super::super::Market;
use crate::joint::priced_line::PricedLine;
use crate::kernel::fault::{Faults, Pointer};
use crate::kernel::geo::GeoPoint;
use crate::kernel::tax::FulfilmentKind;
use crate::ordering::cart::CartBody;
use crate::ordering::fulfilment::Fulfilment;
use crate::restaurant::restaurant::{LiveShop, Zone};

/// An open shop still takes orders of this fulfilment.
pub(super) fn check_last_order(
    body: &CartBody,
    live: Option<&LiveShop<'_>>,
    market: &Market<'_>,
    faults: &mut Faults,
) {
    let (Some(live), Some(fulfilment)) = (live, &body.fulfilment) else {
        return;
    };
    let kind = FulfilmentKind::of(fulfilment.is_delivery());
    if live.is_open(market.now) && !live.takes_orders(market.now, kind) {
        faults.add(
            "last_order_over",
            &Pointer::root().at("fulfilment"),
            "the shop takes no more orders of this kind before it closes",
        );
    }
}

/// Each bowl's style is delivered to this place: some styles have a smaller zone.
pub(super) fn check_styles(
    body: &CartBody,
    place: Option<GeoPoint>,
    zone: Option<&Zone>,
    lines: &[PricedLine],
    faults: &mut Faults,
) {
    let is_delivery = body
        .fulfilment
        .as_ref()
        .is_some_and(Fulfilment::is_delivery);
    let (Some(place), Some(zone), true) = (place, zone, is_delivery) else {
        return;
    };
    for line in lines {
        let style = line.line.bowl.as_ref().map(|bowl| bowl.style);
        if style.is_some_and(|style| !zone.takes(style, place)) {
            faults.add(
                "style_out_of_zone",
                &Pointer::root().at("lines").at(line.line.line).at("item"),
                "this dish does not stay good on the way to this address",
            );
        }
    }
}

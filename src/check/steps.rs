//! The steps that a stream may take, written from the tables of `docs/domain.md` (I12): from which state
//! an event may come, and to which it leads. It asks nothing of amounts or clocks.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::report::{Invariant, Report};
use super::store::Event;

/// From, events, to. An empty `to` stays where it is.
type Table = &'static [(&'static str, &'static [&'static str], &'static str)];

/// The state before the first event.
const ABSENT: &str = "";

/// What is said of an order at any state.
const ON_BEHALF: [&str; 1] = ["acted_on_behalf"];

/// What is said of an order about making bowls of it again in another one.
const AGAIN: [&str; 3] = ["remake_offered", "remake_declined", "remade"];

const ORDER: Table = &[
    (ABSENT, &["checked_out"], "awaiting_payment"),
    ("awaiting_payment", &["placed"], "placed"),
    ("awaiting_payment", &["scheduled"], "scheduled"),
    ("scheduled", &["placed"], "placed"),
    ("scheduled", &["cancelled"], "cancelled"),
    (
        "scheduled",
        &["amended", "promise_moved", "door_corrected", "stalled"],
        "",
    ),
    ("scheduled", &ON_BEHALF, ""),
    ("awaiting_payment", &["expired"], "expired"),
    ("awaiting_payment", &["cancelled"], "cancelled"),
    ("placed", &["accepted"], "accepted"),
    ("placed", &["rejected"], "rejected"),
    ("placed", &["cancelled"], "cancelled"),
    (
        "placed",
        &[
            "acknowledged",
            "short_reported",
            "short_settled",
            "amended",
            "door_corrected",
            "promise_moved",
        ],
        "",
    ),
    ("accepted", &["fired"], "cooking"),
    ("accepted", &["cancelled"], "cancelled"),
    (
        "accepted",
        &[
            "acknowledged",
            "courier_requested",
            "short_reported",
            "short_settled",
            "promise_moved",
            "amended",
            "door_corrected",
            "switched_to_pickup",
        ],
        "",
    ),
    ("accepted", &["picked_up"], "picked_up"),
    (
        "cooking",
        &[
            "bowl_boiled",
            "bowl_sealed",
            "acknowledged",
            "courier_requested",
            "door_corrected",
            "short_reported",
            "short_settled",
            "switched_to_pickup",
        ],
        "",
    ),
    ("cooking", &["refired"], ""),
    ("cooking", &AGAIN, ""),
    ("cooking", &["promise_moved"], ""),
    ("cooking", &["ready"], "ready"),
    ("cooking", &["cancelled"], "cancelled"),
    ("cooking", &["picked_up"], "picked_up"),
    (
        "ready",
        &[
            "acknowledged",
            "courier_requested",
            "door_corrected",
            "switched_to_pickup",
        ],
        "",
    ),
    ("ready", &["refired"], "cooking"),
    ("ready", &AGAIN, ""),
    ("ready", &["collected"], "delivered"),
    ("ready", &["not_collected"], "uncollected"),
    ("ready", &["cancelled"], "cancelled"),
    ("ready", &["picked_up"], "picked_up"),
    ("picked_up", &["delivered"], "delivered"),
    ("picked_up", &["undeliverable"], "undeliverable"),
    ("picked_up", &["door_corrected"], ""),
    ("picked_up", &AGAIN, ""),
    ("delivered", &AGAIN, ""),
    ("undeliverable", &AGAIN, ""),
    ("uncollected", &AGAIN, ""),
    ("completed", &AGAIN, ""),
    ("delivered", &["completed"], "completed"),
    ("undeliverable", &["completed"], "completed"),
    ("uncollected", &["completed"], "completed"),
    (
        "awaiting_payment",
        &["promise_made", "short_reported", "short_settled"],
        "",
    ),
    ("awaiting_payment", &["stalled"], ""),
    ("placed", &["stalled"], ""),
    ("accepted", &["stalled"], ""),
    ("cooking", &["stalled"], ""),
    ("ready", &["stalled"], ""),
    ("picked_up", &["stalled"], ""),
    ("delivered", &["stalled"], ""),
    ("undeliverable", &["stalled"], ""),
    ("uncollected", &["stalled"], ""),
    ("awaiting_payment", &ON_BEHALF, ""),
    ("placed", &ON_BEHALF, ""),
    ("accepted", &ON_BEHALF, ""),
    ("cooking", &ON_BEHALF, ""),
    ("ready", &ON_BEHALF, ""),
    ("picked_up", &ON_BEHALF, ""),
    ("delivered", &ON_BEHALF, ""),
    ("undeliverable", &ON_BEHALF, ""),
    ("uncollected", &ON_BEHALF, ""),
    ("completed", &ON_BEHALF, ""),
    ("expired", &ON_BEHALF, ""),
    ("cancelled", &ON_BEHALF, ""),
    ("rejected", &ON_BEHALF, ""),
];

/// Late news of money is a fact: what arrives for a payment given up goes on to voiding or refund.
const PAYMENT: Table = &[
    (ABSENT, &["requested"], "requires_payment"),
    (
        "requires_payment",
        &["intent_created", "declined", "unwind_requested"],
        "",
    ),
    ("requires_payment", &["action_required"], "requires_action"),
    ("requires_payment", &["authorized"], "authorized"),
    ("requires_payment", &["failed"], "failed"),
    ("requires_payment", &["expired_by_vendor"], "expired"),
    ("requires_payment", &["void_requested"], "voiding"),
    ("requires_action", &["declined"], "requires_payment"),
    ("requires_action", &["authorized"], "authorized"),
    ("requires_action", &["expired_by_vendor"], "expired"),
    ("requires_action", &["void_requested"], "voiding"),
    ("authorized", &["capture_requested"], "capturing"),
    ("authorized", &["captured"], "captured"),
    ("authorized", &["void_requested"], "voiding"),
    ("authorized", &["voided"], "voided"),
    ("authorized", &["expired_by_vendor"], "expired"),
    ("capturing", &["captured"], "captured"),
    ("capturing", &["capture_failed"], "capture_failed"),
    ("capturing", &["expired_by_vendor"], "expired"),
    ("capturing", &["unwind_requested"], ""),
    ("capture_failed", &["capture_requested"], "capturing"),
    ("capture_failed", &["captured"], "captured"),
    ("capture_failed", &["void_requested"], "voiding"),
    ("capture_failed", &["expired_by_vendor"], "expired"),
    (
        "captured",
        &["refund_requested", "refunded", "refund_failed"],
        "",
    ),
    ("voiding", &["voided"], "voided"),
    ("voiding", &["captured"], "captured"),
    ("voided", &["captured"], "captured"),
    ("failed", &["intent_created"], ""),
    ("failed", &["void_requested"], "voiding"),
    ("failed", &["captured"], "captured"),
];

/// Out-of-order news never moves a delivery backwards, except to unassigned.
/// What is said of a transport's door as long as somebody goes there.
const DOOR: [&str; 1] = ["dropoff_corrected"];

const DELIVERY: Table = &[
    (ABSENT, &["requested"], "requested"),
    ("requested", &["assigned"], "assigned"),
    ("requested", &["cancelled"], "cancelled"),
    ("unassigned", &["assigned"], "assigned"),
    ("unassigned", &["cancelled"], "cancelled"),
    ("assigned", &["pickup_verified"], ""),
    ("assigned", &["unassigned"], "unassigned"),
    ("assigned", &["arrived_at_pickup"], "at_pickup"),
    ("assigned", &["picked_up"], "picked_up"),
    ("assigned", &["cancelled"], "cancelled"),
    ("at_pickup", &["pickup_verified"], ""),
    ("at_pickup", &["unassigned"], "unassigned"),
    ("at_pickup", &["picked_up"], "picked_up"),
    ("at_pickup", &["cancelled"], "cancelled"),
    (
        "picked_up",
        &["arrived_at_pickup", "contact_attempted", "pin_failed"],
        "",
    ),
    ("picked_up", &["departed"], "en_route"),
    ("picked_up", &["arrived_at_dropoff"], "at_dropoff"),
    ("picked_up", &["delivered"], "delivered"),
    ("picked_up", &["failed"], "failed"),
    (
        "en_route",
        &["arrived_at_pickup", "contact_attempted", "pin_failed"],
        "",
    ),
    ("en_route", &["arrived_at_dropoff"], "at_dropoff"),
    ("en_route", &["delivered"], "delivered"),
    ("en_route", &["failed"], "failed"),
    (
        "at_dropoff",
        &[
            "arrived_at_pickup",
            "departed",
            "contact_attempted",
            "pin_failed",
        ],
        "",
    ),
    ("at_dropoff", &["delivered"], "delivered"),
    ("at_dropoff", &["failed"], "failed"),
    ("requested", &DOOR, ""),
    ("unassigned", &DOOR, ""),
    ("assigned", &DOOR, ""),
    ("at_pickup", &DOOR, ""),
    ("picked_up", &DOOR, ""),
    ("en_route", &DOOR, ""),
    ("at_dropoff", &DOOR, ""),
    (
        "delivered",
        &["arrived_at_pickup", "departed", "arrived_at_dropoff"],
        "",
    ),
    (
        "failed",
        &["arrived_at_pickup", "departed", "arrived_at_dropoff"],
        "",
    ),
];

const CART: Table = &[
    (ABSENT, &["opened"], "open"),
    (
        "open",
        &[
            "line_added",
            "line_changed",
            "line_removed",
            "fulfilment_set",
            "promotion_set",
            "tip_set",
        ],
        "",
    ),
    ("open", &["checked_out"], "checked_out"),
    ("open", &["claimed"], "claimed"),
    ("open", &["abandoned"], "abandoned"),
];

const RESTAURANT: Table = &[
    (ABSENT, &["registered"], "draft"),
    (
        "draft",
        &[
            "profile_updated",
            "hours_set",
            "zones_set",
            "terms_set",
            "capacity_set",
            "staff_added",
            "staff_removed",
            "device_added",
            "device_removed",
            "device_heard",
            "device_missed",
        ],
        "",
    ),
    ("draft", &["submitted"], "submitted"),
    ("draft", &["closed"], "closed"),
    (
        "submitted",
        &[
            "profile_updated",
            "hours_set",
            "zones_set",
            "terms_set",
            "capacity_set",
            "staff_added",
            "staff_removed",
            "device_added",
            "device_removed",
            "device_heard",
            "device_missed",
        ],
        "",
    ),
    ("submitted", &["approved"], "live"),
    ("submitted", &["closed"], "closed"),
    (
        "live",
        &[
            "profile_updated",
            "hours_set",
            "zones_set",
            "terms_set",
            "capacity_set",
            "staff_added",
            "staff_removed",
            "device_added",
            "device_removed",
            "device_heard",
            "device_missed",
            "paused",
            "resumed",
        ],
        "",
    ),
    ("live", &["suspended"], "suspended"),
    ("live", &["closed"], "closed"),
    (
        "suspended",
        &[
            "profile_updated",
            "hours_set",
            "zones_set",
            "terms_set",
            "capacity_set",
            "staff_added",
            "staff_removed",
            "device_added",
            "device_removed",
            "device_heard",
            "device_missed",
        ],
        "",
    ),
    ("suspended", &["approved"], "live"),
    ("suspended", &["closed"], "closed"),
];

const MENU: Table = &[
    (ABSENT, &["published"], "published"),
    (
        "published",
        &[
            "published",
            "price_set",
            "availability_set",
            "option_price_set",
            "option_availability_set",
        ],
        "",
    ),
];

const DRIVER: Table = &[
    (ABSENT, &["registered"], "registered"),
    ("registered", &["approved"], "approved"),
    ("registered", &["suspended"], "suspended"),
    ("approved", &["suspended"], "suspended"),
    ("suspended", &["approved"], "approved"),
];

const PROMOTION: Table = &[
    (ABSENT, &["created"], "active"),
    (
        "active",
        &["limits_set", "redeemed", "redemption_released"],
        "",
    ),
    ("active", &["ended"], "ended"),
    ("ended", &["redemption_released"], ""),
];

const PROMOTION_BOOK: Table = &[
    (ABSENT, &["listed"], "kept"),
    ("kept", &["listed", "delisted"], ""),
];

/// A hold of stock, which is no stream of its own: its steps are told by its shop's inventory.
const HOLD: Table = &[
    (ABSENT, &["hold_opened"], "open"),
    ("open", &["hold_changed"], ""),
    ("open", &["hold_committed"], "committed"),
    ("open", &["hold_released"], "released"),
    ("committed", &["hold_changed", "hold_filled"], ""),
    ("committed", &["hold_consumed"], "consumed"),
    ("committed", &["hold_released"], "released"),
];

/// Events of an inventory that are not about a hold: possible at any time.
const STOCK: &[&str] = &[
    "received",
    "wasted",
    "recounted",
    "eighty_sixed",
    "eighty_six_lifted",
    "cooked_again",
];

/// Who may cancel an order, by its state.
const CANCELLERS: &[(&str, &[&str])] = &[
    ("awaiting_payment", &["customer", "system"]),
    ("scheduled", &["customer", "restaurant", "ops", "system"]),
    ("placed", &["customer", "ops", "system"]),
    ("accepted", &["customer", "restaurant", "ops", "system"]),
    ("cooking", &["restaurant", "ops"]),
    ("ready", &["restaurant", "ops"]),
];

/// Where `event` leads from `state`, if it may.
fn next(table: Table, state: &str, event: &str) -> Option<&'static str> {
    let row = table
        .iter()
        .find(|(from, events, _)| *from == state && events.contains(&event));
    row.map(|(from, _, to)| if to.is_empty() { *from } else { *to })
}

fn table_of(kind: &str) -> Option<Table> {
    Some(match kind {
        "ordering.order" => ORDER,
        "payment.payment" => PAYMENT,
        "delivery.delivery" => DELIVERY,
        "ordering.cart" => CART,
        "restaurant.restaurant" => RESTAURANT,
        "restaurant.menu" => MENU,
        "driver.driver" => DRIVER,
        "restaurant.promotion" => PROMOTION,
        "restaurant.promotion_book" => PROMOTION_BOOK,
        _ => return None,
    })
}

/// When the shop of an order for later is asked.
fn release_at(schedule: &Value) -> Option<DateTime<Utc>> {
    schedule["release_at"].as_str()?.parse().ok()
}

/// One stream walking through its table.
#[derive(Debug, Default)]
pub(super) struct Walk {
    state: &'static str,
    is_delivery: bool,
    /// Whether the customer fetches what a courier was to bring.
    is_fetched: bool,
    /// What ran out, and whether that is settled.
    shorts: BTreeMap<String, bool>,
    bowls: BTreeMap<(i64, i64), BTreeSet<&'static str>>,
    /// Whether it makes bowls of another order again.
    is_remake: bool,
    /// The bowls that are made again in another order.
    remade: BTreeSet<String>,
    /// When its shop is asked, of an order for later.
    release_at: Option<DateTime<Utc>>,
}

impl Walk {
    /// Where the stream is.
    pub(super) fn state(&self) -> &'static str {
        self.state
    }

    /// Takes one step. A step outside the table is reported and not taken.
    pub(super) fn see(&mut self, event: &Event, report: &mut Report) {
        report.checked(Invariant::I12);
        if event.kind == "restaurant.inventory" {
            let about_hold = event.name.starts_with("hold_");
            if !about_hold && !STOCK.contains(&event.name.as_str()) {
                report.violated(
                    Invariant::I12,
                    format!("{} is no event of a stock", event.label()),
                );
            }
            return;
        }
        let Some(table) = table_of(&event.kind) else {
            report.violated(
                Invariant::I12,
                format!("{} is of no known kind", event.label()),
            );
            return;
        };
        let Some(to) = next(table, self.state, &event.name) else {
            let from = if self.state.is_empty() {
                "nothing"
            } else {
                self.state
            };
            report.violated(
                Invariant::I12,
                format!("{} cannot follow {from}", event.label()),
            );
            return;
        };
        if event.kind == "ordering.order"
            && let Some(why) = self.order_refuses(event)
        {
            report.violated(Invariant::I12, format!("{}: {why}", event.label()));
        }
        self.state = to;
    }

    /// What the table's words about an order say beyond its states.
    fn order_refuses(&mut self, event: &Event) -> Option<String> {
        match event.name.as_str() {
            "checked_out" => {
                self.is_delivery = event
                    .body
                    .pointer("/fulfilment/type")
                    .and_then(Value::as_str)
                    == Some("delivery");
                self.bowls = bowls_of(&event.body);
                self.is_remake = event.body["remake_of"].is_object();
                self.release_at = release_at(&event.body["schedule"]);
                None
            }
            "scheduled" => (release_at(&event.body) != self.release_at)
                .then(|| "it was not agreed for then".to_owned()),
            "placed" => {
                let at: Option<DateTime<Utc>> = event.text("at").and_then(|at| at.parse().ok());
                (at < self.release_at).then(|| "it is for later".to_owned())
            }
            "cancelled" => {
                let by = event
                    .body
                    .pointer("/by/type")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                // What ran out ends an order of which nothing is left, whoever says so.
                let sold_out = event.text("reason") == Some("sold_out") && !self.shorts.is_empty();
                let may = sold_out
                    || CANCELLERS
                        .iter()
                        .any(|(state, roles)| *state == self.state && roles.contains(&by));
                (!may).then(|| format!("{by} may not cancel an order that is {}", self.state))
            }
            "bowl_boiled" => self.bowl(event, "boiled"),
            "bowl_sealed" => self.bowl(event, "sealed"),
            "ready" => {
                let open = self
                    .bowls
                    .iter()
                    .find(|(_, clocks)| !clocks.contains("sealed"));
                open.map(|((line, bowl), _)| format!("bowl {bowl} of line {line} is not sealed"))
            }
            "amended" => {
                self.rebill(event);
                let moved = release_at(&event.body["schedule"]);
                self.release_at = moved.or(self.release_at);
                None
            }
            "refired" => {
                for bowl in event.body["bowls"].as_array().into_iter().flatten() {
                    let place = (bowl["line"].as_i64()?, bowl["bowl"].as_i64()?);
                    self.bowls.get_mut(&place).map(BTreeSet::clear);
                }
                None
            }
            "remade" => self.made_again(event),
            "short_reported" => {
                let short = event.text("short").unwrap_or_default().to_owned();
                let again = self.shorts.insert(short, false).is_some();
                again.then(|| "this was short already".to_owned())
            }
            "short_settled" => {
                self.rebill(event);
                let short = event.text("short").unwrap_or_default();
                match self.shorts.get_mut(short) {
                    None => Some("this was never short".to_owned()),
                    Some(settled) => {
                        let again = std::mem::replace(settled, true);
                        again.then(|| "this was settled already".to_owned())
                    }
                }
            }
            "switched_to_pickup" => {
                self.rebill(event);
                let again = std::mem::replace(&mut self.is_fetched, true);
                let refused = again || !self.is_delivery;
                refused.then(|| "the customer collects this order".to_owned())
            }
            "door_corrected" => (!self.is_delivery || self.is_fetched)
                .then(|| "nobody brings this order to a door".to_owned()),
            "collected" | "not_collected" => (self.is_delivery && !self.is_fetched)
                .then(|| "a courier brings this order".to_owned()),
            "picked_up" | "delivered" | "undeliverable" => {
                (!self.is_delivery).then(|| "the customer collects this order".to_owned())
            }
            _ => None,
        }
    }

    /// Takes the bowls of a new bill: of a line that shrank, those that are furthest.
    fn rebill(&mut self, event: &Event) {
        let mut now = BTreeMap::new();
        for ((line, bowl), _) in bowls_of(&event.body["bill"]) {
            let mut known: Vec<_> = self
                .bowls
                .iter()
                .filter(|((of, _), _)| *of == line)
                .map(|((_, number), clocks)| (*number, clocks.clone()))
                .filter(|(number, _)| !now.contains_key(&(line, *number)))
                .collect();
            known.sort_by_key(|(number, clocks)| (std::cmp::Reverse(clocks.len()), *number));
            match known.into_iter().next() {
                Some((number, clocks)) => now.insert((line, number), clocks),
                None => now.insert((line, bowl), BTreeSet::new()),
            };
        }
        self.bowls = now;
    }

    /// Each bowl is made again once, and none of what was made again.
    fn made_again(&mut self, event: &Event) -> Option<String> {
        let bowls = event.body["bowls"].as_array().into_iter().flatten();
        let again = bowls.filter(|bowl| !self.remade.insert(bowl.to_string()));
        let again = again.count();
        if self.is_remake || again > 0 {
            return Some("this was made again before".to_owned());
        }
        None
    }

    fn bowl(&mut self, event: &Event, clock: &'static str) -> Option<String> {
        let (line, bowl) = (event.number("line")?, event.number("bowl")?);
        match self.bowls.get_mut(&(line, bowl)) {
            None => Some(format!("the order has no bowl {bowl} in line {line}")),
            Some(clocks) => {
                let again = !clocks.insert(clock);
                again.then(|| format!("bowl {bowl} of line {line} was {clock} already"))
            }
        }
    }
}

fn bowls_of(order: &Value) -> BTreeMap<(i64, i64), BTreeSet<&'static str>> {
    let lines = order.get("lines").and_then(Value::as_array);
    let with_bowls = lines
        .into_iter()
        .flatten()
        .filter(|line| line["bowl"].is_object());
    with_bowls
        .flat_map(|line| {
            let number = line["line"].as_i64().unwrap_or_default();
            let quantity = line["quantity"].as_i64().unwrap_or_default();
            (1..=quantity).map(move |bowl| ((number, bowl), BTreeSet::new()))
        })
        .collect()
}

/// Where a hold is led from `state` by `event`.
pub(super) fn hold_next(state: &str, event: &str) -> Option<&'static str> {
    next(HOLD, state, event)
}

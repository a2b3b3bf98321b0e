//! Tests only: what the demo offers can be sold, as the domain itself sees it.

use chrono::{DateTime, Utc};
use domain::decider::{Context, Decider};
use domain::joint::{Market, price_cart::price_cart};
use domain::kernel::flags::Flags;
use domain::ordering::cart::Cart;
use domain::restaurant::inventory::Inventory;
use domain::restaurant::menu::Menu;
use domain::restaurant::restaurant::Restaurant;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::choose;
use super::market::{self, COLOMBIA, KOREA, TAIWAN, UNITED_STATES};
use super::menus::{House, houses};
use crate::client::Line;

const SHOP: &str = "018f6d2e-0000-7000-8000-000000000001";
const GUEST: &str = "018f6d2e-0000-7000-8000-000000000002";

fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_600_400, 0).expect("an instant")
}

/// Folds commands, given as JSON, into a state.
fn done<D: Decider>(commands: impl IntoIterator<Item = Value>) -> D {
    let mut state = D::default();
    for command in commands {
        let read: D::Command = serde_json::from_value(command.clone())
            .unwrap_or_else(|fault| panic!("{fault}: {command}"));
        let context = Context::new(noon(), [7; 10]);
        let events = state.decide(read, &context);
        for event in events.unwrap_or_else(|refused| panic!("{refused}: {command}")) {
            state.evolve(&event);
        }
    }
    state
}

fn shop(market: &market::Market) -> Restaurant {
    let every_day = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
        .map(|day| json!({ "weekday": day, "opens": "00:00", "closes": "00:00" }));
    let mut zones = market.one_zone(25.0, 121.5, 3_000.0, 15);
    zones["type"] = json!("set_zones");
    done([
        json!({
            "type": "register", "id": SHOP, "name": "Shop", "time_zone": market.time_zone,
            "currency": market.currency, "country": market.country, "city": market.city,
            "address_text": "Street 1", "location": { "lat": 25.0, "lon": 121.5 },
            "styles": ["shoyu"], "auto_fire": false,
        }),
        json!({ "type": "set_hours", "hours": { "days": every_day, "exceptions": [] } }),
        zones,
        json!({ "type": "set_terms", "terms": market.terms("Shop") }),
        json!({ "type": "submit" }),
        json!({ "type": "approve", "menu_published": true }),
    ])
}

fn stock(house: &House) -> Inventory {
    let counts = house.counts(1);
    let counts = counts["counts"].as_array().expect("counts").clone();
    done(counts.into_iter().map(|mut count| {
        count["type"] = json!("recount");
        count
    }))
}

fn cart(lines: &[Line]) -> Cart {
    let flags = Flags::default();
    let opened = json!({
        "type": "open", "customer": GUEST, "restaurant": SHOP, "channel": "app", "life": flags.cart_life,
    });
    let lines = lines.iter().map(|line| {
        let choice = json!({
            "item": line.item, "quantity": line.quantity, "options": line.options,
            "shortage": "refund",
        });
        json!({ "type": "add_line", "choice": choice, "lines_max": flags.lines_max })
    });
    let pickup = json!({ "type": "set_fulfilment", "fulfilment": { "type": "pickup" } });
    done([opened].into_iter().chain(lines).chain([pickup]))
}

proptest! {
    #[test]
    fn whatever_a_guest_chooses_can_be_sold(
        house in 0_usize..10,
        place in 0_usize..4,
        picks in prop::collection::vec(any::<usize>(), 40),
    ) {
        let (house, market) = (&houses()[house], [&TAIWAN, &KOREA, &COLOMBIA, &UNITED_STATES][place]);
        let mut next = picks.into_iter().cycle();
        let mut pick = |below: usize| next.next().unwrap_or(0) % below;
        let document = house.document(market);
        let lines: Vec<Line> = ["ramen", "sides", "drinks"]
            .iter()
            .filter_map(|section| choose::line(&document, section, 2, &mut pick))
            .collect();
        let menu: Menu = done([json!({ "type": "publish", "document": document })]);
        let (shop, stock, flags) = (shop(market), stock(house), Flags::default());
        let market = Market { shop: &shop, menu: &menu, stock: &stock, offers: &[], flags: &flags, now: noon() };
        let quote = price_cart(&cart(&lines), None, &market);
        prop_assert!(quote.is_ok(), "{:?}", quote.err());
    }
}

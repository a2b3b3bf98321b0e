//! Two shops that are open, with a menu and few bowls, and a promotion with limits.

use chrono::{DateTime, Utc};
use domain::aggregates::{Inventory, Kind, Menu, Promotion};
use domain::decider::{Context, Decider, Event};
use domain::kernel::ids::{PromotionId, RestaurantId};
use domain::kernel::key::Key;
use domain::restaurant::menu::MenuCommand;
use domain::restaurant::promotion::PromotionCommand;
use domain::restaurant::restaurant::RestaurantEvent;
use domain::testing::test_now;
use infra::event_store::{Append, NewEvent, StreamAppend, StreamId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::World;

/// Grams of noodles in a bowl.
pub(crate) const BOWL: i64 = 130;
/// Bowls of one order at most.
pub(crate) const BOWLS_MAX: u32 = 2;
/// Orders that may use the promotion in all.
pub(crate) const PROMOTION_TOTAL: usize = 2;

pub(crate) const SHOPS: [RestaurantId; 2] = [
    RestaurantId::new(Uuid::from_u128(0xA)),
    RestaurantId::new(Uuid::from_u128(0xB)),
];
pub(crate) const PROMOTION: PromotionId = PromotionId::new(Uuid::from_u128(0xC));

pub(crate) fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("it is written as the domain reads it")
}

pub(crate) fn key(text: &str) -> Key {
    Key::parse(text).expect("a key")
}

/// Opens the shops, each with so many bowls of noodles.
pub(crate) fn open(world: &World, bowls: i64) {
    let context = Context::new(test_now(), *b"ramen-dst!");
    for shop in SHOPS {
        let events: Vec<RestaurantEvent> = RestaurantEvent::samples()
            .into_iter()
            .filter(is_opening)
            .collect();
        put(world, Kind::Restaurant, shop.uuid(), &events, test_now());
        let publish = MenuCommand::Publish {
            document: std::sync::Arc::new(read(document())),
        };
        let menu = Menu::default().decide(publish, &context).expect("a menu");
        put(world, Kind::Menu, shop.uuid(), &menu, test_now());
        let receive = json!({"type": "receive", "ingredient": "noodles", "amount": bowls * BOWL});
        let stock = Inventory::default()
            .decide(read(receive), &context)
            .expect("noodles come in");
        put(world, Kind::Inventory, shop.uuid(), &stock, test_now());
    }
    let terms = json!({
        "issuer": {"type": "platform"}, "name": {"en": "Ramen week"}, "code": "ramen10",
        "target": {"type": "order"}, "platform_bp": 10_000,
        "reduction": {"type": "percentage", "rate_bp": 1000},
        "limits": {"total": PROMOTION_TOTAL, "per_customer": 1},
    });
    let create = PromotionCommand::Create {
        terms: Box::new(read(terms)),
    };
    let created = Promotion::default()
        .decide(create, &context)
        .expect("a promotion");
    put(
        world,
        Kind::Promotion,
        PROMOTION.uuid(),
        &created,
        test_now(),
    );
}

fn put<E: Event + serde::Serialize>(
    world: &World,
    kind: Kind,
    id: Uuid,
    events: &[E],
    recorded_at: DateTime<Utc>,
) {
    let events = events.iter().map(|event| NewEvent {
        event_id: world.clock.fresh_id(),
        event_type: event.name().to_owned(),
        event_version: event.version().to_owned(),
        payload: serde_json::to_string(event).expect("events are JSON"),
        metadata: "{}".to_owned(),
    });
    let stream = StreamAppend {
        stream: StreamId { kind, id },
        expected_version: 0,
        events: events.collect(),
    };
    let append = Append {
        streams: vec![stream],
        record: None,
        recorded_at,
    };
    let stored = world.memory().append(&append);
    stored.expect("nothing is there before the shop");
    world.written();
}

/// The samples tell the story of a shop that goes live and is later closed.
fn is_opening(event: &RestaurantEvent) -> bool {
    let opening = [
        "registered",
        "zones_set",
        "terms_set",
        "hours_set",
        "submitted",
        "approved",
    ];
    opening.contains(&event.name())
}

fn document() -> Value {
    json!({
        "currency": "JPY", "default_language": "en",
        "ingredients": [{"key": "noodles", "name": {"en": "Noodles"}, "unit": "g",
                         "allergens": {"gluten": "contains"}}],
        "option_groups": [],
        "sections": [{"key": "all", "name": {"en": "All"}, "items": [
            {"key": "shoyu", "name": {"en": "Shoyu"}, "price_minor": 900, "tax_class": "food",
             "recipe": [{"ingredient": "noodles", "amount": BOWL}],
             "ramen": {"style": "shoyu", "noodle_tenths_mm": 16, "cook_seconds": 60,
                       "pack_seconds": 30, "packaging": "combined",
                       "broth": {"base": "chicken", "richness": 2}},
             "groups": []}]}],
    })
}

//! A shop that is open now, with a menu and stock, for tests of decisions over several aggregates.

use std::sync::Arc;

use chrono::TimeDelta;
use domain::decider::{Decider, Event, replay};
use domain::joint::{Market, Offer};
use domain::kernel::actor::Channel;
use domain::kernel::flags::Flags;
use domain::kernel::geo::GeoPoint;
use domain::kernel::ids::{CustomerId, PromotionId, RestaurantId};
use domain::kernel::key::Key;
use domain::kernel::money::Currency;
use domain::kernel::quantity::Quantity;
use domain::ordering::cart::{Cart, CartCommand, CartEvent};
use domain::ordering::fulfilment::Fulfilment;
use domain::ordering::line::{LineChoice, OptionChoice, Shortage};
use domain::ordering::window::Window;
use domain::restaurant::inventory::{Inventory, InventoryCommand};
use domain::restaurant::menu::{Menu, MenuCommand, MenuDocument};
use domain::restaurant::promotion::{Promotion, PromotionCommand, PromotionTerms};
use domain::restaurant::restaurant::{Restaurant, RestaurantEvent, Tax, TaxMode, Terms, Zone};
use domain::testing::{context, test_now};
use serde_json::{Value, json};
use uuid::Uuid;

/// Everything that a cart is measured against.
pub(crate) struct World {
    pub(crate) shop: Restaurant,
    pub(crate) menu: Menu,
    pub(crate) stock: Inventory,
    pub(crate) flags: Flags,
    pub(crate) promotions: Vec<(PromotionId, Promotion)>,
}

/// How the shop of a test differs from the usual one.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) currency: &'static str,
    pub(crate) mode: TaxMode,
    pub(crate) food_bp: u32,
    pub(crate) fee_bp: u32,
    pub(crate) delivery_fee: i64,
    pub(crate) minimum: i64,
    pub(crate) packaging_fee: i64,
    pub(crate) service_fee_bp: u32,
    pub(crate) small_order: Option<(i64, i64)>,
    pub(crate) tonkotsu: i64,
    pub(crate) egg: i64,
    pub(crate) beer: i64,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            currency: "JPY",
            mode: TaxMode::Inclusive,
            food_bp: 800,
            fee_bp: 1000,
            delivery_fee: 350,
            minimum: 1000,
            packaging_fee: 50,
            service_fee_bp: 0,
            small_order: Some((1500, 200)),
            tonkotsu: 980,
            egg: 150,
            beer: 600,
        }
    }
}

pub(crate) fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

pub(crate) fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}

pub(crate) fn quantity(number: u32) -> Quantity {
    Quantity::try_from(number).unwrap()
}

/// A door within the shop's zone.
pub(crate) fn near() -> GeoPoint {
    GeoPoint::parse(35.66, 139.7).unwrap()
}

/// A door outside of it.
pub(crate) fn far() -> GeoPoint {
    GeoPoint::parse(36.5, 139.7).unwrap()
}

impl World {
    pub(crate) fn new(setup: &Setup) -> Self {
        Self::selling(setup, document(setup))
    }

    /// The same shop with another menu.
    pub(crate) fn selling(setup: &Setup, document: MenuDocument) -> Self {
        let mut world = Self {
            shop: replay(&shop_events(setup)),
            menu: Menu::default(),
            stock: Inventory::default(),
            flags: Flags::default(),
            promotions: Vec::new(),
        };
        world.publish(MenuCommand::Publish {
            document: Arc::new(document),
        });
        world
    }

    fn publish(&mut self, command: MenuCommand) {
        for event in self.menu.decide(command, &context()).unwrap() {
            self.menu.evolve(&event);
        }
    }

    pub(crate) fn stock(&mut self, command: InventoryCommand) {
        for event in self.stock.decide(command, &context()).unwrap() {
            self.stock.evolve(&event);
        }
    }

    pub(crate) fn receive(&mut self, ingredient: &str, amount: i64) {
        let command = json!({"type": "receive", "ingredient": ingredient, "amount": amount});
        self.stock(read(command));
    }

    /// Gives a promotion out; its id.
    pub(crate) fn promote(&mut self, id: u128, terms: PromotionTerms) -> PromotionId {
        let id = PromotionId::new(Uuid::from_u128(id));
        let terms = Box::new(terms);
        let created = Promotion::default()
            .decide(PromotionCommand::Create { terms }, &context())
            .unwrap();
        self.promotions.push((id, replay(&created)));
        id
    }

    pub(crate) fn offers(&self) -> Vec<Offer<'_>> {
        self.promotions
            .iter()
            .map(|(id, promotion)| Offer { id: *id, promotion })
            .collect()
    }

    /// What a cart is measured against, with these offers.
    pub(crate) fn market_with<'a>(&'a self, offers: &'a [Offer<'a>]) -> Market<'a> {
        Market {
            offers,
            ..self.market()
        }
    }

    pub(crate) fn market(&self) -> Market<'_> {
        Market {
            offers: &[],
            shop: &self.shop,
            menu: &self.menu,
            stock: &self.stock,
            flags: &self.flags,
            now: test_now(),
        }
    }
}

/// The samples tell the story of a shop that goes live and is later closed: taken up to its approval,
/// with these terms.
fn shop_events(setup: &Setup) -> Vec<RestaurantEvent> {
    RestaurantEvent::samples()
        .into_iter()
        .filter_map(|event| match event {
            RestaurantEvent::Registered(mut registration) => {
                registration.currency = Currency::parse(setup.currency).unwrap();
                Some(RestaurantEvent::Registered(registration))
            }
            RestaurantEvent::ZonesSet { zones } => {
                let adapt = |zone: Zone| Zone {
                    fee_minor: setup.delivery_fee.try_into().unwrap(),
                    minimum_minor: setup.minimum.try_into().unwrap(),
                    ..zone
                };
                Some(RestaurantEvent::ZonesSet {
                    zones: zones.into_iter().map(adapt).collect(),
                })
            }
            RestaurantEvent::TermsSet { terms } => Some(RestaurantEvent::TermsSet {
                terms: adapted(terms, setup),
            }),
            RestaurantEvent::HoursSet { .. }
            | RestaurantEvent::Submitted
            | RestaurantEvent::Approved => Some(event),
            RestaurantEvent::ProfileUpdated { .. }
            | RestaurantEvent::CapacitySet { .. }
            | RestaurantEvent::Suspended { .. }
            | RestaurantEvent::Closed { .. }
            | RestaurantEvent::Paused { .. }
            | RestaurantEvent::StaffAdded { .. }
            | RestaurantEvent::StaffRemoved { .. }
            | RestaurantEvent::DeviceAdded { .. }
            | RestaurantEvent::DeviceRemoved { .. }
            | RestaurantEvent::DeviceHeard { .. }
            | RestaurantEvent::DeviceMissed { .. }
            | RestaurantEvent::Resumed => None,
        })
        .collect()
}

fn adapted(terms: Terms, setup: &Setup) -> Terms {
    let small = |(below, fee)| read(json!({"below_minor": below, "fee_minor": fee}));
    Terms {
        tax: Tax {
            mode: setup.mode,
            food_bp: setup.food_bp.try_into().unwrap(),
            fee_bp: setup.fee_bp.try_into().unwrap(),
            rates: vec![],
        },
        small_order: setup.small_order.map(small),
        packaging_fee_minor: setup.packaging_fee.try_into().unwrap(),
        service_fee_bp: setup.service_fee_bp.try_into().unwrap(),
        ..terms
    }
}

fn document(setup: &Setup) -> MenuDocument {
    let ingredient = |key: &str, unit: &str, allergens: Value| json!({"key": key, "name": {"en": key}, "unit": unit, "allergens": allergens});
    let all_free = |contains: &str| {
        let mut declared = serde_json::Map::new();
        for allergen in [
            "gluten",
            "crustacean",
            "egg",
            "fish",
            "peanut",
            "soy",
            "milk",
            "nuts",
            "celery",
            "mustard",
            "sesame",
            "sulphite",
            "lupin",
            "mollusc",
            "buckwheat",
        ] {
            let presence = if allergen == contains {
                "contains"
            } else {
                "free"
            };
            declared.insert(allergen.to_owned(), json!(presence));
        }
        Value::Object(declared)
    };
    read(json!({
        "currency": setup.currency, "default_language": "en",
        "ingredients": [
            ingredient("noodles", "g", all_free("gluten")),
            ingredient("broth", "ml", all_free("soy")),
            ingredient("egg", "piece", all_free("egg")),
            ingredient("beer", "piece", json!({"gluten": "contains"})),
        ],
        "option_groups": [
            {"key": "toppings", "name": {"en": "Toppings"}, "options": [
                {"key": "egg", "name": {"en": "Egg"}, "price_minor": setup.egg,
                 "recipe": [{"ingredient": "egg", "amount": 1}]}]},
            {"key": "firmness", "name": {"en": "Firmness"}, "options": [
                {"key": "kata", "name": {"en": "Firm"}, "price_minor": 0, "recipe": [],
                 "firmness": "kata", "cook_seconds": 35},
                {"key": "futsu", "name": {"en": "Regular"}, "price_minor": 0, "recipe": [],
                 "firmness": "futsu", "cook_seconds": 45}]},
        ],
        "sections": [{"key": "all", "name": {"en": "All"}, "items": [
            {"key": "tonkotsu", "name": {"en": "Tonkotsu"}, "price_minor": setup.tonkotsu,
             "tax_class": "food",
             "recipe": [{"ingredient": "noodles", "amount": 130}, {"ingredient": "broth", "amount": 350}],
             "ramen": {"style": "hakata_tonkotsu", "broth": {"base": "tonkotsu", "richness": 4},
                       "noodle_tenths_mm": 12, "cook_seconds": 45, "pack_seconds": 60,
                       "packaging": "split_hot"},
             "groups": [{"group": "firmness", "min": 1, "max": 1, "max_per_option": 1},
                        {"group": "toppings", "min": 0, "max": 2, "max_per_option": 2}]},
            {"key": "shoyu-combined", "name": {"en": "Shoyu, to eat at once"}, "price_minor": 900,
             "tax_class": "food", "recipe": [{"ingredient": "noodles", "amount": 130}],
             "ramen": {"style": "shoyu", "noodle_tenths_mm": 16, "cook_seconds": 60,
                       "pack_seconds": 30, "packaging": "combined",
                       "broth": {"base": "chicken", "richness": 2}},
             "groups": []},
            {"key": "beer", "name": {"en": "Beer"}, "price_minor": setup.beer, "tax_class": "alcohol",
             "recipe": [{"ingredient": "beer", "amount": 1}], "groups": []},
        ]}],
    }))
}

pub(crate) fn option(group: &str, option: &str, number: u32) -> OptionChoice {
    OptionChoice {
        group: key(group),
        option: key(option),
        quantity: quantity(number),
        options: Vec::new(),
    }
}

pub(crate) fn line(item: &str, number: u32, options: Vec<OptionChoice>) -> CartCommand {
    let shortage = Shortage::Refund;
    let choice = LineChoice {
        item: key(item),
        quantity: quantity(number),
        options,
        note: None,
        shortage,
        substitute: None,
    };
    CartCommand::AddLine {
        choice,
        lines_max: Flags::default().lines_max,
    }
}

/// A bowl as most people order it.
pub(crate) fn bowl(number: u32) -> CartCommand {
    line("tonkotsu", number, vec![option("firmness", "kata", 1)])
}

pub(crate) fn pickup() -> CartCommand {
    CartCommand::SetFulfilment {
        fulfilment: Fulfilment::Pickup,
        window: None,
    }
}

pub(crate) fn delivery() -> CartCommand {
    let fulfilment = CartEvent::samples().into_iter().find_map(|event| {
        let CartEvent::FulfilmentSet { fulfilment, .. } = event else {
            return None;
        };
        fulfilment.is_delivery().then_some(fulfilment)
    });
    CartCommand::SetFulfilment {
        fulfilment: fulfilment.unwrap(),
        window: None,
    }
}

/// The same, for later: from so many minutes from now on, for so many.
pub(crate) fn later(how: CartCommand, from: i64, length: i64) -> CartCommand {
    let at = |minutes| test_now() + TimeDelta::minutes(minutes);
    let CartCommand::SetFulfilment { fulfilment, .. } = how else {
        panic!("{how:?} says nothing of when");
    };
    let window = Some(Window::new(at(from), at(from + length)).unwrap());
    CartCommand::SetFulfilment { fulfilment, window }
}

pub(crate) fn cart(commands: impl IntoIterator<Item = CartCommand>) -> Cart {
    let open = CartCommand::Open {
        customer: CustomerId::new(Uuid::from_u128(1)),
        restaurant: RestaurantId::new(Uuid::from_u128(2)),
        channel: Channel::App,
        life: Flags::default().cart_life,
    };
    let mut cart = Cart::default();
    for command in std::iter::once(open).chain(commands) {
        for event in cart.decide(command, &context()).unwrap() {
            cart.evolve(&event);
        }
    }
    cart
}

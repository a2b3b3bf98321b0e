//! Terms, capacities, promotions, and amounts of stock with anything in them: read whole or refused with all faults,
//! each with its place, and whatever was read is decided without a panic and never beyond what can be counted.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod hostile;

use std::fmt::Debug;

use domain::decider::{Decider, Event, Rejection, replay};
use domain::kernel::collect::{Collect, collect};
use domain::kernel::ids::{CustomerId, DeviceId, OrderId, RestaurantId, StaffId};
use domain::kernel::key::Key;
use domain::kernel::kitchen::KitchenCapacity;
use domain::kernel::money::{Currency, Money};
use domain::kernel::quantity::IngredientAmount;
use domain::kernel::text::Name;
use domain::restaurant::inventory::{Inventory, InventoryCommand};
use domain::restaurant::promotion::{Promotion, PromotionCommand, PromotionTerms};
use domain::restaurant::restaurant::{
    Restaurant, RestaurantCommand, RestaurantEvent, StaffRole, Terms,
};
use domain::testing::context;
use hostile::{any_json, leads_into, places};
use proptest::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

/// What is done to a good document.
#[derive(Clone, Debug)]
enum Harm {
    /// Something else stands in a place.
    Put(Value),
    /// A member more than there is.
    Member(String),
    /// Nothing stands in a place.
    Drop,
    /// An element twice.
    Twice,
}

fn harms() -> impl Strategy<Value = Vec<(prop::sample::Index, Harm)>> {
    let name = prop_oneof![
        Just("Seller"),
        Just("ｓeller"),
        Just("tax\u{301}"),
        Just("__proto__"),
        Just("")
    ];
    let harm = prop_oneof![
        4 => any_json().prop_map(Harm::Put),
        1 => name.prop_map(|name| Harm::Member(name.to_owned())),
        1 => Just(Harm::Drop),
        1 => Just(Harm::Twice),
    ];
    prop::collection::vec((any::<prop::sample::Index>(), harm), 1..4)
}

fn harmed(document: &Value, harms: &[(prop::sample::Index, Harm)]) -> Value {
    let mut document = document.clone();
    for (place, harm) in harms {
        let mut all = Vec::new();
        places(&document, String::new(), &mut all);
        let pointer = all[place.index(all.len())].clone();
        let (holder, last) = pointer.rsplit_once('/').unwrap_or(("", ""));
        match harm {
            Harm::Put(value) => *document.pointer_mut(&pointer).unwrap() = value.clone(),
            Harm::Member(name) => {
                if let Some(Value::Object(members)) = document.pointer_mut(&pointer) {
                    members.insert(name.clone(), json!(1));
                }
            }
            Harm::Drop => {
                if let Some(Value::Object(members)) = document.pointer_mut(holder) {
                    members.remove(&last.replace("~1", "/").replace("~0", "~"));
                }
            }
            Harm::Twice => {
                if let Some(Value::Array(elements)) = document.pointer_mut(holder) {
                    elements.extend(elements.first().cloned());
                }
            }
        }
    }
    document
}

/// What was read; otherwise every fault leads into the document, and there is one.
fn read<T: Collect>(document: &Value) -> Result<Option<T>, TestCaseError> {
    match collect::<T>(document) {
        Ok(value) => Ok(Some(value)),
        Err(faults) => {
            prop_assert!(!faults.is_empty());
            for fault in faults.0 {
                prop_assert!(
                    leads_into(document, &fault.pointer),
                    "{fault:?} in {document}"
                );
            }
            Ok(None)
        }
    }
}

/// Reading what was written gives the same.
fn survives<T: Serialize + Collect + PartialEq + Debug>(value: &T) -> Result<(), TestCaseError> {
    let again = collect::<T>(&serde_json::to_value(value).unwrap());
    prop_assert_eq!(again.as_ref().ok(), Some(value));
    Ok(())
}

/// Decides; what is refused with faults says where in the document they are, and changes nothing.
fn decided<D: Decider>(
    state: &D,
    command: D::Command,
    document: &Value,
) -> Result<Vec<D::Event>, TestCaseError> {
    match state.decide(command, &context()) {
        Ok(events) => Ok(events),
        Err(refused) => {
            for fault in refused.faults() {
                prop_assert!(
                    leads_into(document, &fault.pointer),
                    "{fault:?} in {document}"
                );
            }
            Ok(Vec::new())
        }
    }
}

fn live() -> Restaurant {
    let opening = |event: &RestaurantEvent| {
        !matches!(
            event,
            RestaurantEvent::Suspended { .. }
                | RestaurantEvent::Closed { .. }
                | RestaurantEvent::Paused { .. }
        )
    };
    let events: Vec<_> = RestaurantEvent::samples()
        .into_iter()
        .filter(opening)
        .collect();
    replay(&events)
}

fn terms() -> Value {
    json!({
        "seller": "Menya Umi K.K.", "tax_id": "T123", "packaging_fee_minor": 50, "commission_bp": 1500,
        "service_fee_bp": 300, "small_order": {"below_minor": 1500, "fee_minor": 200},
        "commission_plans": [{"from": "2026-06-01", "rate_bp": 1400, "base": "sales", "fixed_minor": 20}],
        "tax": {"mode": "inclusive", "food_bp": 800, "fee_bp": 1000, "rates": [
            {"class": "food", "fulfilment": "pickup", "from": "2027-04-01", "rate_bp": 500}]}
    })
}

fn capacity() -> Value {
    json!({"baskets": 6, "bowls_per_slot": 30, "max_bowls_per_order": 12})
}

fn promotion() -> Value {
    json!({
        "issuer": {"type": "shop", "restaurant": Uuid::from_u128(2)}, "code": "RAMEN10",
        "name": {"en": "Ramen week", "ja": "ラーメン週間"}, "target": {"type": "order"},
        "reduction": {"type": "percentage", "rate_bp": 1000}, "minimum_minor": 1000,
        "limits": {"total": 100, "per_customer": 1}, "platform_bp": 2500, "shops": [Uuid::from_u128(2)],
        "currency": "JPY"
    })
}

fn amounts() -> Value {
    json!([{"ingredient": "noodles", "amount": 1200}, {"ingredient": "broth", "amount": 3500}])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn terms_are_read_whole_or_refused_where_they_are_wrong(harms in harms()) {
        let document = harmed(&terms(), &harms);
        if let Some(terms) = read::<Terms>(&document)? {
            survives(&terms)?;
            let shop = live();
            for event in decided(&shop, RestaurantCommand::SetTerms { terms }, &document)? {
                let mut after = shop.clone();
                after.evolve(&event);
                let plan = after.live().unwrap().terms.commission_on("2027-01-01".parse().unwrap());
                for base in [0, 1, i64::MAX] {
                    prop_assert!(plan.of(base).is_none_or(|kept| (0..=base).contains(&kept)));
                }
            }
        }
    }

    #[test]
    fn capacities_are_read_whole_or_refused_where_they_are_wrong(harms in harms()) {
        let document = harmed(&capacity(), &harms);
        if let Some(capacity) = read::<KitchenCapacity>(&document)? {
            survives(&capacity)?;
            let set = RestaurantCommand::SetCapacity { capacity: Some(capacity) };
            decided(&live(), set, &document)?;
        }
    }

    #[test]
    fn promotions_are_read_whole_or_refused_where_they_are_wrong(harms in harms(), minor in any::<i64>()) {
        let document = harmed(&promotion(), &harms);
        if let Some(terms) = read::<PromotionTerms>(&document)? {
            survives(&terms)?;
            let create = PromotionCommand::Create { terms: Box::new(terms) };
            let created = decided(&Promotion::default(), create, &document)?;
            let promotion: Promotion = replay(&created);
            let redeem = PromotionCommand::Redeem {
                order: OrderId::new(Uuid::from_u128(3)),
                customer: CustomerId::new(Uuid::from_u128(1)),
                restaurant: RestaurantId::new(Uuid::from_u128(2)),
                discount: Money::new(minor, Currency::parse("JPY").unwrap()),
            };
            decided(&promotion, redeem, &document)?;
        }
    }

    #[test]
    fn amounts_of_stock_are_counted_or_refused_and_never_overflow(
        documents in prop::collection::vec((0..3_u8, harms()), 1..5)
    ) {
        let mut stock = Inventory::default();
        for (kind, harms) in documents {
            let document = harmed(&amounts(), &harms);
            let Some(amounts) = read::<Vec<IngredientAmount>>(&document)? else { continue };
            for IngredientAmount { ingredient, amount } in amounts {
                let before = stock.clone();
                let one = json!({ "ingredient": ingredient, "amount": amount });
                let command = match kind {
                    0 => InventoryCommand::Receive { ingredient, amount },
                    1 => InventoryCommand::Recount { ingredient, counted: amount },
                    _ => InventoryCommand::Waste {
                        ingredient, amount, reason: "spilled".to_owned().try_into().unwrap(),
                    },
                };
                for event in decided(&stock, command, &one)? {
                    stock.evolve(&event);
                }
                let noodles = Key::parse("noodles").unwrap();
                for stock in [&before, &stock] {
                    prop_assert!(stock.free(&noodles).is_none_or(|free| free >= 0));
                }
            }
        }
    }

    #[test]
    fn names_of_staff_and_devices_are_read_whole_or_refused(hostile in any_json(), id in any_json()) {
        let document = json!({"id": id, "name": hostile, "role": hostile});
        let (name, device) = (read::<Name>(&document["name"]), read::<DeviceId>(&document["id"]));
        let (staff, role) = (read::<StaffId>(&document["id"])?, read::<StaffRole>(&document["role"])?);
        prop_assert!(role.is_none() && staff.is_some() == device.as_ref().is_ok_and(Option::is_some));
        if let (Some(name), Some(device)) = (name?, device?) {
            survives(&name)?;
            prop_assert!(name.as_str().chars().count() <= 120);
            decided(&live(), RestaurantCommand::AddDevice { device, name }, &document)?;
        }
    }
}

#[test]
fn the_documents_are_good_before_they_are_harmed() {
    assert!(collect::<Terms>(&terms()).is_ok());
    assert!(collect::<KitchenCapacity>(&capacity()).is_ok());
    assert!(
        collect::<PromotionTerms>(&promotion()).is_ok(),
        "{:?}",
        collect::<PromotionTerms>(&promotion())
    );
    assert!(collect::<Vec<IngredientAmount>>(&amounts()).is_ok());
}

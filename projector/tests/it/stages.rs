//! What a view calls a stage is what the aggregate calls it, and stock is counted alike on both sides.

use std::collections::{BTreeMap, BTreeSet};

use domain::aggregates::Kind;
use domain::decider::{Decider, Event, replay};
use domain::delivery::delivery::Delivery;
use domain::driver::driver::Driver;
use domain::kernel::key::Key;
use domain::ordering::cart::Cart;
use domain::ordering::order::Order;
use domain::payment::payment::Payment;
use domain::restaurant::inventory::{Inventory, InventoryEvent};
use domain::restaurant::promotion::Promotion;
use domain::restaurant::restaurant::Restaurant;
use infra::availability::StockLevel;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use strum::VariantArray as _;
use uuid::Uuid;

use crate::feed::record;
use crate::world::{World, samples};

/// A view's stages: its table, its column, and the stages of its aggregate but for *not there yet*.
fn stages<D: Decider>() -> BTreeSet<String> {
    let names = D::Stage::VARIANTS
        .iter()
        .skip(1)
        .map(|stage| (*stage).into());
    names.map(|name: &'static str| name.to_owned()).collect()
}

#[tokio::test]
async fn tables_allow_exactly_the_stages_of_their_aggregates() {
    let world = World::new().await;
    let owner = world.database.owner();
    for (table, column, expected) in [
        ("restaurants", "stage", stages::<Restaurant>()),
        ("promotions", "stage", stages::<Promotion>()),
        ("carts", "stage", stages::<Cart>()),
        ("orders", "state", stages::<Order>()),
        ("payments", "stage", stages::<Payment>()),
        ("deliveries", "stage", stages::<Delivery>()),
        ("drivers", "stage", stages::<Driver>()),
    ] {
        let check: String = sqlx::query_scalar(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint
             WHERE conrelid = ('views.' || $1)::regclass AND conname = $1 || '_' || $2 || '_check'",
        )
        .bind(table)
        .bind(column)
        .fetch_one(&owner)
        .await
        .unwrap();
        let allowed: BTreeSet<String> = check
            .split('\'')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect();
        assert_eq!(allowed, expected, "{table}");
    }
    owner.close().await;
}

/// Folds each sample behind the one that opens the stream, in both worlds.
async fn same_stage<D: Decider>(world: &World, kind: Kind, table: &str, key: &str, column: &str) {
    let events = <D::Event as Event>::samples();
    let any = samples(kind);
    let mut records = Vec::new();
    for (n, event) in any.iter().enumerate().skip(1) {
        let id = Uuid::from_u128(n as u128);
        let position = i64::try_from(records.len()).unwrap() + 1;
        records.push(record(&any[0], id, 1, position));
        records.push(record(event, id, 2, position + 1));
    }
    world.clear().await;
    world.project(vec![records]).await.unwrap();
    let owner = world.database.owner();
    for (n, event) in events.iter().enumerate().skip(1) {
        let state: D = replay([&events[0], event]);
        let expected: &'static str = state.stage().into();
        let sql = format!("SELECT {column} FROM views.{table} WHERE {key} = $1");
        let shown: String = sqlx::query_scalar(&sql)
            .bind(Uuid::from_u128(n as u128))
            .fetch_one(&owner)
            .await
            .unwrap();
        assert_eq!(shown, expected, "{table} after {event:?}");
    }
    owner.close().await;
}

#[tokio::test]
async fn a_row_is_in_the_stage_of_its_aggregate() {
    let world = World::new().await;
    same_stage::<Order>(&world, Kind::Order, "orders", "order_id", "state").await;
    same_stage::<Promotion>(
        &world,
        Kind::Promotion,
        "promotions",
        "promotion_id",
        "stage",
    )
    .await;
    same_stage::<Cart>(&world, Kind::Cart, "carts", "cart_id", "stage").await;
    same_stage::<Payment>(&world, Kind::Payment, "payments", "payment_id", "stage").await;
    same_stage::<Delivery>(&world, Kind::Delivery, "deliveries", "delivery_id", "stage").await;
    same_stage::<Driver>(&world, Kind::Driver, "drivers", "driver_id", "stage").await;
}

#[test]
fn stock_is_counted_as_the_inventory_counts_it() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(World::new());
    let config = Config {
        cases: 24,
        failure_persistence: None,
        ..Config::default()
    };
    let event = (0_u8..9, 0_usize..2, 0_i64..500, 1_u128..4).prop_map(inventory_event);
    TestRunner::new(config)
        .run(&prop::collection::vec(event, 1..40), |events| {
            let inventory: Inventory = replay(&events);
            let shop = Uuid::from_u128(1);
            let records = (1_i64..)
                .zip(&events)
                .map(|(n, event)| record(&event.clone().into(), shop, n, n))
                .collect();
            let shown: String = runtime.block_on(async {
                world.clear().await;
                world.project(vec![records]).await.unwrap();
                sqlx::query_scalar("SELECT ingredients::text FROM views.stock")
                    .fetch_one(&world.pool)
                    .await
                    .unwrap()
            });
            let shown: BTreeMap<Key, StockLevel> = serde_json::from_str(&shown).unwrap();
            prop_assert_eq!(shown.len(), inventory.stocks().count());
            for (ingredient, level) in &shown {
                let stock = inventory.stock(ingredient).unwrap();
                let expected = StockLevel {
                    tracked: stock.tracked,
                    free: stock.free(),
                    held: stock.held,
                    received: stock.received,
                    adjusted: stock.adjusted,
                    used: stock.used,
                    wasted: stock.wasted,
                    eighty_six: level.eighty_six.clone(),
                };
                prop_assert_eq!(level, &expected);
                let until = level.eighty_six.as_ref().map(|out| out.until);
                prop_assert_eq!(until, stock.eighty_six.map(|out| out.until));
            }
            Ok(())
        })
        .unwrap();
}

fn inventory_event((kind, ingredient, amount, hold): (u8, usize, i64, u128)) -> InventoryEvent {
    let ingredient = ["noodles", "broth"][ingredient];
    let hold = Uuid::from_u128(hold);
    let text = match kind {
        0 => format!(r#"{{"type":"received","ingredient":"{ingredient}","amount":{amount}}}"#),
        1 => format!(
            r#"{{"type":"wasted","ingredient":"{ingredient}","amount":{amount},"reason":"dropped"}}"#
        ),
        2 => format!(
            r#"{{"type":"recounted","ingredient":"{ingredient}","counted":{amount},"shortfall":0}}"#
        ),
        3 => format!(
            r#"{{"type":"eighty_sixed","ingredient":"{ingredient}","until":"2026-11-22T15:00:00Z"}}"#
        ),
        4 => format!(r#"{{"type":"eighty_six_lifted","ingredient":"{ingredient}"}}"#),
        5 => format!(
            r#"{{"type":"hold_opened","hold":"{hold}","service_date":"2026-11-22","number":1,
                "needs":[{{"ingredient":"{ingredient}","amount":{amount}}}],
                "expires_at":"2026-11-22T12:15:00Z"}}"#
        ),
        6 => format!(r#"{{"type":"hold_committed","hold":"{hold}"}}"#),
        7 => format!(r#"{{"type":"hold_consumed","hold":"{hold}"}}"#),
        _ => format!(r#"{{"type":"hold_released","hold":"{hold}","reason":"cancelled"}}"#),
    };
    serde_json::from_str(&text).unwrap()
}

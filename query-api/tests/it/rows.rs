//! View rows as the projector writes them, planted by the owner.

use domain::kernel::address::Address;
use domain::kernel::sealed::{Origin, Sealed};
use domain::kernel::text::Note;
use infra::vault::Class;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{CUSTOMER, DRIVER, OWNER, SHOP, World};

pub(crate) const PAYMENT: Uuid = Uuid::from_u128(0xFA);
pub(crate) const DELIVERY: Uuid = Uuid::from_u128(0xDE);

/// An order's id: later ones are greater, as of `UUIDv7`.
pub(crate) fn order(n: u128) -> Uuid {
    Uuid::from_u128(0x0800 + n)
}

pub(crate) async fn run(world: &World, sql: &str) {
    sqlx::raw_sql(sql).execute(&world.owner).await.unwrap();
}

async fn seal<T: Serialize>(world: &World, field: &str, value: &T) -> Sealed<T> {
    let origin = Origin {
        kind: "ordering.cart".to_owned(),
        id: CUSTOMER,
        field: field.to_owned(),
    };
    let class = Class::order(world.clock.clock().now());
    world
        .vault
        .seal(CUSTOMER, class, origin, value)
        .await
        .unwrap()
}

/// An address with a name that must not leak.
pub(crate) fn address() -> Address {
    serde_json::from_value(json!({
        "name": "Sentinel Tanaka", "phone": "+819012345678", "street": "Canary Street 1",
        "city": "Tokyo", "country": "JP", "pin": {"lat": 35.66, "lon": 139.70}
    }))
    .unwrap()
}

/// The address, sealed, as a delivery's fulfilment.
pub(crate) async fn fulfilment(world: &World) -> Value {
    json!({"type": "delivery", "address": seal(world, "address", &address()).await})
}

/// A live shop with two zones around Shibuya, the nearer one first.
pub(crate) async fn shop(world: &World) {
    let square = |south: f64, west: f64, north: f64, east: f64| {
        json!([{"lat": south, "lon": west}, {"lat": south, "lon": east},
               {"lat": north, "lon": east}, {"lat": north, "lon": west}])
    };
    let zones = json!([
        {"key": "near", "fee_minor": 300, "minimum_minor": 1000, "minutes": 10,
         "polygon": square(35.6, 139.6, 35.7, 139.8)},
        {"key": "far", "fee_minor": 600, "minimum_minor": 2000, "minutes": 25,
         "polygon": square(35.5, 139.5, 35.8, 139.9)}
    ]);
    sqlx::query(
        "INSERT INTO views.restaurants (restaurant_id, sequence, stage, name, owner_id, time_zone,
             currency, country, city, address_text, lat, lon, styles, auto_fire, zones, zone_shapes,
             terms, paused, updated_at)
         VALUES ($1, 3, 'live', 'Menya Umi', $2, 'Asia/Tokyo', 'JPY', 'JP', 'Tokyo', 'Dogenzaka 1',
             35.66, 139.70, '[\"miso\"]', false, $3::json,
             'GEOMETRYCOLLECTION(POLYGON((139.6 35.6,139.8 35.6,139.8 35.7,139.6 35.7,139.6 35.6)),
                                 POLYGON((139.5 35.5,139.9 35.5,139.9 35.8,139.5 35.8,139.5 35.5)))',
             '{\"seller\": \"Umi K.K.\", \"tax\": {}, \"commission_bp\": 1500,
               \"packaging_fee_minor\": 50}',
             false, '2026-11-22T11:00:00Z')",
    )
    .bind(SHOP)
    .bind(OWNER)
    .bind(zones.to_string())
    .execute(&world.owner)
    .await
    .unwrap();
}

/// The menu of the domain's samples, small: one bowl with toppings and firmness.
pub(crate) async fn menu(world: &World) {
    let document = json!({
        "currency": "JPY", "default_language": "ja", "cross_contact": ["buckwheat"],
        "ingredients": [
            {"key": "noodles", "name": {"ja": "麺"}, "unit": "g", "allergens": {"gluten": "contains"}},
            {"key": "egg", "name": {"ja": "味玉"}, "unit": "piece", "allergens": {"egg": "contains"}}],
        "option_groups": [
            {"key": "toppings", "name": {"ja": "トッピング", "en": "Toppings"}, "options": [
                {"key": "egg", "name": {"ja": "味玉", "en": "Egg"}, "price_minor": 150,
                 "recipe": [{"ingredient": "egg", "amount": 1}]}]}],
        "sections": [{"key": "ramen", "name": {"ja": "ラーメン", "en": "Ramen"}, "items": [
            {"key": "miso", "name": {"ja": "味噌ラーメン", "en": "Miso ramen"}, "price_minor": 1050,
             "tax_class": "food", "recipe": [{"ingredient": "noodles", "amount": 150}],
             "groups": [{"group": "toppings", "min": 0, "max": 2, "max_per_option": 2}]}]}]
    });
    sqlx::query(
        "INSERT INTO views.menus (restaurant_id, sequence, version, document, prices, unavailable,
             updated_at)
         VALUES ($1, 1, 1, $2::json, '{}', '[]', '2026-11-22T11:00:00Z')",
    )
    .bind(SHOP)
    .bind(document.to_string())
    .execute(&world.owner)
    .await
    .unwrap();
}

/// The shop's stock at a sequence.
pub(crate) async fn stock(world: &World, sequence: i64, ingredients: &Value) {
    sqlx::query(
        "INSERT INTO views.stock (restaurant_id, sequence, ingredients, holds, updated_at)
         VALUES ($1, $2, $3::json, '{}', '2026-11-22T11:00:00Z')
         ON CONFLICT (restaurant_id) DO UPDATE
         SET sequence = EXCLUDED.sequence, ingredients = EXCLUDED.ingredients",
    )
    .bind(SHOP)
    .bind(sequence)
    .bind(ingredients.to_string())
    .execute(&world.owner)
    .await
    .unwrap();
}

/// A level of stock with so much free.
pub(crate) fn level(free: i64) -> Value {
    json!({"tracked": true, "free": free, "held": 0, "received": free, "adjusted": 0, "used": 0,
           "wasted": 0})
}

/// A placed order of [`CUSTOMER`] at [`SHOP`], with all that hangs on it.
pub(crate) async fn placed_order(world: &World, id: Uuid) {
    let fulfilment = fulfilment(world).await;
    let note = seal(
        world,
        "note",
        &Note::parse("no onions for Sentinel").unwrap(),
    )
    .await;
    let lines = json!([{"line": 1, "item": "miso", "quantity": 2, "options": [], "note": note}]);
    sqlx::query(
        "INSERT INTO views.orders (order_id, sequence, customer_id, restaurant_id, restaurant_name,
             cart_id, payment_id, number, service_date, channel, city, fulfilment, state,
             total_minor, currency, promise_earliest, promise_latest, expires_at, checked_out_at,
             placed_at, updated_at, state_since, first_promise_earliest, first_promise_latest)
         VALUES ($1, 2, $2, $3, 'Menya Umi', $1, $4, 7, '2026-11-22', 'app', 'Tokyo', 'delivery',
             'placed', 2100, 'JPY', '2026-11-22T12:30:00Z', '2026-11-22T12:45:00Z',
             '2026-11-22T12:15:00Z', '2026-11-22T12:00:00Z', '2026-11-22T12:01:00Z',
             '2026-11-22T12:01:00Z', '2026-11-22T12:01:00Z', '2026-11-22T12:30:00Z',
             '2026-11-22T12:45:00Z')",
    )
    .bind(id)
    .bind(CUSTOMER)
    .bind(SHOP)
    .bind(PAYMENT)
    .execute(&world.owner)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO views.order_details (order_id, sequence, lines, quote, allergens, fulfilment)
         VALUES ($1, 1, $2::json, '[]', '{\"gluten\": \"contains\"}', $3::json)",
    )
    .bind(id)
    .bind(lines.to_string())
    .bind(fulfilment.to_string())
    .execute(&world.owner)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO views.kitchen_queue (order_id, sequence, restaurant_id, number, service_date,
             fulfilment, state, auto_fire, lines, bowls, promise_latest, placed_at, updated_at)
         VALUES ($1, 2, $2, 7, '2026-11-22', 'delivery', 'placed', false, $3::json, '[]',
             '2026-11-22T12:45:00Z', '2026-11-22T12:01:00Z', '2026-11-22T12:01:00Z')",
    )
    .bind(id)
    .bind(SHOP)
    .bind(lines.to_string())
    .execute(&world.owner)
    .await
    .unwrap();
    run(
        world,
        &format!(
            "INSERT INTO views.order_timeline VALUES
                 ('{id}', 1, 'checked_out', '2026-11-22T12:00:00Z', '2026-11-22T12:00:00Z', '{{}}'),
                 ('{id}', 2, 'placed', '2026-11-22T12:01:00Z', '2026-11-22T12:01:00Z', '{{}}')"
        ),
    )
    .await;
}

/// An open cart of [`CUSTOMER`].
pub(crate) async fn cart(world: &World, id: Uuid) {
    let note = seal(world, "note", &Note::parse("for Sentinel").unwrap()).await;
    let lines = json!({
        "10": {"item": "miso", "quantity": 1, "options": [], "note": null, "shortage": "refund"},
        "2": {"item": "miso", "quantity": 2, "options": [], "note": note, "shortage": "refund"}
    });
    sqlx::query(
        "INSERT INTO views.carts (cart_id, sequence, customer_id, restaurant_id, channel, stage,
             lines, fulfilment, tip_minor, expires_at, opened_at, updated_at)
         VALUES ($1, 4, $2, $3, 'app', 'open', $4::json, $5::json, 100, '2026-11-23T12:00:00Z',
             '2026-11-22T12:00:00Z', '2026-11-22T12:00:00Z')",
    )
    .bind(id)
    .bind(CUSTOMER)
    .bind(SHOP)
    .bind(lines.to_string())
    .bind(fulfilment(world).await.to_string())
    .execute(&world.owner)
    .await
    .unwrap();
}

/// A delivery of an order, assigned to [`DRIVER`], with the code 4711.
pub(crate) async fn delivery(world: &World, of: Uuid) {
    let pin = seal(world, "pin", &domain::kernel::handover::Pin::new(4711)).await;
    let dropoff = seal(world, "address", &address()).await;
    sqlx::query(
        "INSERT INTO views.deliveries (delivery_id, sequence, order_id, restaurant_id, customer_id,
             driver_id, stage, number, pickup_name, pickup_lat, pickup_lon, dropoff, pin, bowls,
             requested_at, contact_attempts, pin_failures, updated_at)
         VALUES ($1, 2, $2, $3, $4, $5, 'assigned', 7, 'Menya Umi', 35.66, 139.7, $6::json,
             $7::json, 2, '2026-11-22T12:05:00Z', 0, 0, '2026-11-22T12:06:00Z')",
    )
    .bind(DELIVERY)
    .bind(of)
    .bind(SHOP)
    .bind(CUSTOMER)
    .bind(DRIVER)
    .bind(serde_json::to_string(&dropoff).unwrap())
    .bind(serde_json::to_string(&pin).unwrap())
    .execute(&world.owner)
    .await
    .unwrap();
}

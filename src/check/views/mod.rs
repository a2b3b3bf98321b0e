//! What the views must show: a fold of each stream written from `docs/domain.md` and from what the columns
//! of `migrations/views` mean, compared row by row with what they do show (I6).
//!
//! A fold takes the row so far and an event and gives the row, or none where the stream has no row.

mod cart;
mod compare;
mod delivery;
mod order;
mod payment;
mod promotion;
mod shop;
mod stock;

use serde_json::{Map, Value};

pub(super) use compare::{Comparison, judge};
pub(super) use stock::{Stock, needs_of};

use super::store::Event;

/// A row, by column.
pub(super) type Row = Map<String, Value>;

/// A view: its table, the column of the stream's id, the kind it follows, and how a stream is folded.
#[derive(Debug)]
pub(super) struct View {
    /// The table in `views`.
    pub(super) table: &'static str,
    /// The column that holds the stream's id.
    pub(super) key: &'static str,
    /// The kind of aggregate that it folds.
    pub(super) kind: &'static str,
    fold: fn(Option<Row>, &Event) -> Option<Row>,
    /// Whether the stream has a row for each event instead of one: the fold then gives an object of
    /// rows by sequence.
    log: bool,
}

/// All views.
pub(super) const VIEWS: &[View] = &[
    View::of(
        "restaurants",
        "restaurant_id",
        "restaurant.restaurant",
        shop::restaurant,
    ),
    View::of("menus", "restaurant_id", "restaurant.menu", shop::menu),
    View::of("stock", "restaurant_id", "restaurant.inventory", stock::row),
    View::of(
        "promotions",
        "promotion_id",
        "restaurant.promotion",
        promotion::promotion,
    ),
    View::of("carts", "cart_id", "ordering.cart", cart::cart),
    View::of("orders", "order_id", "ordering.order", order::order),
    View::of(
        "order_details",
        "order_id",
        "ordering.order",
        order::details,
    ),
    View::of(
        "kitchen_queue",
        "order_id",
        "ordering.order",
        order::kitchen,
    ),
    View {
        log: true,
        ..View::of(
            "order_timeline",
            "order_id",
            "ordering.order",
            order::timeline,
        )
    },
    View::of(
        "payments",
        "payment_id",
        "payment.payment",
        payment::payment,
    ),
    View::of(
        "deliveries",
        "delivery_id",
        "delivery.delivery",
        delivery::delivery,
    ),
    View::of("drivers", "driver_id", "driver.driver", delivery::driver),
];

impl View {
    const fn of(
        table: &'static str,
        key: &'static str,
        kind: &'static str,
        fold: fn(Option<Row>, &Event) -> Option<Row>,
    ) -> Self {
        Self {
            table,
            key,
            kind,
            fold,
            log: false,
        }
    }

    /// Up to which event of its stream a row goes, as it says itself.
    pub(super) fn version(&self, row: &Row) -> Option<i64> {
        if self.log {
            return row
                .keys()
                .filter_map(|sequence| sequence.parse().ok())
                .max();
        }
        row.get("sequence")?.as_i64()
    }

    /// The row after `event`.
    pub(super) fn fold(&self, row: Option<Row>, event: &Event) -> Option<Row> {
        (self.fold)(row, event)
    }
}

/// An object as a row.
fn object(value: Value) -> Option<Row> {
    if let Value::Object(row) = value {
        Some(row)
    } else {
        None
    }
}

/// Sets columns of a row.
fn set<const N: usize>(row: &mut Row, columns: [(&str, Value); N]) {
    for (column, value) in columns {
        row.insert(column.to_owned(), value);
    }
}

/// Adds to a column that counts.
fn count_up(row: &mut Row, column: &str) {
    let so_far = row.get(column).and_then(Value::as_i64).unwrap_or_default();
    row.insert(column.to_owned(), Value::from(so_far.saturating_add(1)));
}

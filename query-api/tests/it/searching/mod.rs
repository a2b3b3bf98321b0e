//! Search against a linear scan over the same documents, what filters and the order of hits mean, and the
//! routes on top.

mod comparing;
mod finding;
mod routes;
mod scanning;
mod suggesting;

use chrono::{DateTime, Utc};
use domain::kernel::geo::GeoPoint;
use infra::search_schema::ShopEntries;
use query_api::search::{Hit, SearchIndex, SearchQuery, search_text};

use crate::shelf::{CENTRE, Described as _, dish, shop, with, write};
use crate::world::World;

pub(super) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(super) fn point(north: f64, east: f64) -> GeoPoint {
    GeoPoint::parse(CENTRE.0 + north, CENTRE.1 + east).unwrap()
}

pub(super) type Found = (u128, Option<String>);

pub(super) fn keys(hits: &[Hit]) -> Vec<Found> {
    hits.iter()
        .map(|hit| (hit.restaurant.as_u128(), hit.display.item.clone()))
        .collect()
}

/// What is found of some shops, in order.
pub(super) fn found(shops: &[ShopEntries], query: &SearchQuery) -> Vec<Found> {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), shops, 2);
    keys(&SearchIndex::new(folder.path()).search(query).unwrap().hits)
}

pub(super) fn text(text: &str) -> SearchQuery {
    SearchQuery {
        text: search_text(text).unwrap(),
        // Noon in Tokyo.
        at: at("2026-11-22T03:00:00Z"),
        limit: 10,
        ..SearchQuery::default()
    }
}

pub(super) fn miso(id: u128, north: f64) -> ShopEntries {
    with(
        shop(id, north, 0.0),
        [dish("miso", "味噌ラーメン").styled("miso")],
    )
}

/// A world in which some shops are found.
pub(super) async fn world_with(shops: &[ShopEntries]) -> World {
    let mut world = World::new().await;
    write(world.folder.path(), shops, 2);
    world.hub.announce(infra::applied::Applied::Unknown);
    world.index_follower.advance().await;
    world
}

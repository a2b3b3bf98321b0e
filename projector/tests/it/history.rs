//! Whose history it is: a projector goes on over a store with the same events, wherever that is, and stops
//! over one with others, however many they are.

use domain::aggregates::Kind;
use infra::applied::Applied;
use infra::event_store::{EventLog, OtherHistory};
use infra::feed::{FeedRecord, HeadWatch, StoreFeed};
use infra::lifecycle::Progress;
use projector::{Projector, ProjectorError};
use uuid::Uuid;

use crate::feed::{hash, record};
use crate::world::{World, samples, settle};

/// A driver's events, one at each position.
fn events(count: i64) -> Vec<FeedRecord> {
    let samples = samples(Kind::Driver);
    let numbered = (1..=count).zip(&samples);
    numbered
        .map(|(position, event)| record(event, Uuid::from_u128(1), position, position))
        .collect()
}

/// The same number of events, which part from [`events`] after `shared`.
fn others(shared: usize, count: i64) -> Vec<FeedRecord> {
    let mut records = events(count);
    for record in &mut records[shared..] {
        record.hash = hash(record.position + 1_000);
    }
    records
}

/// A store that holds `records`.
async fn store(records: &[FeedRecord]) -> World {
    let world = World::new().await;
    for record in records {
        world.plant(record).await;
    }
    world
}

/// A projector that folds the log of one database into the views of another.
fn follower(views: &World, log: &World) -> Projector {
    let feed = StoreFeed::new(EventLog::new(log.pool.clone()), &HeadWatch::default());
    views.projector_over(Box::new(feed), log, None)
}

fn parting(outcome: Result<Progress, ProjectorError>) -> OtherHistory {
    let error = outcome.unwrap_err();
    *OtherHistory::beneath(&error).unwrap()
}

#[tokio::test]
async fn the_same_history_elsewhere_is_followed() {
    let views = World::new().await;
    let before = store(&events(2)).await;
    settle(&mut follower(&views, &before)).await.unwrap();
    settle(&mut follower(&views, &before)).await.unwrap();
    // A standby that was promoted, or a dump that was restored: another cluster, the same events.
    let promoted = store(&events(3)).await;
    let mut projector = follower(&views, &promoted);
    assert_eq!(projector.advance().await.unwrap(), Progress::DidAll(1));
    assert!(views.readiness.closed().is_empty());
}

#[tokio::test]
async fn another_history_of_equal_length_is_refused_and_nothing_is_folded() {
    let views = World::new().await;
    let first = store(&events(2)).await;
    settle(&mut follower(&views, &first)).await.unwrap();
    let rows = views.rows().await;
    for (elsewhere, past_head) in [
        (others(1, 2), false),
        (others(1, 3), false),
        (events(1), true),
    ] {
        let other = store(&elsewhere).await;
        let mut projector = follower(&views, &other);
        for _ in 0..2 {
            let parting = parting(projector.advance().await);
            assert_eq!((parting.position, parting.past_head), (2, past_head));
        }
        assert_eq!(views.readiness.closed(), ["projector"]);
        assert_eq!(views.rows().await, rows);
    }
    settle(&mut follower(&views, &first)).await.unwrap();
    assert!(views.readiness.closed().is_empty());
}

#[tokio::test]
async fn a_store_restored_under_a_living_projector_stops_it_until_the_views_are_restored_too() {
    let views = World::new().await;
    let log = store(&events(2)).await;
    let mut projector = follower(&views, &log);
    settle(&mut projector).await.unwrap();
    let rows = views.rows().await;
    // Back to position 1, and on with other events.
    let owner = log.database.owner();
    sqlx::raw_sql(
        "BEGIN; SET LOCAL session_replication_role = replica;
         DELETE FROM es.events WHERE sequence > 1; DELETE FROM es.event_log WHERE position > 1;
         COMMIT",
    )
    .execute(&owner)
    .await
    .unwrap();
    assert!(parting(projector.advance().await).past_head);
    for record in &others(1, 3)[1..] {
        log.plant(record).await;
    }
    assert!(!parting(projector.advance().await).past_head);
    assert_eq!(views.rows().await, rows);
    let mut listener = views.hub.subscribe();
    views.clear().await;
    settle(&mut projector).await.unwrap();
    assert!(views.readiness.closed().is_empty());
    let again = World::new().await;
    settle(&mut follower(&again, &log)).await.unwrap();
    assert_eq!(views.rows().await, again.rows().await);
    assert!(matches!(listener.try_next(), Some(Applied::Views(_))));
}

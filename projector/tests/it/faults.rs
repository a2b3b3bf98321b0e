//! What goes wrong: gaps, events that cannot be folded, values that the database refuses, two projectors.

use domain::aggregates::Kind;
use infra::applied::{Applied, AppliedHub, RemoteApplied};
use infra::event_store::StreamId;
use infra::feed::FeedRecord;
use infra::lifecycle::{Loop as _, Progress};
use projector::ProjectorError;
use projector::redrive::{ParkedStream, Redriver};
use sqlx::PgPool;
use uuid::Uuid;

use crate::feed::{ListFeed, record};
use crate::world::{World, samples, settle};

fn driver(stream: u128, sample: usize, sequence: i64, position: i64) -> FeedRecord {
    record(
        &samples(Kind::Driver)[sample],
        Uuid::from_u128(stream),
        sequence,
        position,
    )
}

async fn stage(pool: &PgPool, driver: u128) -> Option<String> {
    sqlx::query_scalar("SELECT stage FROM views.drivers WHERE driver_id = $1")
        .bind(Uuid::from_u128(driver))
        .fetch_optional(pool)
        .await
        .unwrap()
}

async fn parked(pool: &PgPool) -> Vec<(String, i64, bool)> {
    sqlx::query_as(
        "SELECT view, sequence, error IS NOT NULL FROM views.parked_events ORDER BY view, sequence",
    )
    .fetch_all(pool)
    .await
    .unwrap()
}

/// Redrives a driver: events folded, events parked again.
async fn redrive(world: &World, stream: StreamId) -> (usize, usize) {
    let redriver = Redriver::new(world.pool.clone(), world.hub.clone());
    let parked = ParkedStream {
        view: "drivers".to_owned(),
        stream,
    };
    let done = redriver.redrive(&parked).await.unwrap();
    assert_eq!(done.error.is_some(), done.parked > 0);
    (done.folded, done.parked)
}

#[tokio::test]
async fn parked_streams_are_listed_by_view_in_pages() {
    let world = World::new().await;
    let mut batch = Vec::new();
    for stream in 1..=3_u128 {
        let mut broken = driver(stream, 1, 2, i64::try_from(stream).unwrap() + 3);
        broken.payload = r#"{"type":"approved"}"#.to_owned();
        batch.push(driver(stream, 0, 1, i64::try_from(stream).unwrap()));
        batch.push(broken);
    }
    batch.sort_by_key(|record| record.position);
    world.project(vec![batch]).await.unwrap();
    let redriver = Redriver::new(world.pool.clone(), world.hub.clone());
    let all = redriver.parked(Some("drivers"), None).await.unwrap();
    assert_eq!(all.len(), 3);
    assert_eq!(all, redriver.parked(None, None).await.unwrap());
    assert_eq!(
        all[1..],
        redriver.parked(None, Some(&all[0])).await.unwrap()
    );
    assert!(
        redriver
            .parked(Some("orders"), None)
            .await
            .unwrap()
            .is_empty()
    );
    let unknown = ParkedStream {
        view: "checkpoints".to_owned(),
        ..all[0].clone()
    };
    assert!(matches!(
        redriver.redrive(&unknown).await,
        Err(ProjectorError::NoView(_))
    ));
}

#[tokio::test]
async fn a_gap_is_filled_from_the_store() {
    let world = World::new().await;
    let lost = driver(1, 1, 2, 2);
    world.plant(&lost).await;
    let batches = vec![vec![driver(1, 0, 1, 1)], vec![driver(1, 2, 3, 3)]];
    world.project(batches).await.unwrap();
    assert_eq!(stage(&world.pool, 1).await.as_deref(), Some("suspended"));
    let sequence: i64 = sqlx::query_scalar("SELECT sequence FROM views.drivers")
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert_eq!(sequence, 3);
}

#[tokio::test]
async fn a_gap_that_the_store_cannot_fill_stops_the_projector() {
    let world = World::new().await;
    let outcome = world
        .project(vec![vec![driver(1, 0, 1, 1), driver(1, 2, 3, 3)]])
        .await;
    assert!(matches!(outcome, Err(ProjectorError::Missing(gap)) if (gap.from, gap.to) == (2, 2)));
    assert_eq!(stage(&world.pool, 1).await, None, "nothing was committed");
}

#[tokio::test]
async fn an_unreadable_event_is_parked_with_those_behind_it_and_redriven_in_order() {
    let world = World::new().await;
    let mut broken = driver(1, 1, 2, 2);
    let good_payload = std::mem::replace(&mut broken.payload, r#"{"type":"approved"}"#.to_owned());
    let feed = ListFeed::default();
    feed.put(vec![driver(1, 0, 1, 1), broken, driver(2, 0, 1, 3)]);
    feed.put(vec![driver(1, 2, 3, 4), driver(2, 1, 2, 5)]);
    let mut projector = world.projector(&feed);
    settle(&mut projector).await.unwrap();
    assert_eq!(
        parked(&world.pool).await,
        [
            ("drivers".to_owned(), 2, true),
            ("drivers".to_owned(), 3, false)
        ]
    );
    assert_eq!(stage(&world.pool, 1).await.as_deref(), Some("registered"));
    assert_eq!(
        stage(&world.pool, 2).await.as_deref(),
        Some("approved"),
        "the rest keeps flowing"
    );

    let stream = StreamId {
        kind: Kind::Driver,
        id: Uuid::from_u128(1),
    };
    assert_eq!(redrive(&world, stream).await, (0, 2), "it fails again");
    assert_eq!(parked(&world.pool).await.len(), 2);

    let owner = world.database.owner();
    sqlx::query("UPDATE views.parked_events SET payload = $1 WHERE sequence = 2")
        .bind(good_payload)
        .execute(&owner)
        .await
        .unwrap();
    let before: i64 = checkpoint(&world.pool).await;
    assert_eq!(redrive(&world, stream).await, (2, 0));
    assert_eq!(
        redrive(&world, stream).await,
        (0, 0),
        "a repeat finds nothing to do"
    );
    assert_eq!(
        checkpoint(&world.pool).await,
        before,
        "a redrive moves no checkpoint"
    );
    assert!(parked(&world.pool).await.is_empty());
    assert_eq!(stage(&world.pool, 1).await.as_deref(), Some("suspended"));
    owner.close().await;
}

#[tokio::test]
async fn what_another_process_redrives_is_noticed_and_told_to_everybody() {
    let world = World::new().await;
    let mut broken = driver(1, 1, 2, 2);
    let good_payload = std::mem::replace(&mut broken.payload, r#"{"type":"approved"}"#.to_owned());
    // The store has it whole, for a projector that does not know what became of it.
    world.plant(&driver(1, 1, 2, 2)).await;
    let feed = ListFeed::default();
    feed.put(vec![driver(1, 0, 1, 1), broken]);
    let mut projector = world.projector(&feed);
    settle(&mut projector).await.unwrap();
    assert_eq!(parked(&world.pool).await.len(), 1);
    let owner = world.database.owner();
    sqlx::query("UPDATE views.parked_events SET payload = $1")
        .bind(good_payload)
        .execute(&owner)
        .await
        .unwrap();
    let elsewhere = AppliedHub::new();
    let mut listener = elsewhere.subscribe();
    let mut remote = RemoteApplied::connect(&world.pool, elsewhere)
        .await
        .unwrap();
    assert_eq!(listener.try_next(), Some(Applied::Unknown));

    let mut here = world.hub.subscribe();
    let stream = StreamId {
        kind: Kind::Driver,
        id: Uuid::from_u128(1),
    };
    assert_eq!(redrive(&world, stream).await, (1, 0));
    remote.step().await.unwrap();
    for heard in [listener.try_next(), here.try_next()] {
        let Some(Applied::Views(streams)) = heard else {
            panic!("nothing heard")
        };
        assert_eq!((streams[0].id, streams[0].sequence), (stream.id, 2));
    }
    // The first projector remembers the row and the parked event as they were: it finds out, and the
    // event behind is folded, not parked.
    feed.put(vec![driver(1, 2, 3, 3)]);
    settle(&mut projector).await.unwrap();
    assert!(parked(&world.pool).await.is_empty());
    assert_eq!(stage(&world.pool, 1).await.as_deref(), Some("suspended"));
    assert_eq!(
        feed.started().len(),
        1,
        "its feed went on from where it was"
    );
    owner.close().await;
}

async fn checkpoint(pool: &PgPool) -> i64 {
    sqlx::query_scalar("SELECT position FROM views.checkpoints WHERE view = 'drivers'")
        .fetch_one(pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_value_that_the_database_refuses_parks_its_event_alone() {
    let world = World::new().await;
    let owner = world.database.owner();
    sqlx::query(
        "ALTER TABLE views.drivers ADD CHECK (driver_id <> $1)"
            .replace("$1", &format!("'{}'", Uuid::from_u128(2)))
            .as_str(),
    )
    .execute(&owner)
    .await
    .unwrap();
    let batch = vec![
        driver(1, 0, 1, 1),
        driver(2, 0, 1, 2),
        driver(1, 1, 2, 3),
        driver(2, 1, 2, 4),
    ];
    world.project(vec![batch]).await.unwrap();
    assert_eq!(
        parked(&world.pool).await,
        [
            ("drivers".to_owned(), 1, true),
            ("drivers".to_owned(), 2, false)
        ]
    );
    assert_eq!(stage(&world.pool, 1).await.as_deref(), Some("approved"));
    owner.close().await;
}

#[tokio::test]
async fn two_projectors_are_slow_and_never_wrong() {
    let world = World::new().await;
    let (one, two) = (ListFeed::default(), ListFeed::default());
    let (mut first, mut second) = (world.projector(&one), world.projector(&two));
    for feed in [&one, &two] {
        feed.put(vec![driver(1, 0, 1, 1)]);
        feed.put(vec![driver(1, 1, 2, 2)]);
    }
    assert_eq!(first.advance().await.unwrap(), Progress::DidAll(1));
    assert_eq!(
        second.advance().await.unwrap(),
        Progress::DidAll(1),
        "a repeat, and known to be one"
    );
    assert_eq!(first.advance().await.unwrap(), Progress::DidAll(1));
    let mut listener = world.hub.subscribe();
    assert_eq!(second.advance().await.unwrap(), Progress::Did(0));
    assert_eq!(listener.try_next(), Some(Applied::Unknown));
    settle(&mut second).await.unwrap();
    assert_eq!(two.started().len(), 1, "its feed went on from where it was");
    assert_eq!(stage(&world.pool, 1).await.as_deref(), Some("approved"));
}

#[tokio::test]
async fn what_was_applied_is_announced_after_it_is_visible() {
    let world = World::new().await;
    let mut listener = world.hub.subscribe();
    world
        .project(vec![vec![driver(1, 0, 1, 1), driver(1, 1, 2, 2)]])
        .await
        .unwrap();
    let Some(Applied::Views(streams)) = listener.try_next() else {
        panic!("nothing announced")
    };
    assert_eq!(streams.len(), 1);
    assert_eq!(
        (streams[0].kind, streams[0].id, streams[0].sequence),
        (Kind::Driver, Uuid::from_u128(1), 2)
    );
}

#[tokio::test]
async fn another_process_hears_what_was_applied() {
    let world = World::new().await;
    let elsewhere = AppliedHub::new();
    let mut listener = elsewhere.subscribe();
    let mut remote = RemoteApplied::connect(&world.pool, elsewhere)
        .await
        .unwrap();
    assert_eq!(
        listener.try_next(),
        Some(Applied::Unknown),
        "what came before was not heard"
    );
    let many: Vec<FeedRecord> = (1..=300)
        .map(|n| driver(n, 0, 1, n.try_into().unwrap()))
        .collect();
    world.project(vec![many]).await.unwrap();
    let mut heard = 0;
    while heard < 300 {
        remote.step().await.unwrap();
        let Some(Applied::Views(streams)) = listener.try_next() else {
            panic!("nothing heard")
        };
        heard += streams.len();
    }
    assert_eq!(heard, 300);
}

#[tokio::test]
async fn of_two_projectors_one_folds_and_the_other_takes_over() {
    let world = World::new().await;
    let (one, two) = (ListFeed::default(), ListFeed::default());
    let (mut first, mut second) = (world.projector(&one), world.projector(&two));
    assert_eq!(
        first.step().await.unwrap(),
        Progress::Did(0),
        "nothing yet, but its turn"
    );
    two.put(vec![driver(1, 0, 1, 1)]);
    assert_eq!(second.step().await.unwrap(), Progress::Idle, "not its turn");
    assert_eq!(stage(&world.pool, 1).await, None);
    one.put(vec![driver(1, 0, 1, 1)]);
    assert_eq!(first.step().await.unwrap(), Progress::Did(1));
    assert_eq!(
        second.step().await.unwrap(),
        Progress::Did(1),
        "the views hold it by now"
    );

    drop(first);
    two.put(vec![driver(1, 1, 2, 2)]);
    while stage(&world.pool, 1).await.as_deref() != Some("approved") {
        second.step().await.unwrap();
    }
}

#[tokio::test]
async fn views_that_were_emptied_are_begun_again() {
    let world = World::new().await;
    let feed = ListFeed::default();
    feed.put(vec![driver(1, 0, 1, 1)]);
    let mut projector = world.projector(&feed);
    settle(&mut projector).await.unwrap();
    world.clear().await;
    feed.put(vec![driver(2, 0, 1, 2)]);
    assert_eq!(projector.advance().await.unwrap(), Progress::Did(0));
    settle(&mut projector).await.unwrap();
    assert_eq!(feed.started().len(), 2, "it began again from nothing");
}

#[tokio::test]
async fn many_streams_of_one_batch_may_have_gaps() {
    let world = World::new().await;
    let mut batch = Vec::new();
    for stream in 1..=20_i64 {
        let id = u128::try_from(stream).unwrap();
        world.plant(&driver(id, 0, 1, stream)).await;
        batch.push(driver(id, 1, 2, 100 + stream));
    }
    world.project(vec![batch]).await.unwrap();
    for stream in 1..=20 {
        assert_eq!(
            stage(&world.pool, stream).await.as_deref(),
            Some("approved")
        );
    }
}

#[tokio::test]
async fn a_lost_connection_is_told_once_others_are_heard_again() {
    let world = World::new().await;
    let elsewhere = AppliedHub::new();
    let mut listener = elsewhere.subscribe();
    let mut remote = RemoteApplied::connect(&world.pool, elsewhere)
        .await
        .unwrap();
    assert_eq!(listener.try_next(), Some(Applied::Unknown));
    let owner = world.database.owner();
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND query LIKE 'LISTEN%'",
    )
    .execute(&owner)
    .await
    .unwrap();
    // Announced to nobody: it is heard as something that may have happened.
    world.project(vec![vec![driver(1, 0, 1, 1)]]).await.unwrap();
    while remote.is_listening() {
        if remote.step().await.is_err() {
            break;
        }
    }
    assert_eq!(listener.try_next(), None, "not before it hears again");
    while !remote.is_listening() {
        // A connection of the pool may have died with it; the next one is fresh.
        if let Err(error) = remote.step().await {
            assert!(!error.to_string().is_empty());
        }
    }
    assert_eq!(listener.try_next(), Some(Applied::Unknown));
    world.project(vec![vec![driver(2, 0, 1, 2)]]).await.unwrap();
    remote.step().await.unwrap();
    assert!(matches!(listener.try_next(), Some(Applied::Views(streams)) if streams.len() == 1));
    owner.close().await;
}

#[tokio::test]
async fn what_a_process_tells_others_does_not_come_back_to_it() {
    let world = World::new().await;
    let mut listener = world.hub.subscribe();
    let mut remote = RemoteApplied::connect(&world.pool, world.hub.clone())
        .await
        .unwrap();
    assert_eq!(listener.try_next(), Some(Applied::Unknown));
    world.project(vec![vec![driver(1, 0, 1, 1)]]).await.unwrap();
    assert!(matches!(listener.try_next(), Some(Applied::Views(_))));
    remote.step().await.unwrap();
    assert_eq!(listener.try_next(), None);
}

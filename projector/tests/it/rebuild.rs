//! Views made anew beside the live ones: equal under any batching, swapped only when equal and level, and
//! nothing else than before when anything goes wrong.

use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use domain::aggregates::Kind;
use infra::event_store::{EventLog, StreamId};
use infra::feed::FeedRecord;
use projector::rebuild::{
    Asked, Compared, IndependentFold, Old, Rebuild, RebuildError, RebuildParts, Swapped,
    views_named,
};
use projector::{Projector, VIEWS};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::cuts::{cut, history, records};
use crate::feed::{ListFeed, record};
use crate::world::{World, samples, settle};

type Cause = Box<dyn std::error::Error + Send + Sync>;
type Answer = Pin<Box<dyn Future<Output = Result<Compared, Cause>> + Send>>;

/// Says what a test lets it say, after doing what the test wants to happen meanwhile. It is told how
/// often it was asked before. The real comparison is tested with the checker, whose folds it is.
struct Script<F>(F, usize);

#[async_trait]
impl<F: FnMut(usize) -> Answer + Send> IndependentFold for Script<F> {
    async fn compare(&mut self, _asked: Asked<'_>) -> Result<Compared, Cause> {
        let answer = (self.0)(self.1);
        self.1 += 1;
        answer.await
    }
}

fn all_equal() -> Script<impl FnMut(usize) -> Answer + Send> {
    Script(
        |_| -> Answer { Box::pin(async { Ok(Compared::default()) }) },
        0,
    )
}

fn parts(world: &World, batch: i64) -> RebuildParts {
    RebuildParts {
        owner: world.database.options(),
        pool: world.pool.clone(),
        log: EventLog::new(world.pool.clone()),
        hub: world.hub.clone(),
        clock: world.clock.clock(),
        batch,
    }
}

fn every_view() -> Vec<String> {
    VIEWS.iter().map(|view| view.name.to_owned()).collect()
}

async fn rebuild(
    world: &World,
    views: &[String],
    batch: i64,
    fold: &mut dyn IndependentFold,
) -> Result<Swapped, RebuildError> {
    let rebuild = Rebuild::begin(parts(world, batch), views_named(views)?).await?;
    rebuild.run(fold, Old::Keep, &mut |_| {}).await
}

async fn roll_back(world: &World, view: &str) -> Result<Swapped, RebuildError> {
    let views = views_named(&[view.to_owned()])?;
    let rebuild = Rebuild::begin(parts(world, 100), views).await?;
    rebuild.roll_back(&mut all_equal(), &mut |_| {}).await
}

fn driver(stream: u128, sample: usize, sequence: i64, position: i64) -> FeedRecord {
    let events = samples(Kind::Driver);
    record(&events[sample], Uuid::from_u128(stream), sequence, position)
}

async fn stage(world: &World, stream: u128) -> String {
    sqlx::query_scalar("SELECT stage FROM views.drivers WHERE driver_id = $1")
        .bind(Uuid::from_u128(stream))
        .fetch_one(&world.pool)
        .await
        .unwrap()
}

/// A world whose store and views hold two drivers, and its projector, which remembers them.
async fn two_drivers() -> (World, ListFeed, Projector) {
    let world = World::new().await;
    let feed = ListFeed::default();
    let mut projector = world.projector(&feed);
    let events = vec![driver(1, 0, 1, 1), driver(2, 0, 1, 2), driver(1, 1, 2, 3)];
    world.plant_all(&events).await;
    feed.put(events);
    settle(&mut projector).await.unwrap();
    (world, feed, projector)
}

#[test]
fn a_rebuild_equals_the_live_rows_of_every_view_under_any_batching() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(World::new());
    let config = Config {
        cases: 12,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(
            &(history(), 1_i64..40, 0.0..1.0_f64),
            |(history, batch, part)| {
                let records = records(&history);
                #[expect(
                    clippy::cast_precision_loss,
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a part of some dozen events"
                )]
                let first = (records.len() as f64 * part) as usize;
                runtime.block_on(async {
                    world.clear().await;
                    world.project(vec![records.clone()]).await.unwrap();
                    let whole = world.rows().await;
                    world.clear().await;
                    world.empty_store().await;
                    world.plant_all(&records[..first]).await;
                    let feed = ListFeed::default();
                    let mut live = world.projector(&feed);
                    for batch in cut(&records[..first], &history.cuts) {
                        feed.put(batch);
                    }
                    settle(&mut live).await.unwrap();
                    let before = world.rows().await;
                    let swapped = rebuild(&world, &every_view(), batch, &mut all_equal())
                        .await
                        .unwrap();
                    prop_assert_eq!(swapped.events, first as u64);
                    prop_assert_eq!(before, world.rows().await);
                    // The projector goes on with the new rows, and forgets those that it remembered.
                    world.plant_all(&records[first..]).await;
                    for batch in cut(&records[first..], &history.cuts) {
                        feed.put(batch);
                    }
                    settle(&mut live).await.unwrap();
                    prop_assert_eq!(whole, world.rows().await);
                    Ok(())
                })
            },
        )
        .unwrap();
}

#[tokio::test]
async fn a_rebuild_mends_wrong_rows_and_the_way_back_brings_them_up_to_date() {
    let (world, feed, mut projector) = two_drivers().await;
    world
        .run_as_owner("UPDATE views.drivers SET vehicle = 'unicycle'")
        .await;
    let right = |world: &World| {
        let pool = world.pool.clone();
        async move {
            let wrong = "SELECT count(*) = 0 FROM views.drivers WHERE vehicle = 'unicycle'";
            sqlx::query_scalar::<_, bool>(wrong)
                .fetch_one(&pool)
                .await
                .unwrap()
        }
    };
    assert!(!right(&world).await);
    let drivers = ["drivers".to_owned()];
    let swapped = rebuild(&world, &drivers, 2, &mut all_equal())
        .await
        .unwrap();
    assert_eq!(
        (swapped.versions[0].version, swapped.versions[0].kept),
        (2, Some(1))
    );
    assert!(right(&world).await);

    let next = driver(2, 1, 2, 4);
    world.plant(&next).await;
    feed.put(vec![next]);
    settle(&mut projector).await.unwrap();
    assert_eq!(stage(&world, 2).await, "approved");
    assert!(
        right(&world).await,
        "the projector wrote no row that it remembered"
    );

    let back = roll_back(&world, "drivers").await.unwrap();
    assert_eq!(
        (back.versions[0].version, back.versions[0].kept),
        (1, Some(2))
    );
    assert!(
        !right(&world).await,
        "the rows of version 1 are as they were"
    );
    assert_eq!(
        stage(&world, 2).await,
        "approved",
        "and hold what came since"
    );
    let again = driver(1, 2, 3, 5);
    world.plant(&again).await;
    feed.put(vec![again]);
    settle(&mut projector).await.unwrap();
    assert_eq!(stage(&world, 1).await, "suspended");
    assert_eq!(
        roll_back(&world, "drivers").await.unwrap().versions[0].version,
        2
    );
    assert!(right(&world).await);
    assert_eq!(stage(&world, 1).await, "suspended");
    let third = rebuild(&world, &drivers, 2, &mut all_equal())
        .await
        .unwrap();
    assert_eq!(third.versions[0].version, 3, "a number is not given twice");
    assert!(matches!(
        roll_back(&world, "carts").await,
        Err(RebuildError::NothingKept("carts"))
    ));
}

#[tokio::test]
async fn a_difference_refuses_the_swap() {
    let (world, _feed, _projector) = two_drivers().await;
    let before = world.rows().await;
    let differs = || Compared {
        rows: 2,
        differing: 1,
        examples: vec!["drivers 1: stage".to_owned()],
    };
    let mut fold = Script(
        move |_| -> Answer { Box::pin(async move { Ok(differs()) }) },
        0,
    );
    let outcome = rebuild(&world, &every_view(), 2, &mut fold).await;
    let error = outcome.unwrap_err().to_string();
    assert!(error.starts_with("1 of 2 rows are not"), "{error}");
    assert_eq!(before, world.rows().await);
    // What it leaves behind is in nobody's way.
    rebuild(&world, &every_view(), 2, &mut all_equal())
        .await
        .unwrap();
    assert_eq!(before, world.rows().await);
}

#[tokio::test]
async fn an_event_that_cannot_be_folded_ends_it_and_names_the_event() {
    let (world, _feed, _projector) = two_drivers().await;
    let mut broken = driver(2, 1, 2, 4);
    broken.payload = r#"{"type":"approved"}"#.to_owned();
    world.plant(&broken).await;
    let before = world.rows().await;
    let outcome = rebuild(&world, &["drivers".to_owned()], 2, &mut all_equal()).await;
    let Err(RebuildError::Unfoldable {
        view,
        stream,
        sequence,
        ..
    }) = outcome
    else {
        panic!("{outcome:?}");
    };
    let id = Uuid::from_u128(2);
    assert_eq!(
        (view, stream, sequence),
        (
            "drivers",
            StreamId {
                kind: Kind::Driver,
                id
            },
            2
        )
    );
    assert_eq!(before, world.rows().await);
}

#[tokio::test]
async fn what_was_parked_is_folded_and_such_rows_are_not_kept() {
    let (world, feed, mut projector) = two_drivers().await;
    let good = driver(2, 1, 2, 4);
    let mut broken = good.clone();
    broken.payload = r#"{"type":"approved"}"#.to_owned();
    world.plant(&good).await;
    feed.put(vec![broken]);
    settle(&mut projector).await.unwrap();
    assert_eq!(stage(&world, 2).await, "registered");
    let swapped = rebuild(&world, &["drivers".to_owned()], 2, &mut all_equal())
        .await
        .unwrap();
    assert_eq!(swapped.versions[0].kept, None);
    assert_eq!(stage(&world, 2).await, "approved");
    let parked: i64 = sqlx::query_scalar("SELECT count(*) FROM views.parked_events")
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert_eq!(parked, 0);
}

#[tokio::test]
async fn events_and_reads_go_on_while_it_is_made_and_nobody_else_may_begin() {
    let (world, feed, projector) = two_drivers().await;
    let world = Arc::new(world);
    let projector = Arc::new(Mutex::new(projector));
    let (meanwhile, writer) = (Arc::clone(&world), Arc::clone(&projector));
    let mut fold = Script(
        move |asked| -> Answer {
            let (world, feed, projector) =
                (Arc::clone(&meanwhile), feed.clone(), Arc::clone(&writer));
            Box::pin(async move {
                if asked == 0 {
                    let busy =
                        Rebuild::begin(parts(&world, 2), views_named(&["drivers".to_owned()])?)
                            .await;
                    assert!(matches!(busy.err(), Some(RebuildError::Busy("drivers"))));
                    let next = driver(2, 1, 2, 4);
                    world.plant(&next).await;
                    feed.put(vec![next]);
                    settle(&mut *projector.lock().await).await?;
                }
                assert_eq!(stage(&world, 2).await, "approved");
                Ok(Compared::default())
            })
        },
        0,
    );
    let swapped = rebuild(&world, &every_view(), 2, &mut fold).await.unwrap();
    assert_eq!((swapped.position, swapped.events), (4, 4));
    assert_eq!(fold.1, 2, "all rows, then those of the tail");
    assert_eq!(stage(&world, 2).await, "approved");
}

#[tokio::test]
async fn what_comes_while_the_tail_is_compared_is_folded_before_the_swap() {
    let (world, feed, projector) = two_drivers().await;
    let world = Arc::new(world);
    let projector = Arc::new(Mutex::new(projector));
    let meanwhile = Arc::clone(&world);
    let mut fold = Script(
        move |asked| -> Answer {
            let (world, feed, projector) =
                (Arc::clone(&meanwhile), feed.clone(), Arc::clone(&projector));
            Box::pin(async move {
                // All rows are asked for, then the tail, then what came after it.
                let next = match asked {
                    0 => driver(2, 1, 2, 4),
                    1 => driver(2, 2, 3, 5),
                    _ => return Ok(Compared::default()),
                };
                world.plant(&next).await;
                feed.put(vec![next]);
                settle(&mut *projector.lock().await).await?;
                Ok(Compared::default())
            })
        },
        0,
    );
    let swapped = rebuild(&world, &every_view(), 2, &mut fold).await.unwrap();
    assert_eq!((swapped.position, swapped.events), (5, 5));
    assert_eq!(fold.1, 3);
    assert_eq!(stage(&world, 2).await, "suspended");
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "the batch waits for the swap, and the swap for the rest of the rebuild"
)]
async fn a_batch_that_changes_no_row_of_the_view_does_not_overtake_the_swap() {
    let (world, feed, projector) = two_drivers().await;
    let world = Arc::new(world);
    let projector = Arc::new(Mutex::new(projector));
    let (meanwhile, writer) = (Arc::clone(&world), Arc::clone(&projector));
    let mut fold = Script(
        move |asked| -> Answer {
            let (world, feed, projector) =
                (Arc::clone(&meanwhile), feed.clone(), Arc::clone(&writer));
            Box::pin(async move {
                let (next, is_held) = match asked {
                    0 => (driver(2, 1, 2, 4), false),
                    1 => (driver(2, 2, 3, 5), false),
                    2 => (
                        record(&samples(Kind::Cart)[0], Uuid::from_u128(3), 1, 6),
                        true,
                    ),
                    _ => return Ok(Compared::default()),
                };
                world.plant(&next).await;
                feed.put(vec![next]);
                let writing =
                    tokio::spawn(async move { settle(&mut *projector.lock().await).await });
                if is_held {
                    until_held(&world, &writing).await;
                } else {
                    writing.await??;
                }
                Ok(Compared::default())
            })
        },
        0,
    );
    let swapped = rebuild(&world, &["drivers".to_owned()], 2, &mut fold).await;
    assert_eq!(swapped.unwrap().position, 5);
    assert_eq!(fold.1, 3);
    settle(&mut *projector.lock().await).await.unwrap();
    assert_eq!(stage(&world, 2).await, "suspended");
    let least: i64 = sqlx::query_scalar("SELECT min(position) FROM views.checkpoints")
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert_eq!(least, 6);
}

/// Waits until a session of this database waits for a lock, or `writing` did not have to.
async fn until_held<T>(world: &World, writing: &tokio::task::JoinHandle<T>) {
    let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity
                                WHERE datname = current_database() AND wait_event_type = 'Lock')";
    let owner = world.database.owner();
    while !writing.is_finished() {
        if sqlx::query_scalar(waits).fetch_one(&owner).await.unwrap() {
            break;
        }
    }
    owner.close().await;
}

#[tokio::test]
async fn a_dead_source_or_a_dead_session_leaves_what_is_served() {
    let (world, _feed, _projector) = two_drivers().await;
    let before = world.rows().await;
    let mut dead = Script(
        |_| -> Answer { Box::pin(async { Err("the source is dead".into()) }) },
        0,
    );
    let outcome = rebuild(&world, &every_view(), 2, &mut dead).await;
    assert!(
        matches!(outcome, Err(RebuildError::Uncompared(_))),
        "{outcome:?}"
    );
    assert_eq!(before, world.rows().await);

    // As when the process is killed: its session ends, and with it the locks.
    let owner = world.database.owner();
    let mut killed = Script(
        move |_| -> Answer {
            let owner = owner.clone();
            Box::pin(async move {
                sqlx::query(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'
                     AND classid = x'72626c64'::int::oid AND database =
                         (SELECT oid FROM pg_database WHERE datname = current_database())",
                )
                .execute(&owner)
                .await?;
                Ok(Compared::default())
            })
        },
        0,
    );
    let outcome = rebuild(&world, &every_view(), 2, &mut killed).await;
    assert!(
        matches!(outcome, Err(RebuildError::Database(_))),
        "{outcome:?}"
    );
    assert_eq!(before, world.rows().await);
    rebuild(&world, &every_view(), 2, &mut all_equal())
        .await
        .unwrap();
    assert_eq!(before, world.rows().await);
}

/// Everything that a migration says of the tables of `views`.
async fn shapes(world: &World) -> Vec<String> {
    let sql = "
        SELECT format('%s options %s', relname, reloptions) FROM pg_class
        WHERE relnamespace = 'views'::regnamespace AND relkind = 'r'
        UNION ALL
        SELECT format('%s grant %s to %s', table_name, privilege_type, grantee)
        FROM information_schema.role_table_grants WHERE table_schema = 'views'
        UNION ALL
        SELECT indexdef FROM pg_indexes WHERE schemaname = 'views'
        UNION ALL
        SELECT format('%s constraint %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
        FROM pg_constraint WHERE connamespace = 'views'::regnamespace
        UNION ALL
        SELECT format('%s.%s %s %s %s %s', attrelid::regclass, attname, atttypid::regtype, attnotnull,
                      attgenerated, pg_get_expr(adbin, adrelid))
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE relnamespace = 'views'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
        ORDER BY 1";
    sqlx::query_scalar(sql)
        .fetch_all(&world.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_rebuilt_table_is_what_the_migrations_made() {
    let (world, _feed, _projector) = two_drivers().await;
    let before = shapes(&world).await;
    rebuild(&world, &every_view(), 100, &mut all_equal())
        .await
        .unwrap();
    assert_eq!(before, shapes(&world).await);
    rebuild(&world, &every_view(), 100, &mut all_equal())
        .await
        .unwrap();
    assert_eq!(before, shapes(&world).await, "also the second time");
}

#[tokio::test]
async fn only_views_are_rebuilt() {
    assert!(matches!(
        views_named(&["drivers".to_owned(), "parked_events".to_owned()]),
        Err(RebuildError::Unknown(name)) if name == "parked_events"
    ));
}

#[tokio::test]
async fn on_the_way_back_rows_that_miss_parked_events_are_not_kept() {
    let (world, feed, mut projector) = two_drivers().await;
    let drivers = ["drivers".to_owned()];
    rebuild(&world, &drivers, 2, &mut all_equal())
        .await
        .unwrap();
    let stored = driver(2, 1, 2, 4);
    world.plant(&stored).await;
    let mut damaged = stored;
    damaged.payload = r#"{"type":"approved"}"#.to_owned();
    feed.put(vec![damaged]);
    settle(&mut projector).await.unwrap();
    assert_eq!(stage(&world, 2).await, "registered", "it is parked");
    let back = roll_back(&world, "drivers").await.unwrap();
    assert_eq!(
        (back.versions[0].version, back.versions[0].kept),
        (1, None),
        "nothing would ever fold it into the rows that missed it"
    );
    assert_eq!(stage(&world, 2).await, "approved");
    assert!(matches!(
        roll_back(&world, "drivers").await,
        Err(RebuildError::NothingKept("drivers"))
    ));
}

#[tokio::test]
async fn there_is_no_way_back_to_a_table_with_other_rules() {
    let (world, _feed, _projector) = two_drivers().await;
    let drivers = ["drivers".to_owned()];
    rebuild(&world, &drivers, 2, &mut all_equal())
        .await
        .unwrap();
    world
        .run_as_owner("ALTER TABLE views.drivers ADD CHECK (vehicle <> 'unicycle')")
        .await;
    assert!(matches!(
        roll_back(&world, "drivers").await,
        Err(RebuildError::Reshaped("drivers"))
    ));
}

//! Rows and the checkpoints that stand for them: both are committed or neither is, whichever of them fails; and without
//! checkpoints the rows know what they have folded.

use domain::aggregates::Kind;
use infra::feed::FeedRecord;
use uuid::Uuid;

use crate::feed::record;
use crate::world::{World, samples};

/// The `nth` event of a driver, which comes at that position.
fn driver(nth: i64) -> FeedRecord {
    let sample = &samples(Kind::Driver)[usize::try_from(nth).unwrap() - 1];
    record(sample, Uuid::from_u128(1), nth, nth)
}

/// Rows of all views, then the checkpoints.
async fn all(world: &World) -> (Vec<(&'static str, String)>, String) {
    let marks = "SELECT json_agg(c ORDER BY c.view, c.topic)::text FROM views.checkpoints c";
    let marks = sqlx::query_scalar(marks).fetch_one(&world.pool).await;
    (world.rows().await, marks.unwrap())
}

#[tokio::test]
async fn rows_and_checkpoints_move_together_or_not_at_all() {
    for table in ["drivers", "checkpoints"] {
        let world = World::new().await;
        world.project(vec![vec![driver(1)]]).await.unwrap();
        world.make_fragile().await;
        world
            .run_as_owner(&format!(
                "DROP TRIGGER refuse ON views.checkpoints;
                 CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON views.{table}
                 FOR EACH STATEMENT EXECUTE FUNCTION public.refuse()"
            ))
            .await;
        let before = all(&world).await;
        world.refuse_commits(true).await;
        let refused = world.project(vec![vec![driver(2)]]).await;
        assert!(refused.is_err(), "{table} was not written");
        assert_eq!(all(&world).await, before, "{table} was refused");
        world.refuse_commits(false).await;
        world.project(vec![vec![driver(2)]]).await.unwrap();
        assert_ne!(all(&world).await, before);
    }
}

#[tokio::test]
async fn an_event_that_comes_again_changes_nothing() {
    let world = World::new().await;
    world
        .project(vec![vec![driver(1), driver(2)]])
        .await
        .unwrap();
    let before = world.rows().await;
    world.run_as_owner("TRUNCATE views.checkpoints").await;
    world.project(vec![vec![driver(1)]]).await.unwrap();
    assert_eq!(world.rows().await, before);
}

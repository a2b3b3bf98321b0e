//! Our deciders and our store behind cqrs-es's traits, and postgres-es reading the table we write.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use chrono::{DateTime, Utc};
use cqrs_es::persist::PersistedEventRepository as _;
use cqrs_es::{AggregateContext as _, AggregateError, CqrsFramework, EventStore as _};
use domain::decider::{Context, Event as _};
use domain::restaurant::restaurant::{Restaurant, RestaurantCommand, RestaurantEvent};
use infra::event_store::{CqrsEventStore, EventStore, Folded};
use infra::postgres::Role;
use infra::testing::TestDatabase;
use postgres_es::PostgresEventRepository;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

fn context() -> Context {
    let now: DateTime<Utc> = "2026-11-22T12:00:00Z".parse().unwrap();
    Context::new(now, [7; 10])
}

/// The registration that the domain gives as a sample.
fn registration() -> RestaurantCommand {
    let found = RestaurantEvent::samples().into_iter().find_map(|event| {
        if let RestaurantEvent::Registered(registration) = event {
            Some(registration)
        } else {
            None
        }
    });
    RestaurantCommand::Register(found.unwrap())
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "a test runs the store's tasks by itself"
)]
async fn a_decider_runs_in_the_framework_and_its_events_are_read_by_postgres_es() {
    let database = TestDatabase::create().await;
    let (store, tasks) = EventStore::new(database.pool(Role::App), database.options());
    let stop = CancellationToken::new();
    let tasks = tokio::spawn(tasks.run(stop.clone()));
    let id = Uuid::from_u128(1).to_string();

    let events =
        CqrsEventStore::<Restaurant>::new(store.clone(), database.pool(Role::App), context());
    let framework = CqrsFramework::new(events, vec![], context());
    framework.execute(&id, registration()).await.unwrap();
    let approve = RestaurantCommand::Approve {
        menu_published: false,
    };
    let refused = framework.execute(&id, approve).await;
    assert!(
        matches!(refused, Err(AggregateError::UserError(_))),
        "{refused:?}"
    );

    let reader =
        CqrsEventStore::<Restaurant>::new(store.clone(), database.pool(Role::App), context());
    let mut loaded = reader.load_aggregate(&id).await.unwrap();
    assert_ne!(loaded.aggregate().0, Restaurant::default());
    assert_eq!(reader.load_events(&id).await.unwrap().len(), 1);

    let theirs = PostgresEventRepository::new(database.pool(Role::Checker))
        .with_tables("es.events", "es.snapshots");
    let stored = theirs.get_events::<Folded<Restaurant>>(&id).await.unwrap();
    assert_eq!(stored.len(), 1);
    let first = &stored[0];
    assert_eq!(
        (first.sequence, first.event_type.as_str()),
        (1, "registered")
    );
    assert_eq!(
        (first.aggregate_type.as_str(), first.aggregate_id.as_str()),
        ("restaurant.restaurant", id.as_str())
    );

    drop(store);
    stop.cancel();
    tasks.await.unwrap();
}

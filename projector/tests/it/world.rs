//! A database with a projector over it, and what its views hold.

use domain::aggregates::{AnyEvent, Kind};
use domain::decider::Event;
use infra::applied::AppliedHub;
use infra::clock::TestClock;
use infra::event_store::EventLog;
use infra::feed::{Feed, FeedRecord};
use infra::http::health::Readiness;
use infra::lifecycle::Progress;
use infra::postgres::Role;
use infra::testing::TestDatabase;
use projector::{Announce, IndexQueue, Parts, Projector, ProjectorError, VIEWS};
use sqlx::PgPool;

use crate::feed::{ListFeed, at};

/// A database with migrated schemas.
pub(crate) struct World {
    pub(crate) database: TestDatabase,
    pub(crate) pool: PgPool,
    pub(crate) hub: AppliedHub,
    pub(crate) clock: TestClock,
    pub(crate) readiness: Readiness,
}

impl World {
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::create().await;
        let pool = database.pool(Role::Projector);
        Self {
            database,
            pool,
            hub: AppliedHub::new(),
            clock: TestClock::at(at(0), 1),
            readiness: Readiness::new(),
        }
    }

    pub(crate) fn projector(&self, feed: &ListFeed) -> Projector {
        self.projector_with(feed, None)
    }

    pub(crate) fn projector_with(&self, feed: &ListFeed, index: Option<IndexQueue>) -> Projector {
        self.projector_over(Box::new(feed.clone()), self, index)
    }

    /// A projector into these views, over a feed and the log of any database.
    pub(crate) fn projector_over(
        &self,
        feed: Box<dyn Feed>,
        log: &Self,
        index: Option<IndexQueue>,
    ) -> Projector {
        Projector::new(Parts {
            feed,
            pool: self.pool.clone(),
            log: EventLog::new(log.pool.clone()),
            hub: self.hub.clone(),
            announce: Announce::Everywhere,
            clock: self.clock.clock(),
            index,
            readiness: self.readiness.clone(),
        })
    }

    /// Projects batches with a projector of their own.
    pub(crate) async fn project(
        &self,
        batches: Vec<Vec<FeedRecord>>,
    ) -> Result<(), ProjectorError> {
        let feed = ListFeed::default();
        let count = batches.len();
        for batch in batches {
            feed.put(batch);
        }
        let mut projector = self.projector(&feed);
        for _ in 0..count {
            projector.advance().await?;
        }
        settle(&mut projector).await
    }

    /// Every row of every view, as JSON text.
    pub(crate) async fn rows(&self) -> Vec<(&'static str, String)> {
        let owner = self.database.owner();
        let mut rows = Vec::new();
        for view in VIEWS {
            let name = view.name;
            // The name comes from the list of views; there is no macro for a table by name.
            let sql = format!(
                "SELECT coalesce(json_agg(v ORDER BY v::text)::text, '') FROM views.{name} v"
            );
            let text: String = sqlx::query_scalar(&sql).fetch_one(&owner).await.unwrap();
            rows.push((name, text));
        }
        owner.close().await;
        rows
    }

    /// Puts an event into the store as if it had been appended and numbered.
    pub(crate) async fn plant(&self, record: &FeedRecord) {
        self.plant_all(std::slice::from_ref(record)).await;
    }

    /// Puts events into the store as if they had been appended and numbered.
    pub(crate) async fn plant_all(&self, records: &[FeedRecord]) {
        let owner = self.database.owner();
        for record in records {
            plant(&owner, record).await;
        }
        owner.close().await;
    }

    /// Empties the store, which only its superuser can.
    pub(crate) async fn empty_store(&self) {
        self.run_as_owner(
            "SET session_replication_role = replica;
             TRUNCATE es.events, es.event_log;
             SET session_replication_role = DEFAULT",
        )
        .await;
    }

    /// Lets commits of batches be refused, by [`World::refuse_commits`].
    pub(crate) async fn make_fragile(&self) {
        self.run_as_owner(
            "CREATE TABLE public.refusals ();
             GRANT SELECT ON public.refusals TO ramen_projector;
             CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN
                 IF EXISTS (SELECT FROM public.refusals) THEN RAISE EXCEPTION 'planted'; END IF;
                 RETURN NULL;
             END $$;
             CREATE CONSTRAINT TRIGGER refuse AFTER UPDATE ON views.checkpoints
             DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.refuse()",
        )
        .await;
    }

    /// From now on what moves a checkpoint fails at its commit, or does not.
    pub(crate) async fn refuse_commits(&self, refuse: bool) {
        let sql = if refuse {
            "INSERT INTO public.refusals DEFAULT VALUES"
        } else {
            "DELETE FROM public.refusals"
        };
        self.run_as_owner(sql).await;
    }

    /// Runs statements with the owner's rights.
    pub(crate) async fn run_as_owner(&self, sql: &str) {
        let owner = self.database.owner();
        sqlx::raw_sql(sql).execute(&owner).await.unwrap();
        owner.close().await;
    }

    /// Empties the views.
    pub(crate) async fn clear(&self) {
        let owner = self.database.owner();
        for view in VIEWS
            .iter()
            .map(|view| view.name)
            .chain(["checkpoints", "parked_events"])
        {
            let sql = format!("TRUNCATE views.{view}");
            sqlx::query(&sql).execute(&owner).await.unwrap();
        }
        owner.close().await;
    }
}

async fn plant(owner: &PgPool, record: &FeedRecord) {
    let row: i64 = sqlx::query_scalar(
        "INSERT INTO es.events (aggregate_type, aggregate_id, sequence, event_type, event_version,
             payload, metadata, event_id, recorded_at)
         VALUES ($1, $2, $3, $4, $5, $6::json, $7::json, $8, $9) RETURNING id",
    )
    .bind(record.kind.as_str())
    .bind(record.stream.to_string())
    .bind(record.sequence)
    .bind(&record.event_type)
    .bind(&record.event_version)
    .bind(&record.payload)
    .bind(&record.metadata)
    .bind(record.event_id)
    .bind(record.recorded_at)
    .fetch_one(owner)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO es.event_log (position, event_row, assigned_at, hash) VALUES ($1, $2, $3, $4)",
    )
    .bind(record.position)
    .bind(row)
    .bind(at(0))
    .bind(record.hash.as_bytes())
    .execute(owner)
    .await
    .unwrap();
}

/// Steps until nothing is left to do.
pub(crate) async fn settle(projector: &mut Projector) -> Result<(), ProjectorError> {
    while projector.advance().await? != Progress::Idle {}
    Ok(())
}

/// One of every event of a kind, the one that opens the stream first.
pub(crate) fn samples(kind: Kind) -> Vec<AnyEvent> {
    fn all<E: Event + Into<AnyEvent>>() -> Vec<AnyEvent> {
        E::samples().into_iter().map(Into::into).collect()
    }
    match kind {
        Kind::Restaurant => all::<domain::restaurant::restaurant::RestaurantEvent>(),
        Kind::Menu => all::<domain::restaurant::menu::MenuEvent>(),
        Kind::Inventory => all::<domain::restaurant::inventory::InventoryEvent>(),
        Kind::Promotion => all::<domain::restaurant::promotion::PromotionEvent>(),
        Kind::PromotionBook => all::<domain::restaurant::promotion_book::PromotionBookEvent>(),
        Kind::Cart => all::<domain::ordering::cart::CartEvent>(),
        Kind::Order => all::<domain::ordering::order::OrderEvent>(),
        Kind::Payment => all::<domain::payment::payment::PaymentEvent>(),
        Kind::Delivery => all::<domain::delivery::delivery::DeliveryEvent>(),
        Kind::Driver => all::<domain::driver::driver::DriverEvent>(),
    }
}

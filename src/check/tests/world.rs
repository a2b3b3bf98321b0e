//! The world in a database: the story's events numbered and chained by the store's own functions, the
//! views and the index made by the projector, the tables of processes as they are when all is done.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use command_api::publisher::{Notary, Signer};
use infra::applied::AppliedHub;
use infra::clock::Clock;
use infra::config::Config;
use infra::event_store::EventLog;
use infra::feed::{HeadWatch, StoreFeed};
use infra::lifecycle::{Loop as _, Progress};
use infra::postgres::Role;
use infra::testing::TestDatabase;
use projector::{Announce, Deps, Settings};
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Executor as _, PgConnection};
use tempfile::TempDir;
use tokio::sync::watch;
use uuid::Uuid;

use super::story::{Checkout, Told, story};
use crate::check::{CheckArgs, LiveArgs, Verdict, verdict};

/// Appends an event to its stream, numbers and chains it. Plants use it, too.
const PLANT: &str = "
CREATE FUNCTION es.tid(number integer) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT '01900000-0000-7000-8000-' || lpad(number::text, 12, '0')
$$;
CREATE FUNCTION es.plant(kind text, stream text, body json, about json DEFAULT '{\"role\":\"system\"}')
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    event es.events;
    last es.sequencer;
BEGIN
    SELECT * INTO last FROM es.sequencer;
    INSERT INTO es.events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
                           metadata, event_id, recorded_at)
    SELECT kind, stream, coalesce(max(sequence), 0) + 1, body ->> 'type', '1', body, about,
           md5('event ' || last.position)::uuid,
           '2026-11-20 18:00:00.000123Z'::timestamptz + last.position * interval '1 second'
    FROM es.events WHERE aggregate_type = kind AND aggregate_id = stream
    RETURNING * INTO event;
    INSERT INTO es.event_log (position, event_row, assigned_at, hash)
    VALUES (last.position + 1, event.id, event.recorded_at,
            es.chain_step(last.hash, last.hash, last.position + 1, es.leaf(event)));
    UPDATE es.sequencer SET (position, hash) =
        (SELECT position, hash FROM es.event_log WHERE position = last.position + 1);
    RETURN last.position + 1;
END
$$";

/// The key of a command's record: SHA-256 over principal, method, route and key, each behind its length in
/// 8 bytes. Here for checkouts.
const RECORD_KEY: &str = "
CREATE FUNCTION es.record_key(principal uuid, key text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(int8send(16) || uuid_send(principal) || int8send(4) || 'POST'::bytea
        || int8send(28) || '/v1/carts/{cart_id}/checkout'::bytea
        || int8send(length(key)) || convert_to(key, 'UTF8'))
$$";

/// What processes and the inbox hold when the story is over. `last` is the log's last position.
const FINISHED: &str = "
INSERT INTO ops.process_positions SELECT process, position, hash, 1
FROM es.sequencer, unnest(ARRAY['order_fulfilment', 'shop_reachability']) AS process;
INSERT INTO ops.process_instances
SELECT 'order_fulfilment', order_id, '{}', state <> 'delivered' FROM views.orders;
INSERT INTO ops.effects
    (effect_id, process, instance, kind, effect, status, due_at, created_at, finished_at)
SELECT md5('effect ' || order_id)::uuid, 'order_fulfilment', order_id, 'command',
       '{\"type\":\"command\"}', 'done', checked_out_at, checked_out_at, checked_out_at
FROM views.orders;
INSERT INTO ops.timers
SELECT 'order_fulfilment', order_id, 'completion', delivered_at + interval '48 hours',
       md5('timer ' || order_id)::uuid, '{\"type\":\"command\"}'
FROM views.orders WHERE state = 'delivered';
INSERT INTO ops.webhook_inbox (source, event_key, received_at, body, status, due_at)
SELECT 'stripe', 'evt_' || intent, updated_at,
       json_build_object('v', 1, 'k', payment_id, 'n', 'bm9uY2U=', 'c', 'c2VhbGVk', 'o',
           json_build_object('kind', 'ops.webhook_inbox', 'id', md5(intent)::uuid, 'field', 'body')),
       'done', updated_at
FROM views.payments WHERE intent IS NOT NULL;
INSERT INTO ops.command_records (key_hash, fingerprint, status, headers, body, created_at)
SELECT es.record_key(customer_id, order_id::text), sha256('asked'), 201,
       json_build_object('content-type', 'application/json', 'x-consistency-token',
           translate(encode(convert_to('ordering.order:' || order_id || ':1', 'UTF8'), 'base64'),
                     '+/=' || chr(10), '-_')),
       '{\"order_id\":\"' || order_id || '\"}', checked_out_at
FROM views.orders;
INSERT INTO ops.command_records (key_hash, fingerprint, status, headers, body, created_at)
VALUES (es.record_key(es.tid(15)::uuid, 'refused'), sha256('asked'), 422, '{\"content-type\":\"application/problem+json\"}',
        '{\"code\":\"out_of_stock\"}', '2026-11-20 11:00Z');
";

/// Signs the world's checkpoints.
fn notary() -> Arc<Notary> {
    let settings = Config::read(&|_| Ok(None)).unwrap().checkpoints;
    Arc::new(Notary::new(&settings).unwrap())
}

/// The metadata of an event: checkouts are asked for by customers, in the first request under their
/// order's key; all else the system does.
fn asked_by(stream: &str, body: &Value) -> Value {
    match body["type"].as_str() {
        Some("checked_out") if body["payment"].is_string() => {
            json!({ "role": "customer", "request_id": format!("{stream}.1") })
        }
        _ => json!({ "role": "system" }),
    }
}

/// The finished world, from which copies are made.
pub(super) struct World {
    database: TestDatabase,
    folder: TempDir,
}

impl World {
    /// An empty database in which things can be told.
    pub(super) async fn begin() -> Self {
        let database = TestDatabase::create().await;
        let folder = tempfile::tempdir().unwrap();
        let mut owner = database.options().connect().await.unwrap();
        for function in [PLANT, RECORD_KEY] {
            owner.execute(function).await.unwrap();
        }
        Self { database, folder }
    }

    /// Tells the story and lets the projector make its views and index.
    pub(super) async fn build() -> Self {
        let world = Self::begin().await;
        world.tell(&story()).await;
        world.project().await;
        world.sign().await;
        let mut owner = world.database.options().connect().await.unwrap();
        owner.execute(FINISHED).await.unwrap();
        world
    }

    /// Appends and numbers what is told.
    pub(super) async fn tell(&self, told: &[Told]) {
        let mut owner = self.database.options().connect().await.unwrap();
        for (kind, stream, body) in told {
            sqlx::query("SELECT es.plant($1, $2, $3::text::json, $4::text::json)")
                .bind(kind)
                .bind(stream)
                .bind(body.to_string())
                .bind(asked_by(stream, body).to_string())
                .execute(&mut owner)
                .await
                .unwrap();
        }
    }

    /// Lets the projector fold all that was told.
    pub(super) async fn project(&self) {
        let pool = self.database.pool(Role::Projector);
        let log = EventLog::new(pool.clone());
        let deps = Deps {
            feed: Box::new(StoreFeed::new(log.clone(), &HeadWatch::default())),
            pool: pool.clone(),
            log,
            hub: AppliedHub::new(),
            clock: Clock::system(),
            readiness: infra::http::health::Readiness::new(),
        };
        let settings = Settings {
            search_directory: Some(self.index()),
            announce: Announce::Here,
        };
        let (mut projector, indexer, _queue) = projector::build(settings, deps).await.unwrap();
        while projector.advance().await.unwrap() != Progress::Idle {}
        let mut indexer = indexer.unwrap();
        while indexer.advance().await.unwrap() != Progress::Idle {}
        pool.close().await;
    }

    /// Lets the log be signed as far as it goes.
    pub(super) async fn sign(&self) {
        let (_leader, leading) = watch::channel(Some(1));
        let pool = self.database.pool(Role::App);
        let mut signer = Signer::new(pool.clone(), Clock::system(), notary(), leading);
        while signer.step().await.unwrap() != Progress::Idle {}
        pool.close().await;
    }

    fn index(&self) -> PathBuf {
        self.folder.path().join("index")
    }

    /// Who looks at it while it grows.
    pub(super) fn args(&self) -> CheckArgs {
        args(&self.database.options(), self.index())
    }

    /// A copy to plant a fault into.
    pub(super) async fn copy(&self) -> Copy {
        let name = format!("{}_copy", self.database.options().get_database().unwrap());
        let mut admin = self.admin().await;
        let golden = self.database.options();
        let golden = golden.get_database().unwrap();
        for sql in [
            format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
            format!("CREATE DATABASE {name} TEMPLATE {golden} STRATEGY FILE_COPY"),
        ] {
            admin.execute(sql.as_str()).await.unwrap();
        }
        Copy {
            options: self.database.options().database(&name),
            index: self.index(),
        }
    }

    /// Drops the last copy.
    pub(super) async fn end(self) {
        let mut admin = self.admin().await;
        let name = format!("{}_copy", self.database.options().get_database().unwrap());
        let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        admin.execute(sql.as_str()).await.unwrap();
    }

    async fn admin(&self) -> PgConnection {
        self.database
            .options()
            .database("postgres")
            .connect()
            .await
            .unwrap()
    }
}

/// A copy of the world.
pub(super) struct Copy {
    options: PgConnectOptions,
    index: PathBuf,
}

impl Copy {
    /// Changes it by SQL as the owner, without triggers and without foreign eyes.
    pub(super) async fn plant(&self, sql: &str) {
        let mut owner = self.options.connect().await.unwrap();
        owner
            .execute("SET session_replication_role = replica")
            .await
            .unwrap();
        if let Err(error) = owner.execute(sql).await {
            panic!("{sql}: {error}");
        }
    }

    /// Every stream's kind and id.
    pub(super) async fn streams(&self) -> Vec<(String, Uuid)> {
        let mut owner = self.options.connect().await.unwrap();
        sqlx::query_as("SELECT DISTINCT aggregate_type, aggregate_id::uuid FROM es.events")
            .fetch_all(&mut owner)
            .await
            .unwrap()
    }

    /// Who looks at it: database and index, nothing else.
    pub(super) fn args(&self) -> CheckArgs {
        args(&self.options, self.index.clone())
    }

    /// What the checker says of it.
    pub(super) async fn verdict(&self) -> Verdict {
        verdict(&self.args()).await.unwrap()
    }

    /// What the checker says of it, given a client's history.
    pub(super) async fn verdict_with_history(&self, history: &Path) -> Verdict {
        let args = CheckArgs {
            history: Some(history.to_owned()),
            ..self.args()
        };
        verdict(&args).await.unwrap()
    }
}

fn args(options: &PgConnectOptions, index: PathBuf) -> CheckArgs {
    CheckArgs {
        database_url: options.to_url_lossy().to_string(),
        views_url: None,
        kafka_brokers: None,
        topic_prefix: "ramen".to_owned(),
        sandbox_url: None,
        index: Some(index),
        history: None,
        verifiers: notary().verifiers(),
        json: false,
        full: true,
        live: LiveArgs::default(),
    }
}

/// The orders of the world.
pub(super) fn checkouts() -> [Checkout; 5] {
    [1, 2, 3, 4, 5].map(Checkout)
}

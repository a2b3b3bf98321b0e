//! Puts the services together as `ramen::stack` does, with loops that are stepped by hand.

use std::sync::Arc;

use command_api::gateways::payment::Vendor;
use command_api::gateways::payment::stripe::StripeConfig;
use command_api::processes::EffectsInFlight;
use command_api::processes::inbox::WebhooksInFlight;
use command_api::publisher::Notary;
use command_api::{App, Deps, Publishing, Redrive};
use infra::applied::AppliedHub;
use infra::clock::TestClock;
use infra::config::{Config, Secret};
use infra::event_store::EventLog;
use infra::feed::{HeadWatch, StoreFeed};
use infra::http::Edge;
use infra::http::health::Readiness;
use infra::http::logins::{Logins, PgLogins};
use infra::http::serve::{Rules, serve};
use infra::http::token::Tokens;
use infra::lifecycle::{Loop as _, Progress, Tasks};
use infra::postgres::Role as DatabaseRole;
use infra::testing::TestDatabase;
use infra::vault::Vault;
use projector::redrive::Redriver;
use projector::{Announce, Projector, SearchIndexer};
use ramen::redrive::Redrives;
use serde_json::Value;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Mutex;

/// A Sunday noon in Taipei, when shops are open.
const NOON: &str = "2026-11-22T04:00:00Z";

/// The projector's way of redriving, for a write side.
fn redrives(pool: PgPool, hub: &AppliedHub) -> Arc<dyn Redrive> {
    Arc::new(Redrives(Redriver::new(pool, hub.clone())))
}

/// The whole system, for one test.
pub(crate) struct TestApp {
    pub(crate) database: TestDatabase,
    pub(crate) clock: TestClock,
    pub(crate) base: String,
    pub(crate) vendor: String,
    pub(crate) client: reqwest::Client,
    pub(crate) tokens: Tokens,
    pub(crate) logins: PgLogins,
    pub(crate) tasks: Tasks,
    config: Config,
    loops: Mutex<Loops>,
    in_flight: EffectsInFlight,
    webhooks: WebhooksInFlight,
    folder: TempDir,
}

struct Loops {
    publishing: Publishing,
    projector: Projector,
    indexer: SearchIndexer,
}

impl TestApp {
    /// Starts everything at Sunday noon.
    pub(crate) async fn start() -> Self {
        // On the heap: a whole marketplace is large, and most tests hold one in their own future.
        Box::pin(Self::start_with(|_| {})).await
    }

    /// Starts everything with the sandbox configured by `vendors`.
    pub(crate) async fn start_with(vendors: impl FnOnce(&mut sandbox::Config)) -> Self {
        let database = TestDatabase::create().await;
        let clock = TestClock::at(NOON.parse().unwrap(), 1);
        let tasks = Tasks::new(clock.clock());
        let mut config = Config::read(&|_| Ok(None)).unwrap();
        config.http.rate_quota = 1_000_000;
        config.postgres.events = Some(Secret::new(database.url()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let vendor = play_vendors(&config, &base, &tasks, vendors).await;
        let folder = tempfile::tempdir().unwrap();
        let index = folder.path().join("search");
        let vault_pool = database.pool(DatabaseRole::Vault);
        let vault = Vault::new(vault_pool, &config.vault, clock.clock()).unwrap();
        let stripe = StripeConfig::new(&config.stripe, config.stage, &vendor);
        let hub = AppliedHub::new();
        let deps = Deps {
            pool: database.pool(DatabaseRole::App),
            options: database.options(),
            vault: vault.clone(),
            clock: clock.clock(),
            webhook_secrets: stripe.webhook_secrets.clone(),
            payments: Vendor::Stripe(stripe).connect(clock.clock()).unwrap(),
            notary: Arc::new(Notary::new(&config.checkpoints).unwrap()),
            redrive: redrives(database.pool(DatabaseRole::Projector), &hub),
            head: HeadWatch::default(),
        };
        let (app, store) = App::new(&deps);
        let stop = tasks.stop().last_token();
        tasks.last("event store", async move {
            store.run(stop).await;
            Ok::<_, std::convert::Infallible>(())
        });
        let readiness = Readiness::new();
        let publishing =
            Publishing::new(&app, database.options(), None, &tasks, &readiness).unwrap();
        let log = EventLog::new(database.pool(DatabaseRole::Projector));
        let settings = projector::Settings {
            search_directory: Some(index.clone()),
            announce: Announce::Here,
        };
        let parts = projector::Deps {
            feed: Box::new(StoreFeed::new(log.clone(), &deps.head)),
            pool: database.pool(DatabaseRole::Projector),
            log,
            hub: hub.clone(),
            clock: clock.clock(),
            readiness,
        };
        let (projector, indexer, _queue) = projector::build(settings, parts).await.unwrap();
        let parts = query_api::Parts {
            pool: database.pool(DatabaseRole::Query),
            clock: clock.clock(),
            vault,
            hub: hub.clone(),
        };
        let query = query_api::App::new(parts, &index);
        query_api::keep_up_to_date(&query, &hub, false, &tasks)
            .await
            .unwrap();
        let tokens = Tokens::new(&config.tokens, clock.clock()).unwrap();
        let logins = PgLogins::new(database.pool(DatabaseRole::App));
        let known = Logins::new(Arc::new(logins.clone()), clock.clock());
        let edge = Arc::new(Edge::new(
            &config.http,
            tokens.clone(),
            known,
            clock.clock(),
        ));
        let (commands, _) = command_api::http::router(app).split_for_parts();
        let routes = edge.wrap(commands.merge(query_api::router(query)));
        tasks.service(
            "http",
            serve(listener, routes, Rules::default(), tasks.clone()),
        );
        let (in_flight, webhooks) = (publishing.in_flight(), publishing.webhooks_in_flight());
        Self {
            database,
            clock,
            base,
            vendor,
            client: reqwest::Client::builder().build().unwrap(),
            tokens,
            logins,
            tasks,
            config,
            loops: Mutex::new(Loops {
                publishing,
                projector,
                indexer: indexer.unwrap(),
            }),
            in_flight,
            webhooks,
            folder,
        }
    }

    /// A second process of the write side over the same database, with caches of its own; gives the
    /// origin of its API.
    pub(crate) async fn second_writer(&self) -> String {
        self.second_writer_over(self.database.options()).await
    }

    /// The same, reaching the database in a way of its own.
    pub(crate) async fn second_writer_over(&self, options: PgConnectOptions) -> String {
        let pool = |role| infra::postgres::pool(options.clone(), role, 4);
        let vault_pool = pool(DatabaseRole::Vault);
        let stripe = StripeConfig::new(&self.config.stripe, self.config.stage, &self.vendor);
        let deps = Deps {
            pool: pool(DatabaseRole::App),
            options: options.clone(),
            vault: Vault::new(vault_pool, &self.config.vault, self.clock.clock()).unwrap(),
            clock: self.clock.clock(),
            webhook_secrets: stripe.webhook_secrets.clone(),
            payments: Vendor::Stripe(stripe).connect(self.clock.clock()).unwrap(),
            notary: Arc::new(Notary::new(&self.config.checkpoints).unwrap()),
            redrive: redrives(pool(DatabaseRole::Projector), &AppliedHub::new()),
            head: HeadWatch::default(),
        };
        let (app, store) = App::new(&deps);
        let stop = self.tasks.stop().soft_token();
        self.tasks.service("second event store", async move {
            store.run(stop).await;
            Ok::<_, std::convert::Infallible>(())
        });
        let known = Logins::new(Arc::new(self.logins.clone()), self.clock.clock());
        let clock = self.clock.clock();
        let edge = Arc::new(Edge::new(
            &self.config.http,
            self.tokens.clone(),
            known,
            clock,
        ));
        let (routes, _) = command_api::http::router(app).split_for_parts();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let serving = serve(
            listener,
            edge.wrap(routes),
            Rules::default(),
            self.tasks.clone(),
        );
        self.tasks.service("second http", serving);
        base
    }

    /// Works until there is nothing left to do: events numbered, processes run, vendors' webhooks
    /// handled, views and index level. Fails when an effect waits or was parked.
    pub(crate) async fn settle(&self) {
        self.work().await;
        let waiting = self.postponed().await;
        assert!(
            waiting.is_empty(),
            "effects wait for another try: {waiting:?}"
        );
    }

    /// Works until there is nothing left to do now.
    pub(crate) async fn work(&self) {
        loop {
            // Asked first: what ends while the loops step has left them something to do.
            let busy = self.in_flight.count() + self.webhooks.count() > 0;
            // Then the webhooks, so that the loops find in the inbox what was on its way.
            let flushed = self.flush_webhooks().await;
            let worked = self.loops.lock().await.step().await;
            if !busy && !worked && !flushed {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Effects that failed and wait for another try: on a clock that stands still they never get
    /// one.
    pub(crate) async fn postponed(&self) -> Vec<(String, Option<String>)> {
        sqlx::query_as(
            "SELECT effect::text, last_error FROM ops.effects
             WHERE status IN ('pending', 'sent', 'parked')",
        )
        .fetch_all(&self.database.owner())
        .await
        .unwrap()
    }

    /// Lets the sandbox send what it holds back; whether there was anything.
    async fn flush_webhooks(&self) -> bool {
        let url = format!("{}/_sim/webhooks/flush", self.vendor);
        let answer: Value = self
            .client
            .post(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap_or_default();
        answer["tried"].as_u64().unwrap_or(0) > 0
    }

    /// Moves the marketplace's clock and the vendors'.
    pub(crate) async fn advance(&self, by: std::time::Duration) {
        self.clock.advance(by);
        let url = format!("{}/_sim/clock", self.vendor);
        let body = serde_json::json!({ "advance": by.as_secs() });
        let answer = self.client.post(url).json(&body).send().await.unwrap();
        assert!(
            answer.status().is_success(),
            "{}",
            answer.text().await.unwrap()
        );
    }

    /// The sandbox's ledger.
    pub(crate) async fn ledger(&self) -> Value {
        let url = format!("{}/_sim/ledger", self.vendor);
        self.client
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    /// What the sandbox holds against us.
    pub(crate) async fn breaches(&self) -> Value {
        let url = format!("{}/_sim/breaches", self.vendor);
        self.client
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    /// A command of the built binary beside this marketplace.
    pub(crate) fn command(&self, args: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ramen"));
        command
            .args(args)
            .env("RAMEN_DIR", self.folder.path())
            .env("DATABASE_URL", self.database.url())
            .env_remove("KAFKA_BROKERS");
        command
    }

    /// Stops everything; fails when something had ended by itself.
    pub(crate) async fn end(self) {
        self.tasks.shut_down().await.unwrap();
    }

    /// The checker finds nothing: in the events, the views, and the vendors' ledgers.
    pub(crate) async fn check_books(&self) {
        Box::pin(self.settle()).await;
        let mut check = self.command(&["check", "--sandbox-url", &self.vendor]);
        let output = tokio::task::spawn_blocking(move || check.output()).await;
        let output = output.unwrap().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains("no violation found"), "{told}{errors}");
    }
}

impl Loops {
    /// One step of each; whether any had work.
    async fn step(&mut self) -> bool {
        let publishing = &mut self.publishing;
        let mut worked = false;
        worked |= did(publishing.sequencer.step().await.unwrap());
        worked |= did(publishing.fulfilment.step().await.unwrap());
        worked |= did(publishing.reachability.step().await.unwrap());
        worked |= did(publishing.stays.step().await.unwrap());
        worked |= did(publishing.shorts.step().await.unwrap());
        worked |= did(publishing.timers.step().await.unwrap());
        worked |= did(publishing.effects.step().await.unwrap());
        worked |= did(publishing.inbox.step().await.unwrap());
        worked |= did(publishing.signer.step().await.unwrap());
        worked |= did(self.projector.advance().await.unwrap());
        worked |= did(self.indexer.step().await.unwrap());
        worked
    }
}

fn did(progress: Progress) -> bool {
    match progress {
        Progress::Did(count) | Progress::DidAll(count) => count > 0,
        Progress::Idle => false,
    }
}

async fn play_vendors(
    config: &Config,
    base: &str,
    tasks: &Tasks,
    vendors: impl FnOnce(&mut sandbox::Config),
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let vendor = format!("http://{}", listener.local_addr().unwrap());
    let secret = config
        .stripe
        .webhook_secrets
        .first()
        .unwrap()
        .expose()
        .clone();
    let mut settings = sandbox::Config {
        origin: Some(NOON.parse().unwrap()),
        secret_key: config.stripe.secret_key.expose().clone(),
        publishable_key: config.stripe.publishable_key.clone(),
        webhook_endpoints: vec![sandbox::WebhookEndpoint {
            url: format!("{base}/v1/webhooks/stripe"),
            secret,
        }],
        webhooks: sandbox::WebhookHabits::prompt(),
        ..sandbox::Config::default()
    };
    vendors(&mut settings);
    let stop = tasks.stop().soft_token();
    tasks.service("sandbox", sandbox::run(settings, listener, stop));
    vendor
}

//! Puts the services together in one process: all of them, or those that were asked for. What each
//! does is in its crate; here are only pools, listeners, and who is told what.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use axum::Router;
use command_api::gateways::payment::Vendor;
use command_api::gateways::payment::stripe::StripeConfig;
use command_api::publisher::Notary;
use command_api::{App, Deps, Publishing};
use infra::applied::AppliedHub;
use infra::clock::Clock;
use infra::config::{Config, Secret};
use infra::event_store::EventLog;
use infra::feed::{Feed, HeadWatch, KafkaFeed, StoreFeed};
use infra::http::Edge;
use infra::http::health::{Readiness, routes as health_routes};
use infra::http::logins::{Logins, PgLogins};
use infra::http::serve::{Rules, serve};
use infra::http::token::Tokens;
use infra::kafka::{KafkaSettings, ensure_topics};
use infra::lifecycle::{Doorbell, Tasks};
use infra::postgres::{self, Role};
use infra::telemetry::Metrics;
use infra::vault::Vault;
use projector::redrive::Redriver;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tokio::net::TcpListener;

use crate::pools::PoolWatch;
use crate::published;
use crate::ready::DatabaseProbe;
use crate::redrive::Redrives;

/// Which services run in this process.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each service is on or off by itself"
)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Services {
    /// Serves writes.
    pub command_api: bool,
    /// Numbers and publishes events and runs the processes, when it leads.
    pub publisher: bool,
    /// Folds events into views and the search index.
    pub projector: bool,
    /// Serves reads.
    pub query_api: bool,
    /// Plays the vendors.
    pub sandbox: bool,
}

impl Services {
    /// Every one.
    pub fn all() -> Self {
        Self {
            command_api: true,
            publisher: true,
            projector: true,
            query_api: true,
            sandbox: true,
        }
    }
}

/// Running services, and what is needed to use them.
pub struct Stack {
    /// Where the public API is.
    pub base: String,
    /// Where the payment vendor's API is.
    pub vendor: String,
    /// Where `/livez`, `/readyz` and `/metrics` are.
    pub health: String,
    /// The marketplace's clock.
    pub clock: Clock,
    /// Signs and reads access tokens.
    pub tokens: Tokens,
    /// Opens and ends logins.
    pub logins: PgLogins,
    /// What the log's checkpoints are verified with, a text for each key.
    pub verifiers: Vec<String>,
    /// What runs. Stop it with [`Tasks::shut_down`] or await [`Tasks::run_until_stopped`].
    pub tasks: Tasks,
}

/// What is shared while a stack is put together.
struct Site<'a> {
    config: &'a Config,
    clock: Clock,
    tasks: Tasks,
    kafka: Option<KafkaSettings>,
    events: PgConnectOptions,
    views: PgConnectOptions,
    vault: Vault,
    notary: Arc<Notary>,
    app_pool: PgPool,
    head: HeadWatch,
    hub: AppliedHub,
    readiness: Readiness,
    pools: Pools,
}

/// Every pool of the process, by name.
#[derive(Default)]
struct Pools(Mutex<Vec<(&'static str, PgPool)>>);

impl Pools {
    fn open(
        &self,
        name: &'static str,
        options: &PgConnectOptions,
        role: Role,
        connections_max: u32,
    ) -> PgPool {
        let pool = postgres::pool(options.clone(), role, connections_max);
        self.lock().push((name, pool.clone()));
        pool
    }

    fn watch(&self) -> PoolWatch {
        PoolWatch::new(self.lock().clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(&'static str, PgPool)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Applies every migration.
///
/// # Errors
/// When the database cannot be reached or a migration fails.
pub async fn migrate(config: &Config) -> anyhow::Result<()> {
    let options = postgres::options(events_url(config)?)?;
    let pool = PgPool::connect_with(options)
        .await
        .context("the database cannot be reached")?;
    postgres::migrate(&pool)
        .await
        .context("a migration failed")?;
    pool.close().await;
    Ok(())
}

fn events_url(config: &Config) -> anyhow::Result<&str> {
    let url = config
        .postgres
        .events
        .as_ref()
        .map(|url| url.expose().as_str());
    url.context("DATABASE_URL says where the events are, and it is not set")
}

impl Stack {
    /// Starts `services` as `config` says. The database must be migrated.
    ///
    /// # Errors
    /// When a listener is taken, a database or broker cannot be reached, or a key does not read.
    pub async fn start(
        config: &Config,
        services: Services,
        metrics: Metrics,
    ) -> anyhow::Result<Self> {
        let site = Site::new(config)?;
        let listener = listen(config.http.listen).await?;
        let base = address(&listener)?;
        let sandbox = if services.sandbox {
            Some(listen(config.http.sandbox_listen).await?)
        } else {
            None
        };
        let vendor = match &sandbox {
            Some(listener) => address(listener)?,
            None => format!("http://{}", config.http.sandbox_listen),
        };
        if let Some(kafka) = &site.kafka {
            ensure_topics(kafka)
                .await
                .context("the topics cannot be made")?;
        }
        let mut routes = Router::new();
        if services.command_api || services.publisher {
            routes = routes.merge(site.write_side(services, &vendor)?);
        }
        if services.projector {
            site.project()?;
        }
        if services.query_api {
            routes = routes.merge(site.read_side().await?);
        }
        if let Some(listener) = sandbox {
            site.play_vendors(listener, &base);
        }
        let tokens = Tokens::new(&config.tokens, site.clock.clone())?;
        let logins = PgLogins::new(site.app_pool.clone());
        site.serve(listener, routes, tokens.clone(), logins.clone());
        let health = site.serve_health(metrics).await?;
        Ok(Self {
            base,
            vendor,
            health,
            clock: site.clock,
            verifiers: site.notary.verifiers(),
            tokens,
            logins,
            tasks: site.tasks,
        })
    }
}

impl<'a> Site<'a> {
    fn new(config: &'a Config) -> anyhow::Result<Self> {
        let clock = config.clock.clock();
        let url = |given: &Option<Secret<String>>| match given {
            Some(url) => Ok(url.expose().clone()),
            None => events_url(config).map(str::to_owned),
        };
        let events = postgres::options(events_url(config)?)?;
        let views = postgres::options(&url(&config.postgres.views)?)?;
        let vault_options = postgres::options(&url(&config.postgres.vault)?)?;
        let connections = config.postgres.connections_max;
        let pools = Pools::default();
        let vault_pool = pools.open("vault", &vault_options, Role::Vault, connections.min(4));
        Ok(Self {
            config,
            tasks: Tasks::new(clock.clone()),
            kafka: config
                .kafka
                .as_ref()
                .map(|kafka| KafkaSettings::new(kafka, config.stage)),
            vault: Vault::new(vault_pool, &config.vault, clock.clone())?,
            notary: Arc::new(Notary::new(&config.checkpoints)?),
            app_pool: pools.open("app", &events, Role::App, connections),
            clock,
            events,
            views,
            head: HeadWatch::default(),
            hub: AppliedHub::new(),
            readiness: Readiness::new(),
            pools,
        })
    }

    fn write_side(&self, services: Services, vendor: &str) -> anyhow::Result<Router> {
        let stripe = StripeConfig::new(&self.config.stripe, self.config.stage, vendor);
        let deps = Deps {
            pool: self.app_pool.clone(),
            options: self.events.clone(),
            vault: self.vault.clone(),
            clock: self.clock.clone(),
            webhook_secrets: stripe.webhook_secrets.clone(),
            payments: Vendor::Stripe(stripe).connect(self.clock.clone())?,
            notary: Arc::clone(&self.notary),
            redrive: Arc::new(Redrives(Redriver::new(
                self.pools.open("redrive", &self.views, Role::Projector, 1),
                self.hub.clone(),
            ))),
            head: self.head.clone(),
        };
        let (app, store) = App::new(&deps);
        let stop = self.tasks.stop().last_token();
        self.tasks.last("event store", async move {
            store.run(stop).await;
            Ok::<_, std::convert::Infallible>(())
        });
        if services.publisher {
            let publishing = Publishing::new(
                &app,
                self.events.clone(),
                self.kafka.as_ref(),
                &self.tasks,
                &self.readiness,
            )?;
            publishing.run(&self.tasks);
        }
        if !services.command_api {
            return Ok(Router::new());
        }
        let (routes, _document) = command_api::http::router(app).split_for_parts();
        Ok(routes)
    }

    fn project(&self) -> anyhow::Result<()> {
        let pools = &self.pools;
        let pool = pools.open("projector", &self.views, Role::Projector, 4);
        let log_pool = pools.open("projector_log", &self.events, Role::Projector, 2);
        let log = EventLog::new(log_pool);
        let feed: Box<dyn Feed> = match &self.kafka {
            Some(kafka) => Box::new(KafkaFeed::connect(kafka, log.clone())?),
            None => Box::new(StoreFeed::new(log.clone(), &self.head)),
        };
        let settings = projector::Settings {
            search_directory: Some(self.config.data_dir.join("search")),
            // No process knows of the others: readers may always be elsewhere, too.
            announce: projector::Announce::Everywhere,
        };
        let (hub, clock) = (self.hub.clone(), self.clock.clone());
        let deps = projector::Deps {
            feed,
            pool,
            log,
            hub,
            clock,
            readiness: self.readiness.clone(),
        };
        let tasks = self.tasks.clone();
        self.tasks.service("projector", async move {
            projector::run(settings, deps, &tasks).await
        });
        Ok(())
    }

    async fn read_side(&self) -> anyhow::Result<Router> {
        let connections = self.config.postgres.connections_max;
        let parts = query_api::Parts {
            pool: self
                .pools
                .open("query", &self.views, Role::Query, connections),
            clock: self.clock.clone(),
            vault: self.vault.clone(),
            hub: self.hub.clone(),
        };
        let app = query_api::App::new(parts, &self.config.data_dir.join("search"));
        query_api::keep_up_to_date(&app, &self.hub, true, &self.tasks).await?;
        Ok(query_api::router(app))
    }

    fn play_vendors(&self, listener: TcpListener, base: &str) {
        let clock = &self.config.clock;
        let secrets = &self.config.stripe.webhook_secrets;
        let webhooks = self.config.http.sandbox_webhooks.as_deref().unwrap_or(base);
        let config = sandbox::Config {
            speed: f64::from(clock.speed),
            origin: clock.origin,
            anchor: clock.anchor,
            secret_key: self.config.stripe.secret_key.expose().clone(),
            publishable_key: self.config.stripe.publishable_key.clone(),
            webhook_endpoints: secrets
                .first()
                .map(|secret| sandbox::WebhookEndpoint {
                    url: format!("{}/v1/webhooks/stripe", webhooks.trim_end_matches('/')),
                    secret: secret.expose().clone(),
                })
                .into_iter()
                .collect(),
            state_file: Some(self.config.data_dir.join("sandbox.json")),
            ..sandbox::Config::default()
        };
        let stop = self.tasks.stop().soft_token();
        self.tasks
            .service("sandbox", sandbox::run(config, listener, stop));
    }

    fn serve(&self, listener: TcpListener, routes: Router, tokens: Tokens, logins: PgLogins) {
        let logins = Logins::new(Arc::new(logins), self.clock.clone());
        let edge = Arc::new(Edge::new(
            &self.config.http,
            tokens,
            logins,
            self.clock.clone(),
        ));
        let routes = edge.wrap(routes.merge(published::routes()));
        let rules = Rules::behind(self.config.http.trusted_hops);
        self.tasks
            .service("http", serve(listener, routes, rules, self.tasks.clone()));
    }

    async fn serve_health(&self, metrics: Metrics) -> anyhow::Result<String> {
        let listener = listen(self.config.http.health_listen).await?;
        let address = address(&listener)?;
        let readiness = self.readiness.clone();
        let probe = DatabaseProbe::new(self.app_pool.clone(), readiness.gate("database"));
        self.tasks.run(probe, Doorbell::new(), DatabaseProbe::PACE);
        let pools = self.pools.watch();
        self.tasks.run(pools, Doorbell::new(), PoolWatch::PACE);
        let routes = health_routes(readiness, metrics, self.tasks.stop());
        self.tasks.service(
            "health",
            serve(listener, routes, Rules::default(), self.tasks.clone()),
        );
        Ok(address)
    }
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}"))
}

fn address(listener: &TcpListener) -> anyhow::Result<String> {
    Ok(format!("http://{}", listener.local_addr()?))
}

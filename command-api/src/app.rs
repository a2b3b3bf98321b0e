//! What the handlers of the write side share, and how the service is put together. Loops are made
//! here and run by whoever owns the process, so that tests may step them.

use std::sync::Arc;

use domain::kernel::flags::Flags;
use domain::processes::{OrderFulfilment, OrderStays, Process, ShopReachability, StockShorts};
use infra::clock::Clock;
use infra::config::Secret;
use infra::event_store::{EventLog, EventStore, StoreTasks};
use infra::feed::{HeadWatch, StoreFeed};
use infra::http::health::Readiness;
use infra::kafka::{EventProducer, KafkaSettings};
use infra::lifecycle::{Doorbell, Pace, Tasks};
use infra::vault::Vault;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tokio::sync::watch;

use crate::execute::Executor;
use crate::gateways::payment::PaymentGateway;
use crate::http::Redrive;
use crate::processes::inbox::{Inbox, WebhooksInFlight};
use crate::processes::tables::PostgresTables;
use crate::processes::{EffectRunner, EffectsInFlight, Retention, Runner, Timers};
use crate::publisher::{Notary, Relay, Sequencer, Signer, handover};
use crate::quotes::RecentQuotes;
use crate::vitals::Vitals;

/// Shared by every handler. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// Executes commands.
    pub executor: Executor,
    /// The marketplace's time.
    pub clock: Clock,
    /// Seals and opens personal data.
    pub vault: Vault,
    /// The payment vendor.
    pub payments: Arc<dyn PaymentGateway>,
    /// Secrets of the payment vendor's webhooks; two while one is rotated.
    pub webhook_secrets: Arc<[Secret<String>]>,
    /// The tunables.
    pub flags: Arc<Flags>,
    /// Quotes that customers may be looking at.
    pub quotes: RecentQuotes,
    /// The database of events and operations, as the app's role.
    pub pool: PgPool,
    /// The last position numbered in this process.
    pub head: HeadWatch,
    /// Rung when a webhook has come in.
    pub inbox: Doorbell,
    /// Signs and reads checkpoints of the log.
    pub notary: Arc<Notary>,
    /// Folds parked events of views again.
    pub redrive: Arc<dyn Redrive>,
}

/// What the write side is given.
pub struct Deps {
    /// The database of events and operations, as the app's role.
    pub pool: PgPool,
    /// How the appender and the sequencer reach it on connections of their own.
    pub options: PgConnectOptions,
    /// The vault.
    pub vault: Vault,
    /// The clock.
    pub clock: Clock,
    /// The payment vendor.
    pub payments: Arc<dyn PaymentGateway>,
    /// Secrets of its webhooks.
    pub webhook_secrets: Vec<Secret<String>>,
    /// Signs and reads checkpoints of the log.
    pub notary: Arc<Notary>,
    /// Folds parked events of views again: the projector's work.
    pub redrive: Arc<dyn Redrive>,
    /// Where the sequencer's progress is told; shared with a projector in the same process.
    pub head: HeadWatch,
}

/// The loops that only the leader works at: numbering, publishing, processes.
pub struct Publishing {
    /// Numbers events.
    pub sequencer: Sequencer,
    /// Sends them to Kafka, when there is one.
    pub relay: Option<Relay>,
    /// Folds them into processes.
    pub fulfilment: Runner<OrderFulfilment>,
    /// Folds them into what is known of shops' answering.
    pub reachability: Runner<ShopReachability>,
    /// Says which orders stay where they are for too long.
    pub stays: Runner<OrderStays>,
    /// Tells orders what their shop has run out of.
    pub shorts: Runner<StockShorts>,
    /// Fires timers.
    pub timers: Timers,
    /// Performs effects.
    pub effects: EffectRunner,
    /// Handles webhooks.
    pub inbox: Inbox,
    /// Deletes what has grown old.
    pub retention: Retention,
    /// Signs the hash chain.
    pub signer: Signer,
    vitals: Vitals,
    bells: Bells,
}

#[derive(Clone, Default)]
struct Bells {
    sequencer: Doorbell,
    relay: Doorbell,
    fulfilment: Doorbell,
    reachability: Doorbell,
    stays: Doorbell,
    shorts: Doorbell,
    timers: Doorbell,
    effects: Doorbell,
    inbox: Doorbell,
}

impl App {
    /// The app over a fresh event store, whose tasks the caller runs.
    pub fn new(deps: &Deps) -> (Self, StoreTasks) {
        let (store, tasks) = EventStore::new(deps.pool.clone(), deps.options.clone());
        let app = Self {
            executor: Executor::new(store, deps.clock.clone()),
            clock: deps.clock.clone(),
            vault: deps.vault.clone(),
            payments: Arc::clone(&deps.payments),
            webhook_secrets: deps.webhook_secrets.clone().into(),
            flags: Arc::new(Flags::default()),
            quotes: RecentQuotes::default(),
            pool: deps.pool.clone(),
            head: deps.head.clone(),
            inbox: Doorbell::new(),
            notary: Arc::clone(&deps.notary),
            redrive: Arc::clone(&deps.redrive),
        };
        (app, tasks)
    }
}

impl Publishing {
    /// The leader's loops over `app`; with `kafka` they publish, too. Those that follow the log close
    /// their gates of `readiness` when it is not the log that they have read.
    ///
    /// # Errors
    /// When the settings make no producer. A broker that is down is no error.
    pub fn new(
        app: &App,
        options: PgConnectOptions,
        kafka: Option<&KafkaSettings>,
        tasks: &Tasks,
        readiness: &Readiness,
    ) -> anyhow::Result<Self> {
        let bells = Bells {
            sequencer: app.executor.store().committed(),
            inbox: app.inbox.clone(),
            ..Bells::default()
        };
        let (pool, clock) = (app.pool.clone(), app.clock.clone());
        let (leadership, handed) = handover(bells.relay.clone());
        let leading = leadership.epoch();
        let relay = match kafka {
            None => None,
            Some(kafka) => Some(Relay::new(
                pool.clone(),
                EventProducer::connect(kafka)?,
                handed,
                readiness,
            )),
        };
        app.head.rings(bells.fulfilment.clone());
        app.head.rings(bells.reachability.clone());
        app.head.rings(bells.stays.clone());
        app.head.rings(bells.shorts.clone());
        let log = EventLog::shared(pool.clone());
        let sequencer = Sequencer::new(options, clock.clone(), app.head.clone(), leadership)
            .telling(log.clone());
        let fulfilment = runner(app, &log, &leading, &bells.effects, readiness);
        let reachability = runner(app, &log, &leading, &bells.effects, readiness);
        let stays = runner(app, &log, &leading, &bells.effects, readiness);
        let shorts = runner(app, &log, &leading, &bells.effects, readiness);
        let tables = PostgresTables::new(pool.clone());
        let timers = Timers::new(
            tables.clone(),
            clock.clone(),
            leading.clone(),
            bells.effects.clone(),
        );
        let retention = Retention::new(pool.clone(), clock.clone(), leading.clone());
        let signer = Signer::new(
            pool.clone(),
            clock.clone(),
            Arc::clone(&app.notary),
            leading.clone(),
        );
        let vitals = Vitals::new(pool.clone(), clock.clone(), leading.clone());
        let effects = EffectRunner::new(
            tables,
            clock,
            app.executor.clone(),
            Arc::clone(&app.payments),
            leading.clone(),
            tasks.clone(),
            bells.effects.clone(),
        );
        let inbox = Inbox::new(app.clone(), leading, tasks.clone());
        Ok(Self {
            sequencer,
            relay,
            fulfilment,
            reachability,
            stays,
            shorts,
            timers,
            effects,
            inbox,
            retention,
            signer,
            vitals,
            bells,
        })
    }

    /// Which effects are under way.
    pub fn in_flight(&self) -> EffectsInFlight {
        self.effects.in_flight()
    }

    /// Which webhooks are under way.
    pub fn webhooks_in_flight(&self) -> WebhooksInFlight {
        self.inbox.in_flight()
    }

    /// Runs all of it until the process stops.
    pub fn run(self, tasks: &Tasks) {
        tasks.run(self.sequencer, self.bells.sequencer, Pace::default());
        if let Some(relay) = self.relay {
            tasks.run(relay, self.bells.relay, Pace::rung());
        }
        tasks.run(self.fulfilment, self.bells.fulfilment, Pace::rung());
        tasks.run(self.reachability, self.bells.reachability, Pace::rung());
        tasks.run(self.stays, self.bells.stays, Pace::rung());
        tasks.run(self.shorts, self.bells.shorts, Pace::rung());
        tasks.run(self.timers, self.bells.timers, Pace::default());
        tasks.run(self.effects, self.bells.effects, Pace::rung());
        tasks.run(self.inbox, self.bells.inbox, Pace::rung());
        tasks.run(self.retention, Doorbell::new(), Retention::PACE);
        tasks.run(self.signer, Doorbell::new(), Signer::PACE);
        tasks.run(self.vitals, Doorbell::new(), Vitals::PACE);
    }
}

/// The runner of one process: what follows from the log, as the leader of it.
fn runner<P: Process>(
    app: &App,
    log: &EventLog,
    leading: &watch::Receiver<Option<i64>>,
    effects: &Doorbell,
    readiness: &Readiness,
) -> Runner<P> {
    Runner::new(
        PostgresTables::new(app.pool.clone()),
        app.clock.clone(),
        Arc::clone(&app.flags),
        StoreFeed::new(log.clone(), &app.head),
        leading.clone(),
        effects.clone(),
        readiness,
    )
}

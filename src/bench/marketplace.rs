//! A whole marketplace in this process for scenarios that ask over HTTP: every service, the vendors'
//! simulator, open shops with more stock than a run can sell.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use infra::clock::Clock;
use infra::config::{Config, Kafka, Secret};
use infra::telemetry::Metrics;
use sqlx::{Connection as _, PgConnection};

use super::server::{Database, Server};
use crate::client::{CardForm, Confirmation, Customer, Door, Person, Role, id_of};
use crate::demo::stocked::{StockedShop, address, open_stocked};
use crate::door;
use crate::stack::{Services, Stack};

/// Shops that are open.
const SHOPS: usize = 8;
/// Guests who order, each again and again. One has one cart at a shop.
const GUESTS: usize = 1_024;
/// Requests of one caller a minute: the guests call from one address.
const RATE_QUOTA: u32 = 1_000_000_000;
/// How often it is looked whether everything has settled.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long that may take.
const SETTLED_WITHIN: Duration = Duration::from_mins(2);

/// A running marketplace with guests who are signed in.
pub(super) struct Marketplace {
    stack: Stack,
    door: Door,
    guests: Vec<Arc<Customer>>,
    shops: Vec<StockedShop>,
    database: Database,
    clock: Clock,
}

/// A cart that only needs to be checked out.
pub(super) struct ReadyCart {
    pub(super) guest: Arc<Customer>,
    pub(super) cart: String,
    pub(super) quote: String,
}

impl Marketplace {
    /// Starts it on `database`, with views by way of the broker when the server has one.
    ///
    /// # Errors
    /// When something does not start, or a shop is refused.
    pub(super) async fn open(
        server: &Server,
        database: Database,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let config = config(server, &database, folder)?;
        let stack = Stack::start(&config, Services::all(), Metrics::detached()).await?;
        let (tokens, logins) = (stack.tokens.clone(), stack.logins.clone());
        let door = door::door(&stack.base, stack.clock.clone(), tokens, logins, None)?;
        let shops = stream::iter(0..SHOPS)
            .map(|nth| open_stocked(&door, "bench", nth))
            .buffered(4)
            .try_collect()
            .await?;
        let guests = stream::iter(0..GUESTS)
            .map(|nth| sign_in(&door, nth))
            .buffered(16)
            .try_collect()
            .await?;
        let marketplace = Self {
            clock: stack.clock.clone(),
            stack,
            door,
            guests,
            shops,
            database,
        };
        marketplace.settle().await?;
        Ok(marketplace)
    }

    /// The marketplace's clock.
    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The database behind it.
    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    /// The shops' ids.
    pub(super) fn shops(&self) -> Vec<String> {
        self.shops.iter().map(|shop| shop.id.clone()).collect()
    }

    /// A guest, by number.
    pub(super) fn guest(&self, nth: usize) -> Arc<Customer> {
        Arc::clone(&self.guests[nth % self.guests.len()])
    }

    /// Opens a cart at a shop, puts a bowl into it and says where it goes.
    ///
    /// # Errors
    /// When a request is refused.
    pub(super) async fn fill_cart(&self, guest: usize, shop: usize) -> anyhow::Result<ReadyCart> {
        let guest = self.guest(guest);
        let shop = &self.shops[shop % self.shops.len()];
        let opened = guest.open_cart(&shop.id).await?;
        let cart = opened.text("/id")?.to_owned();
        guest.add_line(&cart, &shop.line).await?;
        let quoted = guest.set_fulfilment(&cart, Some(&address())).await?;
        let quote = quoted
            .text("/quote/quote_id")
            .with_context(|| format!("the cart has no quote: {}", quoted.body["refusals"]))?
            .to_owned();
        Ok(ReadyCart { guest, cart, quote })
    }

    /// Pays an order with the card form.
    ///
    /// # Errors
    /// When the card is declined or a request is refused.
    pub(super) async fn pay(&self, guest: &Customer, order: &str) -> anyhow::Result<()> {
        let session = guest.payment_session(order).await?;
        let form = CardForm {
            vendor: self.stack.vendor.trim_end_matches('/').to_owned(),
            intent: session.text("/intent")?.to_owned(),
            client_secret: session.text("/client_secret")?.to_owned(),
            publishable_key: session.text("/publishable_key")?.to_owned(),
        };
        let said = form.confirm(self.door.api(), "pm_card_visa").await?;
        anyhow::ensure!(
            matches!(said, Confirmation::Status(_)),
            "the card was not accepted: {said:?}"
        );
        Ok(())
    }

    /// Waits until everything is numbered and every follower has it, and no effect or webhook waits.
    ///
    /// # Errors
    /// When it takes longer than two minutes.
    pub(super) async fn settle(&self) -> anyhow::Result<()> {
        let mut connection = self.database.connect().await?;
        let watch = self.clock.stopwatch();
        while !is_settled(&mut connection).await? {
            anyhow::ensure!(
                watch.elapsed() < SETTLED_WITHIN,
                "the marketplace does not come to rest"
            );
            tokio::time::sleep(LOOK_EVERY).await;
        }
        connection.close().await?;
        Ok(())
    }

    /// How many events of a type are stored.
    ///
    /// # Errors
    /// When they cannot be counted.
    pub(super) async fn events(&self, event_type: &str) -> anyhow::Result<i64> {
        let mut connection = self.database.connect().await?;
        let count = sqlx::query_scalar("SELECT count(*) FROM es.events WHERE event_type = $1")
            .bind(event_type)
            .fetch_one(&mut connection)
            .await?;
        connection.close().await?;
        Ok(count)
    }

    /// Stops every service.
    ///
    /// # Errors
    /// When one does not stop.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.stack.tasks.shut_down().await?;
        Ok(())
    }
}

/// One statement, so that waiting costs next to nothing beside what is waited for.
async fn is_settled(connection: &mut PgConnection) -> anyhow::Result<bool> {
    let settled = sqlx::query_scalar(
        "SELECT NOT EXISTS (SELECT FROM ops.effects WHERE status IN ('pending', 'sent'))
            AND NOT EXISTS (SELECT FROM ops.webhook_inbox WHERE status = 'pending')
            AND (SELECT max(id) FROM es.events) = (SELECT max(event_row) FROM es.event_log)
            AND (SELECT min(position) FROM ops.process_positions) >= s.position
            AND (SELECT min(position) FROM views.checkpoints WHERE topic = 'store') >= s.position
         FROM es.sequencer s",
    )
    .fetch_one(connection)
    .await?;
    Ok(settled)
}

fn config(server: &Server, database: &Database, folder: &Path) -> anyhow::Result<Config> {
    let mut config = Config::read(&|_| Ok(None))?;
    let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    config.http.listen = any;
    config.http.health_listen = any;
    config.http.sandbox_listen = any;
    config.http.rate_quota = RATE_QUOTA;
    config.postgres.events = Some(Secret::new(database.url.clone()));
    config.kafka = server.brokers().map(|brokers| Kafka {
        brokers,
        ..Kafka::local()
    });
    folder.clone_into(&mut config.data_dir);
    Ok(config)
}

async fn sign_in(door: &Door, nth: usize) -> anyhow::Result<Arc<Customer>> {
    let person = Person {
        id: id_of(&format!("bench guest {nth}")),
        role: Role::Customer,
        restaurants: Vec::new(),
    };
    Ok(Arc::new(Customer(door.open(&person).await?)))
}

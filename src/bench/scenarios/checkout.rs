//! B4: checkouts. (a) one POST by 64 guests at once, everything else of the cart done before; (b) the whole journey
//! of a guest, cart to authorised, by 8 shoppers at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::Stage;
use crate::bench::arm::{Arm, Work, closed_loop};
use crate::bench::goal::{Bound, Goal, Metric};
use crate::bench::marketplace::{Marketplace, ReadyCart};
use crate::bench::meter::SqlMeter;
use crate::bench::rounds::{Measured, Plan, run as run_rounds};

/// Carts of a block of (a).
const CARTS: usize = 1_024;
/// Guests who check out at once.
const AT_ONCE: usize = 64;
/// Carts filled at once while nobody measures.
const FILLED_AT_ONCE: usize = 16;
/// One of so many carts is at the busiest shop, beside its share of the rest.
const BUSY_EVERY: usize = 5;
/// Shoppers of (b), as many as the reference figures have.
const SHOPPERS: usize = 8;
/// What others need, measured elsewhere (performance §6).
const REFERENCE: &str = "reference, not run in these minutes: Vendure 250–337 ms CPU and 271 SQL a checkout, Medusa \
                         1,500–1,900 ms and 604";

pub(super) async fn run(stage: &Stage<'_>) -> anyhow::Result<Vec<Measured>> {
    Ok(vec![checkouts(stage).await?, journeys(stage).await?])
}

async fn checkouts(stage: &Stage<'_>) -> anyhow::Result<Measured> {
    let arm = Checkouts {
        name: "ours",
        marketplace: open(stage, "checkouts").await?,
        sql: None,
        carts: Vec::new(),
        orders: 0,
    };
    let database = arm.marketplace.database().clone();
    let arm = Checkouts {
        sql: Some(stage.server.sql_meter(&database)),
        ..arm
    };
    let plan = Plan {
        id: "B4a",
        title: "checkout, one POST, 64 guests at once, 20 % at one shop".to_owned(),
        unit: "checkout",
        goals: vec![
            Goal::figure((Metric::Rate, "ours"), Bound::AtLeast, None, Some(2_000.0)),
            Goal::figure((Metric::P99, "ours"), Bound::AtMost, None, None),
        ],
    };
    let arms: Vec<Box<dyn Arm>> = vec![Box::new(arm)];
    let measured = run_rounds(plan, arms, stage.pace, stage.server, stage.clock).await?;
    stage.server.drop(&database).await?;
    Ok(measured)
}

async fn journeys(stage: &Stage<'_>) -> anyhow::Result<Measured> {
    let marketplace = open(stage, "journeys").await?;
    let database = marketplace.database().clone();
    let arm = Journeys {
        name: "ours",
        placed: marketplace.events("placed").await?,
        marketplace,
        sql: stage.server.sql_meter(&database),
        begun: AtomicUsize::new(0),
    };
    let plan = Plan {
        id: "B4b",
        title: format!("a journey, cart to authorised and shown, 8 shoppers; {REFERENCE}"),
        unit: "journey",
        goals: vec![
            Goal::figure(
                (Metric::Statements, "ours"),
                Bound::AtMost,
                Some(25.0),
                Some(12.0),
            ),
            Goal::figure(
                (Metric::Cpu, "ours"),
                Bound::AtMost,
                Some(10_000.0),
                Some(2_500.0),
            ),
            Goal::figure((Metric::Rate, "ours"), Bound::AtLeast, Some(300.0), None),
        ],
    };
    let arms: Vec<Box<dyn Arm>> = vec![Box::new(arm)];
    let measured = run_rounds(plan, arms, stage.pace, stage.server, stage.clock).await?;
    stage.server.drop(&database).await?;
    Ok(measured)
}

async fn open(stage: &Stage<'_>, name: &str) -> anyhow::Result<Marketplace> {
    let database = stage.server.migrated(name).await?;
    let folder = stage.server.folder().join(name);
    Marketplace::open(stage.server, database, &folder).await
}

/// (a)
struct Checkouts {
    name: &'static str,
    marketplace: Marketplace,
    sql: Option<SqlMeter>,
    carts: Vec<ReadyCart>,
    orders: i64,
}

#[async_trait]
impl Arm for Checkouts {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn ready(&mut self) -> anyhow::Result<()> {
        let marketplace = &self.marketplace;
        self.carts = stream::iter(0..CARTS)
            .map(|nth| {
                let busy = nth.is_multiple_of(BUSY_EVERY);
                let shop = if busy { 0 } else { nth };
                marketplace.fill_cart(nth, shop)
            })
            .buffer_unordered(FILLED_AT_ONCE)
            .try_collect()
            .await?;
        marketplace.settle().await
    }

    async fn block(&mut self, _span: Duration) -> anyhow::Result<Work> {
        let clock = self.marketplace.clock().clone();
        let watch = clock.stopwatch();
        let carts = std::mem::take(&mut self.carts);
        let mut work = Work::none();
        let mut answers = stream::iter(carts)
            .map(|ready| {
                let watch = clock.stopwatch();
                async move {
                    ready.guest.check_out(&ready.cart, &ready.quote).await?;
                    anyhow::Ok(watch.elapsed())
                }
            })
            .buffer_unordered(AT_ONCE);
        while let Some(took) = answers.try_next().await? {
            work.add(1, took);
        }
        work.answered = Some(watch.elapsed());
        self.orders += i64::try_from(work.operations)?;
        self.marketplace.settle().await?;
        Ok(work)
    }

    async fn verify(&mut self) -> anyhow::Result<()> {
        let stored = self.marketplace.events("checked_out").await?;
        // A cart and its order each keep one.
        anyhow::ensure!(
            stored == 2 * self.orders,
            "{} orders were acknowledged, {stored} halves of them are stored",
            self.orders
        );
        Ok(())
    }

    fn sql(&self) -> Option<SqlMeter> {
        self.sql.clone()
    }

    async fn stop(self: Box<Self>) -> anyhow::Result<()> {
        self.marketplace.stop().await
    }
}

/// (b)
struct Journeys {
    name: &'static str,
    marketplace: Marketplace,
    sql: SqlMeter,
    begun: AtomicUsize,
    placed: i64,
}

impl Journeys {
    async fn journey(&self) -> anyhow::Result<u64> {
        let nth = self.begun.fetch_add(1, Ordering::Relaxed);
        let ready = self.marketplace.fill_cart(nth, nth).await?;
        let ordered = ready.guest.check_out(&ready.cart, &ready.quote).await?;
        self.marketplace
            .pay(&ready.guest, ordered.text("/order_id")?)
            .await?;
        Ok(1)
    }
}

#[async_trait]
impl Arm for Journeys {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn block(&mut self, span: Duration) -> anyhow::Result<Work> {
        let clock = self.marketplace.clock().clone();
        let work = closed_loop(SHOPPERS, span, &clock, |_shopper| self.journey()).await?;
        self.placed += i64::try_from(work.operations)?;
        while self.marketplace.events("placed").await? < self.placed {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.marketplace.settle().await?;
        Ok(work)
    }

    async fn verify(&mut self) -> anyhow::Result<()> {
        let placed = self.marketplace.events("placed").await?;
        anyhow::ensure!(
            placed == self.placed,
            "{} journeys ended well, {placed} orders were placed",
            self.placed
        );
        Ok(())
    }

    fn sql(&self) -> Option<SqlMeter> {
        Some(self.sql.clone())
    }

    async fn stop(self: Box<Self>) -> anyhow::Result<()> {
        self.marketplace.stop().await
    }
}

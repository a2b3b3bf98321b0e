//! `ramen check`: the independent checker of the invariants in `docs/reliability.md`.
//!
//! It imports none of our crates and shares no statement, codec or fold with them: own SQL at run time, own
//! reader of the topics and of the index, own folds over the stored JSON written from `docs/domain.md`, the
//! vendors' ledgers over HTTP, and the client's history from a file. What it has found is counted by
//! invariant; what could not be looked at is listed as *not run* and is never passed.
//!
//! Whole, it is meant for a system at rest: after tests, restores and rebuilds; what can be judged while the log grows
//! is, by `live`, with the same folds. At rest everything in Postgres is read in one snapshot, first by position, then stream by stream, so that memory grows with the number of orders
//! and not with that of events. Reading order: `report`, `store`, then `log`, `streams` and what they call.
//!
//! To add an invariant: a variant of [`report::Invariant`], a file or a line in the one that reads what it
//! needs, and at least two planted faults in `tests/`.

mod bills;
mod cards;
mod chain;
mod checkpoints;
mod facts;
mod history;
mod index;
mod live;
mod log;
mod money;
mod processes;
mod promotions;
mod quiet;
mod rebuilt;
mod records;
mod report;
mod rest;
mod retention;
mod steps;
mod stock;
mod store;
mod streams;
mod topics;
mod vendor;
mod views;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use clap::Args;

pub(crate) use live::LiveArgs;
pub(crate) use rebuilt::{Rebuilt, Rows, index_shows};
pub(crate) use report::Verdict;

use crate::console;
use facts::Facts;
use log::Log;
use report::{Invariant, Report};
use store::Store;
use topics::Topics;
use vendor::Sandbox;
use views::Comparison;

/// What to check.
#[derive(Args, Clone, Debug)]
pub(crate) struct CheckArgs {
    /// The Postgres that holds events and operations; its login may take the role `ramen_checker`
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub(crate) database_url: String,
    /// The Postgres of the views, when it is another one
    #[arg(long, env = "VIEWS_DATABASE_URL", hide_env_values = true)]
    pub(crate) views_url: Option<String>,
    /// Kafka brokers (`host:port,…`); without them the topics are not checked
    #[arg(long, env = "KAFKA_BROKERS")]
    pub(crate) kafka_brokers: Option<String>,
    /// First part of the topics' names
    #[arg(long, env = "KAFKA_TOPIC_PREFIX", default_value = "ramen")]
    pub(crate) topic_prefix: String,
    /// Where the vendors' simulator answers; without it their ledgers are not checked
    #[arg(long)]
    pub(crate) sandbox_url: Option<String>,
    /// Folder of the search index; without it the index is not checked
    #[arg(long)]
    pub(crate) index: Option<PathBuf>,
    /// What clients asked and were answered, JSON lines; without it their side is not checked
    #[arg(long)]
    pub(crate) history: Option<PathBuf>,
    /// What the log's signed checkpoints are verified with (`name+id+key`, as the C2SP signed note
    /// writes it); without it their signatures are not checked
    #[arg(long, env = "RAMEN_CHECKPOINT_VERIFIERS", value_delimiter = ',')]
    pub(crate) verifiers: Vec<String>,
    /// Print the outcome as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Check everything, on a system at rest: the default
    #[arg(long)]
    pub(crate) full: bool,
    /// Or follow a running one
    #[command(flatten)]
    pub(crate) live: LiveArgs,
}

/// Waits for rest and checks everything, or follows a running system until told to stop; prints the outcome and
/// returns it. The caller ends with a failure code unless it [is clean](Verdict::is_clean).
///
/// # Errors
/// When something that was named cannot be read. That is no verdict.
pub(crate) async fn run(args: CheckArgs) -> anyhow::Result<Verdict> {
    let verdict = if args.live.live {
        live::run(&args).await?
    } else {
        quiet::wait(&args).await?;
        verdict(&args).await?
    };
    if args.json {
        console::line(format!("{:#}", verdict.json()));
    } else {
        console::line(&verdict);
    }
    Ok(verdict)
}

/// Checks everything.
///
/// # Errors
/// When something that was named cannot be read.
pub(crate) async fn verdict(args: &CheckArgs) -> anyhow::Result<Verdict> {
    let mut report = Report::default();
    let mut store = Store::open(&args.database_url, None).await?;
    let mut views = open_views(args, &mut store).await.context("the views")?;

    let log = log::check(&mut store, args.kafka_brokers.is_some(), &mut report).await?;
    checkpoints::check(&mut store, &args.verifiers, &mut report).await?;
    let mut comparison = Comparison::new(views);
    let facts = streams::check(&mut store, &mut comparison, &mut report).await?;
    views = comparison.finish(&mut store, &mut report).await?;
    stock::check_at_rest(&facts, &mut report);
    promotions::check_at_rest(&facts, &mut report);
    money::check_at_rest(&facts, &mut report);
    records::check(&mut store, &mut report).await?;
    processes::check(&mut store, &facts, log.latest, &mut report).await?;
    let known = rest::Known {
        head: log.head,
        facts: &facts,
        topic_prefix: &args.topic_prefix,
        broker: args.kafka_brokers.is_some(),
    };
    rest::check(&mut store, &mut views, &known, &mut report).await?;

    check_index(args, &mut views, &mut report).await?;
    check_history(args, &mut store, log.latest, &mut report).await?;
    check_vendors(args, &mut store, &facts, log.latest, &mut report).await?;
    check_topics(args, log, report).await.map(Report::close)
}

/// The views, in the snapshot of the events where both are in one database.
async fn open_views(args: &CheckArgs, store: &mut Store) -> anyhow::Result<Store> {
    if let Some(url) = &args.views_url {
        return Store::open(url, None).await;
    }
    let snapshot = store.export().await?;
    Store::open(&args.database_url, Some(&snapshot)).await
}

async fn check_index(
    args: &CheckArgs,
    views: &mut Store,
    report: &mut Report,
) -> anyhow::Result<()> {
    let Some(folder) = &args.index else {
        report.not_run(
            Invariant::I7,
            "the index: its folder was not named (--index)",
        );
        return Ok(());
    };
    index::check(folder, views, report).await
}

async fn check_history(
    args: &CheckArgs,
    store: &mut Store,
    latest: Option<DateTime<Utc>>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let Some(path) = &args.history else {
        for invariant in [Invariant::I1, Invariant::I2, Invariant::I13] {
            report.not_run(
                invariant,
                "what clients were answered: no history of theirs was named (--history); \
                 `ramen simulate` writes one and has it checked",
            );
        }
        return Ok(());
    };
    history::check(path, store, latest, report).await
}

async fn check_vendors(
    args: &CheckArgs,
    store: &mut Store,
    facts: &Facts,
    latest: Option<DateTime<Utc>>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let inbox = vendor::check_inbox(store, report).await?;
    let Some(url) = &args.sandbox_url else {
        let why = "the vendors' simulator was not named (--sandbox-url)";
        report.not_run(Invariant::I3, format!("the vendor's ledger: {why}"));
        report.not_run(Invariant::I10, format!("what the vendor sent: {why}"));
        report.not_run(Invariant::Breaches, format!("what the vendor minds: {why}"));
        return Ok(());
    };
    let sandbox = Sandbox::new(url)?;
    let ledger = sandbox.ledger().await?;
    money::check_ledger(facts, &ledger, report);
    vendor::check_states(&ledger, facts, report);
    // Retention goes by the marketplace's clock, which the simulator shares and the checker has not.
    let as_of = Some(sandbox.now().await?).max(latest);
    vendor::check_webhooks(&sandbox.webhooks().await?, &inbox, as_of, report);
    sandbox.check_breaches(report).await
}

async fn check_topics(args: &CheckArgs, log: Log, mut report: Report) -> anyhow::Result<Report> {
    let Some(brokers) = args.kafka_brokers.clone() else {
        let why = "the topics: no broker was named (--kafka-brokers), only the store was read";
        report.not_run(Invariant::I4, why);
        report.not_run(Invariant::I5, why);
        return Ok(report);
    };
    let topics = Topics {
        brokers,
        prefix: args.topic_prefix.clone(),
    };
    // librdkafka's consumer blocks the thread that polls it.
    tokio::task::spawn_blocking(move || {
        topics.check(&log, &mut report)?;
        Ok(report)
    })
    .await?
}

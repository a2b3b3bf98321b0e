//! B2: many commands in flight, into new aggregates and into 10,000 shared ones.

use super::Stage;
use crate::bench::arm::Arm;
use crate::bench::arms::ours::{Ours, Task};
use crate::bench::arms::pgbench::{Pgbench, Rows};
use crate::bench::arms::stock::Stock;
use crate::bench::arms::streams::Streams;
use crate::bench::goal::{Goal, Metric};
use crate::bench::rounds::{Measured, Plan, run as run_rounds};
use crate::bench::workload::Workload;

/// Aggregates that shared commands go to.
const AGGREGATES: usize = 10_000;
/// One of so many is sent with a stale version.
const STALE_EVERY: u64 = 100;
/// Clients and rows of the limit's statement.
const LIMIT: (usize, usize) = (8, 32);

pub(super) async fn run(stage: &Stage<'_>) -> anyhow::Result<Vec<Measured>> {
    let mut measured = Vec::new();
    for (events, in_flight) in [(1, 64), (3, 64), (1, 256)] {
        measured.push(new_aggregates(events, in_flight, stage).await?);
    }
    measured.push(shared_aggregates(stage).await?);
    Ok(measured)
}

async fn new_aggregates(
    events: usize,
    in_flight: usize,
    stage: &Stage<'_>,
) -> anyhow::Result<Measured> {
    let (server, clock) = (stage.server, stage.clock);
    let workload = Workload::lines(events)?;
    let task = |name| Task {
        name,
        workers: in_flight,
        workload: workload.clone(),
        streams: Streams::Fresh,
        stale_every: None,
    };
    let ours = server.migrated("ours").await?;
    let limit = server.migrated("limit").await?;
    let stock = server.empty("stock").await?;
    Stock::prepare(&stock).await?;
    let (clients, rows) = LIMIT;
    let rows = (Rows::OfStreams(rows), clients);
    let arms: Vec<Box<dyn Arm>> = vec![
        Box::new(Ours::open(task("ours"), server, ours.clone(), clock).await?),
        Box::new(Stock::open(task("postgres-es"), server, stock.clone(), clock).await?),
        Box::new(Pgbench::new(
            "pgbench",
            rows,
            &workload,
            server,
            limit.clone(),
        )?),
    ];
    let (gate, extraordinary) = if events == 1 {
        (1.0 / 6.0, 1.0 / 12.0)
    } else {
        (1.0 / 4.0, 1.0 / 8.0)
    };
    let plan = Plan {
        id: "B2",
        title: format!("append together, events a command: {events}, {in_flight} in flight"),
        unit: "event",
        goals: vec![
            Goal::at_most(
                (Metric::Cpu, "ours", "postgres-es"),
                Some(gate),
                Some(extraordinary),
            ),
            Goal::at_least((Metric::Rate, "ours", "pgbench"), None, Some(0.7)),
            Goal::at_least((Metric::Rate, "ours", "postgres-es"), None, None),
        ],
    };
    let measured = run_rounds(plan, arms, stage.pace, server, clock).await?;
    for database in [ours, limit, stock] {
        server.drop(&database).await?;
    }
    Ok(measured)
}

/// 64 in flight; hot aggregates meet one another, and one of a hundred commands is stale.
async fn shared_aggregates(stage: &Stage<'_>) -> anyhow::Result<Measured> {
    let (server, clock) = (stage.server, stage.clock);
    let workload = Workload::tip()?;
    let task = |name, streams, stale_every| Task {
        name,
        workers: 64,
        workload: workload.clone(),
        streams,
        stale_every,
    };
    let shared = || Streams::zipf(AGGREGATES, stage.pace.seed);
    let new = server.migrated("new").await?;
    let ours = server.migrated("ours").await?;
    let stock = server.empty("stock").await?;
    Stock::prepare(&stock).await?;
    let arms: Vec<Box<dyn Arm>> = vec![
        Box::new(
            Ours::open(
                task("ours, new", Streams::Fresh, None),
                server,
                new.clone(),
                clock,
            )
            .await?,
        ),
        Box::new(
            Ours::open(
                task("ours, shared", shared(), Some(STALE_EVERY)),
                server,
                ours.clone(),
                clock,
            )
            .await?,
        ),
        Box::new(
            Stock::open(
                task("postgres-es, shared", shared(), Some(STALE_EVERY)),
                server,
                stock.clone(),
                clock,
            )
            .await?,
        ),
    ];
    let plan = Plan {
        id: "B2b",
        title: "append together, 10,000 aggregates by Zipf, 1 % stale, 64 in flight".to_owned(),
        unit: "event",
        goals: vec![
            Goal::at_least(
                (Metric::Rate, "ours, shared", "ours, new"),
                None,
                Some(0.85),
            ),
            Goal::at_most(
                (Metric::Cpu, "ours, shared", "postgres-es, shared"),
                None,
                None,
            ),
        ],
    };
    let measured = run_rounds(plan, arms, stage.pace, server, clock).await?;
    for database in [new, ours, stock] {
        server.drop(&database).await?;
    }
    Ok(measured)
}

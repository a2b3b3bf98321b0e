//! B1: one client that writes commands of one and of three events into new aggregates.

use super::Stage;
use crate::bench::arm::Arm;
use crate::bench::arms::ours::{Ours, Task};
use crate::bench::arms::pgbench::{Pgbench, Rows};
use crate::bench::arms::stock::Stock;
use crate::bench::arms::streams::Streams;
use crate::bench::goal::{Goal, Metric};
use crate::bench::rounds::{Measured, Plan, run as run_rounds};
use crate::bench::workload::Workload;

pub(super) async fn run(stage: &Stage<'_>) -> anyhow::Result<Vec<Measured>> {
    let mut measured = Vec::new();
    for events in [1, 3] {
        measured.push(commands_of(events, stage).await?);
    }
    Ok(measured)
}

async fn commands_of(events: usize, stage: &Stage<'_>) -> anyhow::Result<Measured> {
    let (server, clock) = (stage.server, stage.clock);
    let workload = Workload::lines(events)?;
    let task = |name| Task {
        name,
        workers: 1,
        workload: workload.clone(),
        streams: Streams::Fresh,
        stale_every: None,
    };
    let ours = server.migrated("ours").await?;
    let limit = server.migrated("limit").await?;
    let stock = server.empty("stock").await?;
    Stock::prepare(&stock).await?;
    let rows = (Rows::OfOneStream(events), 1);
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
    let plan = Plan {
        id: "B1",
        title: format!("append alone, events a command: {events}"),
        unit: "event",
        goals: vec![
            Goal::at_least((Metric::Rate, "ours", "postgres-es"), Some(1.3), Some(1.9)),
            Goal::at_most((Metric::P50, "ours", "pgbench"), None, Some(1.2)),
            Goal::at_most((Metric::Cpu, "ours", "postgres-es"), None, None),
        ],
    };
    let measured = run_rounds(plan, arms, stage.pace, server, clock).await?;
    for database in [ours, limit, stock] {
        server.drop(&database).await?;
    }
    Ok(measured)
}

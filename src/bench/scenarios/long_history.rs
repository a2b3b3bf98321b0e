//! B3: one command on aggregates of 1 to 10,000 events, warm, against the stock store at 1,000.

use sqlx::Connection as _;
use uuid::Uuid;

use super::Stage;
use crate::bench::arm::Arm;
use crate::bench::arms::ours::{Ours, Task};
use crate::bench::arms::stock::Stock;
use crate::bench::arms::streams::{Streams, named};
use crate::bench::goal::{Goal, Metric};
use crate::bench::rounds::{Measured, Plan, run as run_rounds};
use crate::bench::server::Database;
use crate::bench::workload::Workload;

/// Commands of all blocks to one aggregate of a length, about: so few that it keeps its length.
const OURS: [(&str, usize, usize); 4] = [
    ("ours at 1", 1, 8_192),
    ("ours at 100", 100, 1_024),
    ("ours at 1,000", 1_000, 512),
    ("ours at 10,000", 10_000, 64),
];
/// The stock store reads all of them for each command.
const STOCK: [(&str, usize, usize); 2] = [
    ("postgres-es at 1", 1, 8_192),
    ("postgres-es at 1,000", 1_000, 64),
];

pub(super) async fn run(stage: &Stage<'_>) -> anyhow::Result<Vec<Measured>> {
    let (server, clock) = (stage.server, stage.clock);
    let mut arms: Vec<Box<dyn Arm>> = Vec::new();
    let mut databases = Vec::new();
    for (name, events, count) in OURS {
        let database = server.migrated(&format!("ours_{events}")).await?;
        let ids = ids(count, stage.pace.seed);
        fill(&database, "es.events", events, &ids).await?;
        let ours = Ours::open(task(name, &ids)?, server, database.clone(), clock).await?;
        ours.warm(&ids).await?;
        arms.push(Box::new(ours));
        databases.push(database);
    }
    for (name, events, count) in STOCK {
        let database = server.empty(&format!("stock_{events}")).await?;
        Stock::prepare(&database).await?;
        let ids = ids(count, stage.pace.seed);
        fill(&database, "events", events, &ids).await?;
        let task = task(name, &ids)?;
        arms.push(Box::new(
            Stock::open(task, server, database.clone(), clock).await?,
        ));
        databases.push(database);
    }
    let plan = Plan {
        id: "B3",
        title: "long history: one command, warm, on aggregates of so many events".to_owned(),
        unit: "command",
        goals: vec![
            Goal::at_most(
                (Metric::Cpu, "ours at 1,000", "ours at 1"),
                Some(1.5),
                Some(1.05),
            ),
            Goal::at_most(
                (Metric::Cpu, "ours at 10,000", "ours at 1"),
                None,
                Some(1.05),
            ),
            Goal::at_least(
                (Metric::Cpu, "postgres-es at 1,000", "ours at 1,000"),
                None,
                Some(15.0),
            ),
        ],
    };
    let measured = run_rounds(plan, arms, stage.pace, server, clock).await?;
    for database in &databases {
        server.drop(database).await?;
    }
    Ok(vec![measured])
}

fn ids(count: usize, seed: u64) -> Vec<Uuid> {
    (0..count).map(|nth| named(seed, nth)).collect()
}

fn task(name: &'static str, ids: &[Uuid]) -> anyhow::Result<Task> {
    Ok(Task {
        name,
        workers: 1,
        workload: Workload::tip()?,
        streams: Streams::in_turn(ids.to_vec()),
        stale_every: None,
    })
}

/// Aggregates of so many events, written by the server itself.
async fn fill(database: &Database, table: &str, events: usize, ids: &[Uuid]) -> anyhow::Result<()> {
    let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
    let ours = table == "es.events";
    let (columns, values) = if ours {
        (", event_id, recorded_at", ", gen_random_uuid(), now()")
    } else {
        ("", "")
    };
    let mut connection = database.connect().await?;
    sqlx::query(&format!(
        "INSERT INTO {table} (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata{columns})
         SELECT '{kind}', id, n, 'tip_set', '1', '{{\"type\":\"tip_set\",\"amount_minor\":200}}', '{{}}'{values}
         FROM unnest($1::text[]) id CROSS JOIN generate_series(1, $2::bigint) n",
        kind = Workload::kind()
    ))
    .bind(&ids)
    .bind(i64::try_from(events)?)
    .execute(&mut connection)
    .await?;
    sqlx::raw_sql(&format!("VACUUM ANALYZE {table}"))
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    Ok(())
}

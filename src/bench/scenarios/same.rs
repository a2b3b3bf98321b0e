//! A/A: the same arm twice. What its interval says beyond 5 % is the machine, not the code.

use super::Stage;
use crate::bench::arm::Arm;
use crate::bench::arms::ours::{Ours, Task};
use crate::bench::arms::streams::Streams;
use crate::bench::goal::{Goal, Metric};
use crate::bench::rounds::{Measured, Plan, run as run_rounds};
use crate::bench::workload::Workload;

/// How far apart the same may seem.
const APART_MAX: f64 = 1.05;

pub(super) async fn run(stage: &Stage<'_>) -> anyhow::Result<Vec<Measured>> {
    let mut arms: Vec<Box<dyn Arm>> = Vec::new();
    let mut databases = Vec::new();
    for name in ["ours", "ours again"] {
        let database = stage.server.migrated(&name.replace(' ', "_")).await?;
        let task = Task {
            name,
            workers: 64,
            workload: Workload::lines(1)?,
            streams: Streams::Fresh,
            stale_every: None,
        };
        arms.push(Box::new(
            Ours::open(task, stage.server, database.clone(), stage.clock).await?,
        ));
        databases.push(database);
    }
    let both = |metric| {
        [("ours", "ours again"), ("ours again", "ours")]
            .map(|(over, under)| Goal::at_most((metric, over, under), Some(APART_MAX), None))
    };
    let plan = Plan {
        id: "A/A",
        title: "the same store twice, 64 commands in flight".to_owned(),
        unit: "event",
        goals: [both(Metric::Cpu), both(Metric::Rate)].concat(),
    };
    let measured = run_rounds(plan, arms, stage.pace, stage.server, stage.clock).await?;
    for database in &databases {
        stage.server.drop(database).await?;
    }
    Ok(vec![measured])
}

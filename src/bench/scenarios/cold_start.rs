//! B12: from exec to the first answer, Postgres being up: the query API until search says 200, and the
//! least that answers over HTTP.

use std::time::Duration;

use async_trait::async_trait;
use infra::clock::Clock;

use super::Stage;
use crate::bench::arm::{Arm, Work};
use crate::bench::arms::served::fetch;
use crate::bench::goal::{Bound, Goal, Metric};
use crate::bench::reader::{Filled, responder};
use crate::bench::rounds::{Measured, Plan, run as run_rounds};
use crate::rig::Member;

/// What is asked for.
const SEARCH: &str = "/v1/search?q=ramen&near=25.045,121.535&radius_m=5000";
/// How often it is asked while nobody answers.
const ASK_EVERY: Duration = Duration::from_millis(1);
/// How long a start may take.
const STARTED_WITHIN: Duration = Duration::from_secs(30);

pub(super) async fn run(stage: &Stage<'_>) -> anyhow::Result<Vec<Measured>> {
    let filled = Filled::open(stage, "cold").await?;
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    for name in ["full", "unchanged"] {
        std::fs::write(filled.folder().join(name), answer)?;
    }
    let ours = ColdReader {
        reader: filled.reader()?,
        clock: stage.clock.clone(),
    };
    let raw = ColdResponder {
        beside: filled.reader()?,
        folder: filled.folder().to_owned(),
        clock: stage.clock.clone(),
    };
    let plan = Plan {
        id: "B12",
        title: format!(
            "cold start, exec to the first answer of search, {} shops, Postgres up",
            filled.shops.len()
        ),
        unit: "start",
        goals: vec![
            Goal::figure(
                (Metric::P50, "ours"),
                Bound::AtMost,
                Some(1_000_000.0),
                Some(40_000.0),
            ),
            Goal::at_most((Metric::P50, "ours", "raw"), None, None),
        ],
    };
    let arms: Vec<Box<dyn Arm>> = vec![Box::new(ours), Box::new(raw)];
    let measured = run_rounds(plan, arms, stage.pace, stage.server, stage.clock).await?;
    filled.close(stage.server).await?;
    Ok(vec![measured])
}

/// The query API, started again and again.
struct ColdReader {
    reader: Member,
    clock: Clock,
}

/// The same of the least that answers.
struct ColdResponder {
    beside: Member,
    folder: std::path::PathBuf,
    clock: Clock,
}

#[async_trait]
impl Arm for ColdReader {
    fn name(&self) -> &'static str {
        "ours"
    }

    async fn block(&mut self, span: Duration) -> anyhow::Result<Work> {
        let (begun, mut work) = (self.clock.stopwatch(), Work::none());
        while begun.elapsed() < span {
            let watch = self.clock.stopwatch();
            self.reader.start()?;
            answered(&self.reader.origin(), SEARCH).await?;
            work.add(1, watch.elapsed());
            self.reader.kill().await?;
        }
        Ok(work)
    }

    /// A start that answers anything but 200 fails its block.
    async fn verify(&mut self) -> anyhow::Result<()> {
        Ok(())
    }

    async fn stop(self: Box<Self>) -> anyhow::Result<()> {
        Ok(())
    }
}

#[async_trait]
impl Arm for ColdResponder {
    fn name(&self) -> &'static str {
        "raw"
    }

    async fn block(&mut self, span: Duration) -> anyhow::Result<Work> {
        let (begun, mut work) = (self.clock.stopwatch(), Work::none());
        while begun.elapsed() < span {
            let watch = self.clock.stopwatch();
            let (tool, origin) = responder(&self.beside, &self.folder).await?;
            answered(&origin, "/").await?;
            work.add(1, watch.elapsed());
            drop(tool);
        }
        Ok(work)
    }

    async fn verify(&mut self) -> anyhow::Result<()> {
        Ok(())
    }

    async fn stop(self: Box<Self>) -> anyhow::Result<()> {
        Ok(())
    }
}

/// Asks until there is an answer.
async fn answered(origin: &str, path: &str) -> anyhow::Result<()> {
    let asked = async {
        while fetch(origin, path, None).await.is_err() {
            tokio::time::sleep(ASK_EVERY).await;
        }
    };
    Ok(tokio::time::timeout(STARTED_WITHIN, asked).await?)
}

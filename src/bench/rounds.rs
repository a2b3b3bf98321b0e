//! Blocks in turns: each round runs every arm once, in an order drawn from the seed.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use infra::clock::Clock;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use serde::Serialize;

use super::arm::{Arm, Latencies, Work, latencies};
use super::goal::{Goal, Metric, Verdict};
use super::meter::{Cpu, Meter, Metered, Processes, Sql, Statement, flush_time};
use super::progress::Progress;
use super::server::Server;
use super::statistic::{Interval, median};

/// Wall-clock figures need so many rounds without foreign work.
const CLEAN_MIN: usize = 5;

/// How a scenario is run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) rounds: usize,
    pub(super) block: Duration,
    pub(super) warm_up: Duration,
    pub(super) seed: u64,
}

/// One block as it was measured.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Block {
    pub(super) round: usize,
    pub(super) operations: u64,
    pub(super) seconds: f64,
    pub(super) p50_us: u64,
    pub(super) p99_us: u64,
    pub(super) metered: Metered,
    pub(super) sql: Option<Sql>,
    /// The median flush of the disk before its round, in microseconds.
    pub(super) flush_us: f64,
}

/// All blocks of an arm.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ArmResult {
    pub(super) name: &'static str,
    pub(super) blocks: Vec<Block>,
    /// Its costliest statements over all blocks.
    pub(super) statements: Vec<Statement>,
    #[serde(skip)]
    pub(super) latencies: Latencies,
}

/// A goal and what became of it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Judged {
    pub(super) goal: Goal,
    pub(super) ratio: Option<Interval>,
    pub(super) clean_rounds: usize,
    pub(super) verdict: Verdict,
}

/// A scenario, measured.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Measured {
    pub(super) id: &'static str,
    pub(super) title: String,
    /// What one operation is.
    pub(super) unit: &'static str,
    pub(super) arms: Vec<ArmResult>,
    pub(super) goals: Vec<Judged>,
}

/// What a scenario is called and promises.
pub(super) struct Plan {
    pub(super) id: &'static str,
    pub(super) title: String,
    pub(super) unit: &'static str,
    pub(super) goals: Vec<Goal>,
}

/// Runs the arms in turns, verifies each after its block, and judges the goals.
///
/// # Errors
/// When an arm fails or its work is not right: the run is void.
pub(super) async fn run(
    plan: Plan,
    mut arms: Vec<Box<dyn Arm>>,
    pace: Pace,
    server: &Server,
    clock: &Clock,
) -> anyhow::Result<Measured> {
    let progress = Progress::begin(plan.id, &plan.title, pace.rounds * arms.len());
    let mut results: BTreeMap<&'static str, ArmResult> = BTreeMap::new();
    for arm in &mut arms {
        arm.ready().await?;
        let warmed = arm.block(pace.warm_up).await;
        warmed.with_context(|| format!("{}: warming up {}", plan.id, arm.name()))?;
        if let Some(sql) = arm.sql() {
            sql.forget().await?;
        }
    }
    let mut rng = StdRng::seed_from_u64(pace.seed);
    let mut order: Vec<usize> = (0..arms.len()).collect();
    for round in 0..pace.rounds {
        order.shuffle(&mut rng);
        let flush = flush_time(server.folder(), clock)?;
        for index in &order {
            let arm = &mut arms[*index];
            let name = arm.name();
            progress.step(name);
            server.checkpoint().await?;
            let (block, latencies) = measure(arm.as_mut(), round, pace.block, (server, clock))
                .await
                .with_context(|| format!("{}: {name}", plan.id))?;
            let block = Block {
                flush_us: flush.as_secs_f64() * 1e6,
                ..block
            };
            let verified = arm.verify().await;
            verified.with_context(|| format!("{}: {name} did not do what it said", plan.id))?;
            let result = results.entry(name).or_insert_with(|| ArmResult {
                name,
                blocks: Vec::new(),
                statements: Vec::new(),
                latencies: self::latencies(),
            });
            result.blocks.push(block);
            result.latencies.add(&latencies)?;
        }
    }
    let names: Vec<&'static str> = arms.iter().map(|arm| arm.name()).collect();
    for arm in arms {
        if let (Some(sql), Some(result)) = (arm.sql(), results.get_mut(arm.name())) {
            result.statements = sql.costliest().await?;
        }
        arm.stop().await?;
    }
    progress.end();
    let goals = judge_all(&plan.goals, &results, rng.random());
    let arms = names.iter().filter_map(|name| results.remove(name));
    Ok(Measured {
        id: plan.id,
        title: plan.title,
        unit: plan.unit,
        arms: arms.collect(),
        goals,
    })
}

async fn measure(
    arm: &mut dyn Arm,
    round: usize,
    span: Duration,
    (server, clock): (&Server, &Clock),
) -> anyhow::Result<(Block, Latencies)> {
    arm.ready().await?;
    let sql = arm.sql();
    let statements = match &sql {
        Some(meter) => Some(meter.read().await?),
        None => None,
    };
    let processes = Processes {
        other: arm.server(),
        ..server.processes()
    };
    let meter = Meter::begin(&processes);
    let watch = clock.stopwatch();
    let Work {
        operations,
        latencies,
        answered,
    } = arm.block(span).await?;
    let wall = watch.elapsed();
    let metered = meter.end(wall);
    anyhow::ensure!(operations > 0, "it did nothing in {} s", span.as_secs_f32());
    let sql = match (&sql, statements) {
        (Some(meter), Some(before)) => Some(meter.read().await?.since(before)),
        _ => None,
    };
    let block = Block {
        round,
        operations,
        seconds: answered.unwrap_or(wall).as_secs_f64(),
        p50_us: latencies.value_at_quantile(0.5),
        p99_us: latencies.value_at_quantile(0.99),
        metered,
        sql,
        flush_us: 0.0,
    };
    Ok((block, latencies))
}

fn judge_all(
    goals: &[Goal],
    results: &BTreeMap<&'static str, ArmResult>,
    seed: u64,
) -> Vec<Judged> {
    let judged = goals.iter().map(|goal| {
        let blocks = |arm: &str| results.get(arm).map_or(&[][..], |arm| &arm.blocks);
        let pairs: Vec<(&Block, Option<&Block>)> = match goal.under {
            Some(under) => {
                let under = blocks(under).iter().map(Some);
                blocks(goal.over).iter().zip(under).collect()
            }
            None => blocks(goal.over)
                .iter()
                .map(|block| (block, None))
                .collect(),
        };
        let is_clean = |pair: &&(&Block, Option<&Block>)| {
            pair.0.is_clean() && pair.1.is_none_or(Block::is_clean)
        };
        let clean_rounds = pairs.iter().filter(is_clean).count();
        let ratios: Vec<f64> = pairs
            .iter()
            .filter(|pair| !goal.metric.is_of_the_wall_clock() || is_clean(pair))
            .filter_map(|(over, under)| {
                let over = over.value(goal.metric)?;
                let ratio = match under {
                    Some(under) => over / under.value(goal.metric)?,
                    None => over,
                };
                ratio.is_finite().then_some(ratio)
            })
            .collect();
        let enough = !goal.metric.is_of_the_wall_clock() || clean_rounds >= CLEAN_MIN;
        let ratio = Interval::of(&ratios, seed);
        Judged {
            goal: *goal,
            ratio,
            clean_rounds,
            verdict: goal.judge(ratio.filter(|_| enough)),
        }
    });
    judged.collect()
}

impl Block {
    fn is_clean(&self) -> bool {
        !self.metered.noise.is_some_and(super::meter::Noise::is_loud)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a count of a block of some seconds"
    )]
    fn per_operation(&self, value: f64) -> f64 {
        value / self.operations as f64
    }

    /// The value of a metric, for one operation where it counts something.
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of a block of some seconds"
    )]
    pub(super) fn value(&self, metric: Metric) -> Option<f64> {
        let operations = self.operations as f64;
        match metric {
            Metric::Cpu => Some(self.metered.cpu?.total().as_secs_f64() * 1e6 / operations),
            Metric::ServerCpu => Some(self.metered.cpu?.other.as_secs_f64() * 1e6 / operations),
            Metric::Rate => Some(operations / self.seconds),
            Metric::P50 => Some(self.p50_us as f64),
            Metric::P99 => Some(self.p99_us as f64),
            Metric::Statements => Some(self.sql?.statements as f64 / operations),
        }
    }
}

impl ArmResult {
    /// The middle of its blocks.
    pub(super) fn median(&self, metric: Metric) -> Option<f64> {
        let values: Vec<f64> = self
            .blocks
            .iter()
            .filter_map(|block| block.value(metric))
            .collect();
        median(&values)
    }

    /// Processor time of one operation in microseconds: ours with the clients we ran, Postgres, broker, other.
    pub(super) fn parts(&self) -> Option<[f64; 4]> {
        let part = |of: fn(&Cpu) -> Duration| {
            let values: Vec<f64> = self
                .blocks
                .iter()
                .filter_map(|block| {
                    Some(block.per_operation(of(&block.metered.cpu?).as_secs_f64() * 1e6))
                })
                .collect();
            median(&values)
        };
        Some([
            part(|cpu| cpu.own + cpu.clients)?,
            part(|cpu| cpu.postgres)?,
            part(|cpu| cpu.broker)?,
            part(|cpu| cpu.other)?,
        ])
    }

    /// How many operations all blocks had.
    pub(super) fn operations(&self) -> u64 {
        self.blocks.iter().map(|block| block.operations).sum()
    }

    /// Bytes of write-ahead log of one operation.
    #[expect(clippy::cast_precision_loss, reason = "bytes of some seconds")]
    pub(super) fn wal_bytes(&self) -> Option<f64> {
        let values: Vec<f64> = self
            .blocks
            .iter()
            .filter_map(|block| Some(block.per_operation(block.sql?.wal_bytes as f64)))
            .collect();
        median(&values)
    }

    /// The middle latency as a multiple of one flush to the disk.
    #[expect(clippy::cast_precision_loss, reason = "microseconds")]
    pub(super) fn p50_in_flushes(&self) -> Option<f64> {
        let values: Vec<f64> = self
            .blocks
            .iter()
            .filter(|block| block.flush_us > 0.0)
            .map(|block| block.p50_us as f64 / block.flush_us)
            .collect();
        median(&values)
    }
}

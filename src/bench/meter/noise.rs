//! What others do on the machine meanwhile.

use std::fs;
use std::time::Duration;

use serde::Serialize;

/// Kernel ticks a second in `/proc/stat`.
const TICKS_PER_SECOND: f64 = 100.0;
/// A block with more of others' work than this, as a share of the machine, is flagged.
const FOREIGN_MAX: f64 = 0.05;
/// A block in which the hypervisor took more than this is flagged.
const STEAL_MAX: f64 = 0.01;

/// Counters of the whole machine, in ticks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Machine {
    busy: u64,
    steal: u64,
}

/// Shares of the machine's time in a block.
#[derive(Clone, Copy, Debug, Serialize)]
pub(in super::super) struct Noise {
    /// Others' work.
    pub(in super::super) foreign: f64,
    /// What the hypervisor gave to others.
    pub(in super::super) steal: f64,
}

impl Machine {
    pub(super) fn read() -> Option<Self> {
        let text = fs::read_to_string("/proc/stat").ok()?;
        let line = text.lines().next()?.strip_prefix("cpu ")?;
        let fields: Vec<u64> = line
            .split_whitespace()
            .filter_map(|field| field.parse().ok())
            .collect();
        let [user, nice, system, _idle, _wait, irq, softirq, steal, ..] = fields[..] else {
            return None;
        };
        Some(Self {
            busy: user + nice + system + irq + softirq,
            steal,
        })
    }
}

impl Noise {
    #[expect(clippy::cast_precision_loss, reason = "ticks of a few seconds")]
    pub(super) fn between(
        before: Machine,
        after: Machine,
        ours: Option<Duration>,
        wall: Duration,
    ) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let all = (wall.as_secs_f64() * cores as f64).max(f64::EPSILON);
        let seconds = |ticks: u64| ticks as f64 / TICKS_PER_SECOND;
        let busy = seconds(after.busy.saturating_sub(before.busy));
        let ours = ours.unwrap_or_default().as_secs_f64();
        Self {
            foreign: ((busy - ours) / all).max(0.0),
            steal: seconds(after.steal.saturating_sub(before.steal)) / all,
        }
    }

    /// Whether latencies of the block tell nothing.
    pub(in super::super) fn is_loud(self) -> bool {
        self.foreign > FOREIGN_MAX || self.steal > STEAL_MAX
    }
}

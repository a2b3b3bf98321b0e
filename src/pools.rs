//! What is measured of the pools of database connections.

use std::time::Duration;

use infra::lifecycle::{Loop, Pace, Progress};
use infra::telemetry::as_gauge;
use sqlx::PgPool;

/// Looks now and then at the pools of this process.
pub(crate) struct PoolWatch {
    pools: Vec<(&'static str, PgPool)>,
}

impl PoolWatch {
    /// Often enough to see a pool that runs dry.
    pub(crate) const PACE: Pace = Pace {
        idle_min: Duration::from_secs(1),
        idle_max: Duration::from_secs(1),
        backoff_min: Duration::from_secs(1),
        backoff_max: Duration::from_secs(1),
    };

    /// A watch of these pools, by name.
    pub(crate) fn new(pools: Vec<(&'static str, PgPool)>) -> Self {
        Self { pools }
    }
}

impl Loop for PoolWatch {
    const NAME: &'static str = "pool watch";
    type Error = std::convert::Infallible;

    async fn step(&mut self) -> Result<Progress, Self::Error> {
        for (name, pool) in &self.pools {
            let idle = i64::try_from(pool.num_idle()).unwrap_or(i64::MAX);
            let busy = i64::from(pool.size()).saturating_sub(idle).max(0);
            for (state, connections) in [("idle", idle), ("busy", busy)] {
                metrics::gauge!("ramen_pool_connections", "pool" => *name, "state" => state)
                    .set(as_gauge(connections));
            }
        }
        Ok(Progress::Idle)
    }
}

//! Whether the database answers: the gate behind `/readyz`.

use std::time::Duration;

use infra::http::health::Gate;
use infra::lifecycle::{Loop, Pace, Progress};
use infra::limits::DATABASE_DEADLINE;
use infra::postgres::in_time;
use sqlx::PgPool;

/// Asks the database for a sign of life and opens or closes its gate.
pub(crate) struct DatabaseProbe {
    pool: PgPool,
    gate: Gate,
}

impl DatabaseProbe {
    /// A second between questions: what a load balancer asks at most.
    pub(crate) const PACE: Pace = Pace {
        idle_min: Duration::from_secs(1),
        idle_max: Duration::from_secs(1),
        backoff_min: Duration::from_millis(200),
        backoff_max: Duration::from_secs(1),
    };

    /// A probe of `pool` that moves `gate`.
    pub(crate) fn new(pool: PgPool, gate: Gate) -> Self {
        Self { pool, gate }
    }
}

impl Loop for DatabaseProbe {
    const NAME: &'static str = "database probe";
    type Error = sqlx::Error;

    async fn step(&mut self) -> Result<Progress, sqlx::Error> {
        let asked = sqlx::query_scalar!(r#"SELECT 1 AS "one!""#).fetch_one(&self.pool);
        match in_time(DATABASE_DEADLINE, asked).await {
            Ok(_) => {
                self.gate.open();
                Ok(Progress::Idle)
            }
            Err(error) => {
                self.gate.close();
                Err(error)
            }
        }
    }
}

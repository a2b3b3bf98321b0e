//! What is measured of the projector: how far each view is, how late, and what is parked.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use infra::clock::Clock;
use infra::feed::FeedRecord;
use infra::lifecycle::{Loop, Pace, Progress};
use infra::telemetry::as_gauge;
use sqlx::PgPool;

use crate::checkpoint::Marks;
use crate::views::VIEWS;

/// Says of each view how old the next event is that it has to fold; 0 when there is none.
pub(crate) fn count_lag(waiting: &[FeedRecord], now: DateTime<Utc>) {
    for view in VIEWS {
        let waiting = waiting.iter().filter(|record| record.kind == view.follows);
        let oldest = waiting.map(|record| record.recorded_at).min();
        let lag = oldest.map_or(TimeDelta::zero(), |oldest| now - oldest);
        let lag = lag.to_std().unwrap_or_default().as_secs_f64();
        metrics::gauge!("ramen_projection_lag_seconds", "view" => view.name).set(lag);
    }
}

/// Says of each view how far it is.
pub(crate) fn count_positions(marks: &Marks) {
    for view in VIEWS {
        let position = as_gauge(marks.last(view.name));
        metrics::gauge!("ramen_projection_position", "view" => view.name).set(position);
    }
}

/// Looks now and then at what is parked.
pub(crate) struct Vitals {
    pool: PgPool,
    clock: Clock,
}

impl Vitals {
    /// Often enough for an alarm that waits for minutes.
    pub(crate) const PACE: Pace = Pace {
        idle_min: Duration::from_secs(5),
        idle_max: Duration::from_secs(5),
        backoff_min: Duration::from_secs(1),
        backoff_max: Duration::from_secs(30),
    };

    /// Vitals of the views behind `pool`.
    pub(crate) fn new(pool: PgPool, clock: Clock) -> Self {
        Self { pool, clock }
    }
}

impl Loop for Vitals {
    const NAME: &'static str = "projector-vitals";
    type Error = sqlx::Error;

    async fn step(&mut self) -> Result<Progress, sqlx::Error> {
        let parked = sqlx::query!(
            r#"SELECT view, count(*) AS "events!", min(parked_at) AS "oldest!"
               FROM views.parked_events GROUP BY view"#
        )
        .fetch_all(&self.pool)
        .await?;
        for view in VIEWS {
            let parked = parked.iter().find(|parked| parked.view == view.name);
            let events = as_gauge(parked.map_or(0, |parked| parked.events));
            metrics::gauge!("ramen_parked_events", "view" => view.name).set(events);
        }
        let oldest = parked.iter().map(|parked| parked.oldest).min();
        let age = oldest.and_then(|oldest| (self.clock.now() - oldest).to_std().ok());
        let age = age.unwrap_or_default().as_secs_f64();
        metrics::gauge!("ramen_parked_oldest_seconds").set(age);
        Ok(Progress::Idle)
    }
}

//! The loops that hear the projector: one takes in what it announces and shows it to who follows an order,
//! one opens what was written into the index, since nobody's order waits for that, and one brings
//! announcements from another process.

use std::collections::HashMap;
use std::time::Duration;

use infra::applied::{Applied, AppliedListener, RemoteApplied};
use infra::lifecycle::{Loop, Progress};
use infra::telemetry::{TraceContext, joins};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::app::App;
use crate::http::ordering::order_status::OrderStatus;

/// Longest wait of one step, so that a stopping process is noticed.
const STEP_MAX: Duration = Duration::from_millis(250);

/// Keeps caches, waiting reads and followers of orders up to date.
pub struct Follower {
    app: App,
    listener: AppliedListener,
    /// Orders whose state could not be read yet.
    owed: Vec<Uuid>,
    /// The recorded traces that they belong to.
    traces: HashMap<Uuid, TraceContext>,
}

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub enum FollowerError {
    /// The views cannot be read.
    #[error("the state of followed orders cannot be read")]
    Database(#[from] sqlx::Error),
}

impl Follower {
    /// A follower of what `listener` hears.
    pub fn new(app: App, listener: AppliedListener) -> Self {
        Self {
            app,
            listener,
            owed: Vec::new(),
            traces: HashMap::new(),
        }
    }

    /// Takes in what has been announced already, without waiting.
    ///
    /// # Errors
    /// When the views cannot be read; the orders are tried again.
    pub async fn advance(&mut self) -> Result<Progress, FollowerError> {
        let mut heard = 0;
        while let Some(applied) = self.listener.try_next() {
            self.take_in(&applied);
            heard += 1;
        }
        self.show_owed().await?;
        Ok(Progress::of(heard))
    }

    fn take_in(&mut self, applied: &Applied) {
        let followed = self.app.note(applied);
        if let Applied::Views(streams) = applied {
            let followed = streams
                .iter()
                .filter(|stream| followed.contains(&stream.id));
            let traces = followed.filter_map(|stream| Some((stream.id, stream.trace?)));
            self.traces.extend(traces);
        }
        self.owed.extend(followed);
    }

    /// One query and one serialisation for each order, however many follow it.
    async fn show_owed(&mut self) -> Result<(), FollowerError> {
        if self.owed.is_empty() {
            return Ok(());
        }
        self.owed.sort_unstable();
        self.owed.dedup();
        let span = tracing::debug_span!("show", orders = self.owed.len());
        joins(&span, self.traces.values().copied());
        let orders = OrderStatus::read_many(self.app.pool(), &self.owed);
        for order in orders.instrument(span).await? {
            let mut frame = order.frame();
            frame.trace = self.traces.get(&order.id).copied();
            self.app.live().show(order.id, &frame);
        }
        self.owed.clear();
        self.traces.clear();
        Ok(())
    }
}

impl Loop for Follower {
    const NAME: &'static str = "query-follower";
    type Error = FollowerError;

    /// As [`Follower::advance`], but waits for an announcement when there is none.
    async fn step(&mut self) -> Result<Progress, FollowerError> {
        match tokio::time::timeout(STEP_MAX, self.listener.next()).await {
            Ok(Some(applied)) => self.take_in(&applied),
            // The hub lives as long as the process; without one there is nothing to hear.
            Ok(None) => return Ok(Progress::Idle),
            Err(_) => {}
        }
        self.advance().await?;
        Ok(Progress::Did(0))
    }
}

/// Keeps the index that is searched up to date.
pub struct IndexFollower {
    app: App,
    listener: AppliedListener,
}

impl IndexFollower {
    /// A follower of what `listener` hears.
    pub fn new(app: App, listener: AppliedListener) -> Self {
        Self { app, listener }
    }

    /// Shows what has been written into the index, when anything was announced, without waiting for more.
    pub async fn advance(&mut self) -> Progress {
        let mut heard = None;
        while let Some(applied) = self.listener.try_next() {
            heard = heard.or(is_of_index(&applied).then_some(applied));
        }
        self.show(heard.as_ref()).await
    }

    async fn show(&self, heard: Option<&Applied>) -> Progress {
        if heard.is_none() {
            return Progress::Idle;
        }
        let app = self.app.clone();
        let shown = tokio::task::spawn_blocking(move || app.reload_index()).await;
        if let Err(error) = shown {
            tracing::error!(%error, "opening the search index broke");
        }
        Progress::Did(1)
    }
}

fn is_of_index(applied: &Applied) -> bool {
    match applied {
        Applied::Index(_) | Applied::Unknown => true,
        Applied::Views(_) => false,
    }
}

impl Loop for IndexFollower {
    const NAME: &'static str = "index-follower";
    type Error = std::convert::Infallible;

    /// As [`IndexFollower::advance`], but waits for an announcement when there is none.
    async fn step(&mut self) -> Result<Progress, std::convert::Infallible> {
        let waited = tokio::time::timeout(STEP_MAX, self.listener.next()).await;
        let first = match waited {
            Ok(None) => return Ok(Progress::Idle),
            Ok(first) => first,
            Err(_) => None,
        };
        self.show(first.filter(is_of_index).as_ref()).await;
        Ok(Progress::Did(0))
    }
}

/// Brings the announcements of a projector in another process.
pub struct RemoteFollower {
    remote: RemoteApplied,
}

impl RemoteFollower {
    /// Passes on what `remote` hears.
    pub fn new(remote: RemoteApplied) -> Self {
        Self { remote }
    }
}

impl Loop for RemoteFollower {
    const NAME: &'static str = "remote-applied";
    type Error = sqlx::Error;

    async fn step(&mut self) -> Result<Progress, sqlx::Error> {
        if !self.remote.is_listening() {
            // Not cut short: a new connection may take longer than a step.
            self.remote.step().await?;
        }
        match tokio::time::timeout(STEP_MAX, self.remote.step()).await {
            Ok(heard) => heard.map(|()| Progress::Did(1)),
            Err(_) => Ok(Progress::Did(0)),
        }
    }
}

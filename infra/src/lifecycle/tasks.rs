//! The tasks of a process: spawned, counted, watched, and stopped in order.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use super::loops::{self, Loop};
use super::pace::{Doorbell, Pace};
use super::stop::Stop;
use crate::clock::Clock;
use crate::limits;

/// Why a process ends with a failure code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// A service task ended by itself.
    #[error("task {task} ended by itself: {reason}")]
    Ended {
        /// Its name.
        task: &'static str,
        /// What it returned, or its panic.
        reason: String,
    },
    /// Tasks were still running after the last wait.
    #[error("{left} tasks did not stop in time")]
    Stuck {
        /// How many.
        left: usize,
    },
    /// The operating system does not let us hear its signals.
    #[error("cannot listen for signals: {0}")]
    Signals(String),
}

/// Spawns and counts the tasks of a process. Clones share them.
#[derive(Clone)]
pub struct Tasks {
    stop: Stop,
    tracker: TaskTracker,
    /// Those that stop after the others.
    last: TaskTracker,
    failure: Arc<Mutex<Option<Failure>>>,
    clock: Clock,
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tasks")
            .field("running", &self.running())
            .finish_non_exhaustive()
    }
}

impl Tasks {
    /// An empty set of tasks. The clock gives backoff its jitter.
    pub fn new(clock: Clock) -> Self {
        Self {
            stop: Stop::new(),
            tracker: TaskTracker::new(),
            last: TaskTracker::new(),
            failure: Arc::default(),
            clock,
        }
    }

    /// The clock of these tasks.
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// The stop signals of these tasks.
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Runs a task for the life of the process. When it ends before anybody asked it to, in whatever
    /// way, the process stops with a failure.
    pub fn service<F, E>(&self, name: &'static str, work: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display + Send + 'static,
    {
        self.watched(&self.tracker, name, work);
    }

    /// As [`Tasks::service`], for what the others need until they have ended: it is asked to stop,
    /// by [`Stop::last_token`], only then.
    pub fn last<F, E>(&self, name: &'static str, work: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display + Send + 'static,
    {
        self.watched(&self.last, name, work);
    }

    fn watched<F, E>(&self, tracker: &TaskTracker, name: &'static str, work: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display + Send + 'static,
    {
        let stop = self.stop.clone();
        let failure = Arc::clone(&self.failure);
        let task = spawn(tracker, work);
        // A second task sees the first one's end, a panic included.
        let watch = async move {
            let reason = match task.await {
                Ok(Ok(())) => "it returned".to_owned(),
                // With its causes, where it tells them.
                Ok(Err(error)) => format!("{error:#}"),
                Err(error) => error.to_string(),
            };
            if !stop.is_stopping() {
                tracing::error!(task.name = name, reason, "task {name} ended by itself");
                failure
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get_or_insert(Failure::Ended { task: name, reason });
                stop.begin();
            }
        };
        spawn(tracker, watch);
    }

    /// Runs a piece of work to its end even when its caller goes away: appends and effects, whose
    /// outcome must be known. The process waits for it when stopping.
    pub fn detached<F>(&self, work: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        spawn(&self.tracker, work)
    }

    /// Runs a loop for the life of the process, woken by `doorbell`.
    pub fn run<L: Loop>(&self, mut work: L, doorbell: Doorbell, pace: Pace) {
        let stop = self.stop.clone();
        let clock = self.clock.clone();
        self.service(L::NAME, async move {
            loops::run(&mut work, &doorbell, &pace, &stop, &clock).await;
            Ok::<_, std::convert::Infallible>(())
        });
    }

    fn running(&self) -> usize {
        self.tracker.len() + self.last.len()
    }

    /// Waits for a signal, or for a task's failure, then stops everything in order.
    ///
    /// # Errors
    /// [`Failure`] when a task ended by itself, would not stop, or signals cannot be heard.
    pub async fn run_until_stopped(&self) -> Result<(), Failure> {
        let mut signals = Signals::listen().map_err(|error| Failure::Signals(error.to_string()))?;
        tokio::select! {
            name = signals.next() => tracing::info!(signal = name, "stopping on {name}"),
            () = self.stop.soft() => {}
        }
        self.stop.begin();
        let second = async {
            let name = signals.next().await;
            tracing::warn!(signal = name, "stopping at once on a second {name}");
        };
        self.finish(second).await
    }

    /// Stops everything in order, without waiting for a signal: for tests and for the end of `main`.
    ///
    /// # Errors
    /// [`Failure`] when a task had ended by itself or would not stop.
    pub async fn shut_down(&self) -> Result<(), Failure> {
        self.stop.begin();
        self.finish(std::future::pending()).await
    }

    async fn finish(&self, hurried: impl Future<Output = ()>) -> Result<(), Failure> {
        self.tracker.close();
        self.last.close();
        let in_order = async {
            self.tracker.wait().await;
            self.stop.last.cancel();
            self.last.wait().await;
        };
        tokio::select! {
            () = in_order => {}
            () = hurried => {}
            () = self.stop.hard() => {}
            () = tokio::time::sleep(limits::SOFT_STOP_MAX) => {
                tracing::warn!(tasks = self.running(), "tasks are slow to finish, leaving now");
            }
        }
        self.stop.hurry();
        let all = futures::future::join(self.tracker.wait(), self.last.wait());
        let waited = tokio::time::timeout(limits::HARD_STOP_MAX, all).await;
        let failure = self
            .failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match (failure, waited) {
            (Some(failure), _) => Err(failure),
            (None, Err(_)) => Err(Failure::Stuck {
                left: self.running(),
            }),
            (None, Ok(_)) => Ok(()),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that spawns tasks")]
fn spawn<F>(tracker: &TaskTracker, work: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(tracker.track_future(work))
}

/// SIGTERM and SIGINT.
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

//! One process of the product: executor, runners, timers and effects as they are, on the world's ports.

use std::sync::Arc;
use std::time::Duration;

use command_api::execute::Executor;
use command_api::processes::{EffectRunner, Runner, Timers};
use domain::kernel::flags::Flags;
use infra::event_store::EventStore;
use infra::http::health::Readiness;
use infra::lifecycle::{Doorbell, Loop, Progress, Tasks};
use tokio::sync::watch;

use crate::line::Line;
use crate::memory::MemoryFeed;
use crate::world::World;

/// A loop with nothing to do and nothing that is due looks again after this.
const IDLE: Duration = Duration::from_hours(1);

/// A process.
pub(crate) struct Node {
    line: Line,
    executor: Executor,
    _lead: watch::Sender<Option<i64>>,
}

/// What wakes a loop.
enum Wakes {
    Log(Doorbell),
    Timers(Doorbell),
    Effects(Doorbell, Doorbell),
}

impl Node {
    /// Starts a process that leads with `epoch`.
    pub(crate) fn start(world: &Arc<World>, epoch: i64) -> Self {
        let line = Line::new(Arc::clone(world));
        let store = EventStore::over(Arc::new(line.clone()));
        let executor = Executor::new(store, world.clock.clone());
        let (lead, leading) = watch::channel(Some(epoch));
        let (bell, readiness) = (Doorbell::new(), Readiness::new());
        let flags = Arc::new(Flags::default());
        macro_rules! run {
            ($($process:ty),+ $(,)?) => { $(
                let runner = Runner::<$process, _, _>::new(
                    line.clone(),
                    world.clock.clone(),
                    Arc::clone(&flags),
                    MemoryFeed::new(line.clone()),
                    leading.clone(),
                    bell.clone(),
                    &readiness,
                );
                crate::spawn(drive(runner, line.clone(), Wakes::Log(world.heads())));
            )+ };
        }
        domain::for_each_process!(run);
        let timers = Timers::new(
            line.clone(),
            world.clock.clone(),
            leading.clone(),
            bell.clone(),
        );
        crate::spawn(drive(
            timers,
            line.clone(),
            Wakes::Timers(world.tables_changed()),
        ));
        let effects = EffectRunner::new(
            line.clone(),
            world.clock.clone(),
            executor.clone(),
            Arc::new(line.clone()),
            leading,
            Tasks::new(world.clock.clone()),
            bell.clone(),
        );
        let wakes = Wakes::Effects(world.tables_changed(), bell);
        crate::spawn(drive(effects, line.clone(), wakes));
        Self {
            line,
            executor,
            _lead: lead,
        }
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.line.is_alive()
    }

    pub(crate) fn executor(&self) -> Executor {
        self.executor.clone()
    }

    /// Ends it.
    pub(crate) fn end(&self) {
        self.line.kill();
    }
}

/// Steps a loop of the product as long as its process lives.
async fn drive<L: Loop>(mut work: L, line: Line, wakes: Wakes) {
    while line.is_alive() {
        line.world.keep_time();
        match work.step().await {
            Ok(Progress::Did(_)) => tokio::task::yield_now().await,
            Ok(Progress::DidAll(_) | Progress::Idle) => wakes.wait(&line.world).await,
            Err(_) => line.world.pause("backoff", 500).await,
        }
    }
}

impl Wakes {
    async fn wait(&self, world: &World) {
        let now = world.now();
        let until = |due: Option<chrono::DateTime<chrono::Utc>>| {
            let left = due.map_or(IDLE, |at| (at - now).to_std().unwrap_or_default());
            left.max(Duration::from_millis(1))
        };
        match self {
            // A process stores a place that nothing followed from when it finds nothing more.
            Self::Log(head) => {
                let sleep = tokio::time::sleep(IDLE);
                tokio::select! { biased; () = head.rung() => {}, () = sleep => {} }
            }
            Self::Timers(tables) => {
                let sleep = tokio::time::sleep(until(world.memory().next_timer()));
                tokio::select! { biased; () = tables.rung() => {}, () = sleep => {} }
            }
            Self::Effects(tables, bell) => {
                let next = world.memory().next_effect().filter(|at| *at > now);
                let sleep = tokio::time::sleep(until(next));
                tokio::select! {
                    biased;
                    () = tables.rung() => {},
                    () = bell.rung() => {}
                    () = sleep => {}
                }
            }
        }
    }
}

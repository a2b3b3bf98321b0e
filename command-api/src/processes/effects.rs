//! Performs effects: commands to our aggregates and calls to vendors. Each runs in a task of its own,
//! so a vendor that is slow keeps nobody waiting; each may be repeated, since its id is its key.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use infra::clock::Clock;
use infra::lifecycle::{Doorbell, Loop, Progress, Tasks};
use tokio::sync::watch;
use uuid::Uuid;

use super::effect_table::{Due, EffectKind, EffectTable};
use super::performer::Performer;
use super::tables::{PostgresTables, ProcessTables};
use crate::execute::Executor;
use crate::gateways::payment::PaymentGateway;

/// Effects of one kind under way at once: what keeps the appender and the vendors' lanes busy. Each
/// kind has its own room, so that slow payments leave commands theirs.
const IN_FLIGHT_MAX: usize = 32;
/// An attempt takes a call (20 s at most), a command and a few statements; what takes longer hangs, and
/// its room is wanted. As after a crash, its outcome is unknown and its id makes the next one a repeat.
const ATTEMPT_MAX: Duration = Duration::from_mins(2);

/// Which effects are under way. Shared with tests, which wait until there are none.
#[derive(Clone, Debug, Default)]
pub struct EffectsInFlight {
    under_way: Arc<Mutex<HashMap<Uuid, EffectKind>>>,
    /// Whether there may be more than there was room for, which the next to end then says.
    was_full: Arc<AtomicBool>,
}

impl EffectsInFlight {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    fn ids(&self) -> Vec<Uuid> {
        self.lock().keys().copied().collect()
    }

    /// The kinds that have room, and how much.
    fn room(&self) -> Vec<(EffectKind, usize)> {
        let busy = self.lock();
        EffectKind::ALL
            .into_iter()
            .map(|kind| (kind, busy.values().filter(|other| **other == kind).count()))
            .filter(|(_, taken)| *taken < IN_FLIGHT_MAX)
            .map(|(kind, taken)| (kind, IN_FLIGHT_MAX - taken))
            .collect()
    }

    /// Counts an effect until the guard is dropped, which rings `doorbell` when something may have
    /// waited for that.
    fn begin(&self, id: Uuid, kind: EffectKind, doorbell: &Doorbell) -> UnderWay {
        self.lock().insert(id, kind);
        UnderWay {
            id,
            in_flight: self.clone(),
            was_awaited: true,
            doorbell: doorbell.clone(),
        }
    }

    /// Notes whether a look found as many as there was `room` for.
    fn note(&self, room: &[(EffectKind, usize)], due: &[Due]) {
        let found = |kind| due.iter().filter(|effect| effect.kind == kind).count();
        let is_full = room.len() < EffectKind::ALL.len()
            || room.iter().any(|(kind, room)| found(*kind) == *room);
        self.was_full.store(is_full, Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, EffectKind>> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// An effect under way, in whatever way it ends.
struct UnderWay {
    id: Uuid,
    in_flight: EffectsInFlight,
    was_awaited: bool,
    doorbell: Doorbell,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.in_flight.lock().remove(&self.id);
        let had_no_room = self.in_flight.was_full.swap(false, Ordering::AcqRel);
        if self.was_awaited || had_no_room {
            self.doorbell.ring();
        }
    }
}

/// Takes due effects and performs them while this instance leads.
pub struct EffectRunner<T = PostgresTables> {
    table: EffectTable<T>,
    performer: Performer<T>,
    leading: watch::Receiver<Option<i64>>,
    tasks: Tasks,
    doorbell: Doorbell,
    in_flight: EffectsInFlight,
}

impl<T: ProcessTables> EffectRunner<T> {
    /// A runner whose tasks belong to `tasks` and ring `doorbell` when they end.
    pub fn new(
        tables: T,
        clock: Clock,
        executor: Executor,
        payments: Arc<dyn PaymentGateway>,
        leading: watch::Receiver<Option<i64>>,
        tasks: Tasks,
        doorbell: Doorbell,
    ) -> Self {
        let table = EffectTable::new(tables, clock.clone());
        let performer = Performer::new(table.clone(), clock, executor, payments);
        let in_flight = EffectsInFlight::default();
        Self {
            table,
            performer,
            leading,
            tasks,
            doorbell,
            in_flight,
        }
    }

    /// What is under way.
    pub fn in_flight(&self) -> EffectsInFlight {
        self.in_flight.clone()
    }
}

impl<T: ProcessTables> Loop for EffectRunner<T> {
    const NAME: &'static str = "effects";
    type Error = sqlx::Error;

    async fn step(&mut self) -> Result<Progress, sqlx::Error> {
        if self.leading.borrow_and_update().is_none() {
            return Ok(Progress::Idle);
        }
        // Said before the room is looked at: one that ends from here on rings.
        self.in_flight.was_full.store(true, Ordering::Release);
        // Ids before room: what ends in between is left to the next step, which its ring brings.
        let (busy, room) = (self.in_flight.ids(), self.in_flight.room());
        if room.is_empty() {
            return Ok(Progress::Idle);
        }
        let due = self.table.due(&busy, &room).await?;
        let count = due.len();
        self.in_flight.note(&room, &due);
        for effect in due {
            let mut under_way = self.in_flight.begin(effect.id, effect.kind, &self.doorbell);
            let performer = self.performer.clone();
            // Nobody awaits the task: it writes its outcome itself, and the process waits for it
            // when it stops.
            drop(self.tasks.detached(async move {
                let id = effect.id;
                match tokio::time::timeout(ATTEMPT_MAX, performer.perform(effect)).await {
                    Ok(was_awaited) => under_way.was_awaited = was_awaited,
                    Err(_) => {
                        tracing::error!(effect.id = %id, "effect {id} hangs, it is tried again");
                    }
                }
                drop(under_way);
            }));
        }
        // A kind that had less room than there was to do is looked at when one of it ends.
        Ok(if count == 0 {
            Progress::Idle
        } else {
            Progress::DidAll(count)
        })
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn slow_payments_leave_commands_their_room() {
        let (in_flight, bell) = (EffectsInFlight::default(), Doorbell::new());
        let payments: Vec<_> = (1..=IN_FLIGHT_MAX as u128)
            .map(|id| in_flight.begin(Uuid::from_u128(id), EffectKind::Payment, &bell))
            .collect();
        assert_eq!(in_flight.room(), [(EffectKind::Command, IN_FLIGHT_MAX)]);
        drop(payments);
        assert_eq!((in_flight.count(), in_flight.room().len()), (0, 2));
    }

    #[tokio::test]
    async fn only_an_end_that_something_waited_for_rings() {
        let (in_flight, bell) = (EffectsInFlight::default(), Doorbell::new());
        let end = |id| {
            let mut under_way = in_flight.begin(Uuid::from_u128(id), EffectKind::Command, &bell);
            under_way.was_awaited = false;
            drop(under_way);
        };
        end(1);
        assert!(bell.rung().now_or_never().is_none());
        in_flight.note(&[(EffectKind::Payment, 1)], &[]);
        end(2);
        assert!(bell.rung().now_or_never().is_some(), "one kind had no room");
    }

    #[tokio::test]
    async fn an_effect_that_panics_is_under_way_no_longer() {
        let (in_flight, bell) = (EffectsInFlight::default(), Doorbell::new());
        let under_way = in_flight.begin(Uuid::from_u128(1), EffectKind::Command, &bell);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
            let _held = under_way;
            panic!("planted");
        }));
        assert!(panicked.is_err());
        assert_eq!(in_flight.count(), 0);
        bell.rung().await;
    }
}

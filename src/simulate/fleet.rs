//! The couriers of the day and who is free: the nearest on shift is sent.
//!
//! This is the simulation's stand-in for the staff who assign drivers, no dispatch of the platform.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::day::{Day, Place};

/// All couriers.
pub(super) struct Fleet {
    couriers: Mutex<Vec<Courier>>,
    freed: Notify,
}

#[derive(Debug, Clone)]
struct Courier {
    at: Place,
    is_free: bool,
}

impl Fleet {
    /// Everybody where their shift begins.
    pub(super) fn new(day: &Day) -> Self {
        let couriers = day
            .couriers
            .iter()
            .map(|courier| Courier {
                at: courier.at,
                is_free: true,
            })
            .collect();
        Self {
            couriers: Mutex::new(couriers),
            freed: Notify::new(),
        }
    }

    /// Takes the free courier on shift who is soonest at `shop`, with the minutes of the way; at
    /// `now_s` after the day's midnight. Nobody is sent who would arrive after the shift's end.
    pub(super) fn take(&self, day: &Day, shop: Place, now_s: i64) -> Option<(usize, f64)> {
        let mut couriers = self.lock();
        let soonest = couriers
            .iter()
            .zip(&day.couriers)
            .enumerate()
            .filter(|(_, (courier, shift))| courier.is_free && shift.on_s <= now_s)
            .map(|(index, (courier, shift))| {
                (
                    index,
                    day.minutes(shift.vehicle, courier.at, shop),
                    shift.off_s,
                )
            })
            .filter(|(_, minutes, off_s)| now_s + seconds(*minutes) <= *off_s)
            .min_by(|left, right| left.1.total_cmp(&right.1))
            .map(|(index, minutes, _)| (index, minutes))?;
        couriers[soonest.0].is_free = false;
        Some(soonest)
    }

    /// The courier is free again, at a place.
    pub(super) fn release(&self, courier: usize, at: Place) {
        self.lock()[courier] = Courier { at, is_free: true };
        self.freed.notify_waiters();
    }

    /// The courier, still taken, is at a place.
    pub(super) fn moved(&self, courier: usize, at: Place) {
        self.lock()[courier].at = at;
    }

    /// Where the courier was last.
    pub(super) fn place(&self, courier: usize) -> Place {
        self.lock()[courier].at
    }

    /// Ends when somebody becomes free.
    pub(super) async fn somebody_freed(&self) {
        self.freed.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Courier>> {
        self.couriers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whole seconds of some minutes, rounded up.
pub(super) fn seconds(minutes: f64) -> i64 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a way through a city takes hours at most"
    )]
    let seconds = (minutes * 60.0).ceil().min(1e9) as i64;
    seconds
}

#[cfg(test)]
mod tests {
    use super::super::generate::generate;
    use super::*;

    #[test]
    fn the_soonest_on_shift_is_taken_once() {
        let day = generate(3, 30);
        let fleet = Fleet::new(&day);
        let shop = day.shops[0].at;
        let evening = day.first_s();
        let (first, minutes) = fleet.take(&day, shop, evening).expect("somebody is free");
        let (second, longer) = fleet
            .take(&day, shop, evening)
            .expect("a second one is free");
        assert_ne!(first, second);
        assert!(minutes <= longer);
        fleet.release(first, shop);
        let (again, at_once) = fleet.take(&day, shop, evening).expect("free again");
        assert_eq!(again, first);
        assert!(at_once < 0.001);
    }

    #[test]
    fn nobody_is_sent_outside_the_shift() {
        let day = generate(3, 30);
        let fleet = Fleet::new(&day);
        let shop = day.shops[0].at;
        assert_eq!(fleet.take(&day, shop, day.couriers[0].on_s - 1), None);
        assert_eq!(fleet.take(&day, shop, day.couriers[0].off_s), None);
    }

    #[test]
    fn ways_are_rounded_up_to_seconds() {
        assert_eq!((seconds(0.0), seconds(1.0), seconds(0.001)), (0, 60, 1));
    }
}

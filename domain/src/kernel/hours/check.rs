//! What makes hours that somebody wrote unusable: too many of them, or two at one time.

use std::collections::HashSet;

use chrono::NaiveDate;

use super::{
    DAY_MINUTES, DayRange, HoursDraft, LastOrder, OpeningRange, WEEK_MINUTES, WeeklyHours,
};
use crate::kernel::fault::{Faults, Pointer};
use crate::kernel::quantity::Minutes;
use crate::kernel::tax::FulfilmentKind;

/// Ranges in a week, and on one date: ten a day.
const RANGES_PER_DAY_MAX: usize = 10;
/// Exceptions: more than a year of them.
const EXCEPTIONS_MAX: usize = 400;
/// Whoever stops earlier has other hours.
const LAST_ORDER_MAX: Minutes = Minutes::new(720);

/// Ranges and exceptions are not too many, and no date has two.
pub(super) fn sizes(draft: &HoursDraft, faults: &mut Faults) {
    let root = Pointer::root();
    if draft.days.len() > 7 * RANGES_PER_DAY_MAX {
        faults.add(
            "too_many_ranges",
            &root.at("days"),
            "a week has at most 70 ranges",
        );
    }
    if draft.exceptions.len() > EXCEPTIONS_MAX {
        faults.add(
            "too_many_exceptions",
            &root.at("exceptions"),
            "there are at most 400 exceptions",
        );
    }
    last_order(draft.last_order, &root.at("last_order"), faults);
    let mut dates = HashSet::new();
    for (index, exception) in draft.exceptions.iter().enumerate() {
        let at = root.at("exceptions").at(index);
        if !dates.insert(exception.date) {
            faults.add(
                "date_repeated",
                &at.at("date"),
                "this date has an exception already",
            );
        }
        if exception.ranges.len() > RANGES_PER_DAY_MAX {
            faults.add(
                "too_many_ranges",
                &at.at("ranges"),
                "a day has at most 10 ranges",
            );
        }
    }
}

/// The last order is taken within the half day before closing.
fn last_order(last_order: LastOrder, at: &Pointer, faults: &mut Faults) {
    let kinds = [
        ("delivery", FulfilmentKind::Delivery),
        ("pickup", FulfilmentKind::Pickup),
    ];
    for (name, kind) in kinds {
        if last_order.of(kind) > LAST_ORDER_MAX {
            faults.add(
                "last_order_too_early",
                &at.at(name),
                "the last order is taken at most 720 minutes before closing",
            );
        }
    }
}

/// No two ranges of the week overlap, not even over its end.
pub(super) fn week(days: &[OpeningRange], faults: &mut Faults) {
    for (index, range) in days.iter().enumerate() {
        let (from, to) = range.minutes();
        let meets = |other: &OpeningRange| {
            let other = other.minutes();
            [-WEEK_MINUTES, 0, WEEK_MINUTES]
                .iter()
                .any(|shift| overlap((from + shift, to + shift), other))
        };
        if days[..index].iter().any(meets) {
            let at = Pointer::root().at("days").at(index);
            faults.add("hours_overlap", &at, "this range overlaps another");
        }
    }
}

fn overlap(one: (i64, i64), other: (i64, i64)) -> bool {
    one.0 < other.1 && other.0 < one.1
}

/// Exceptions: no overlap within, nor with what spills in from the day before or over into the day after.
pub(super) fn exceptions(hours: &WeeklyHours, faults: &mut Faults) {
    for (index, exception) in hours.0.exceptions.iter().enumerate() {
        let at = Pointer::root().at("exceptions").at(index).at("ranges");
        let own: Vec<_> = exception
            .ranges
            .iter()
            .map(|range| range.minutes())
            .collect();
        let shifted = |date: Option<NaiveDate>, days: i64| -> Vec<(i64, i64)> {
            let ranges = date.map(|date| hours.ranges_on(date)).unwrap_or_default();
            let shift = days * DAY_MINUTES;
            ranges
                .into_iter()
                .map(DayRange::minutes)
                .map(|(a, b)| (a + shift, b + shift))
                .collect()
        };
        let before = shifted(exception.date.pred_opt(), -1);
        let after = shifted(exception.date.succ_opt(), 1);
        for (number, range) in own.iter().enumerate() {
            if own[..number]
                .iter()
                .chain(&before)
                .chain(&after)
                .any(|other| overlap(*range, *other))
            {
                faults.add(
                    "hours_overlap",
                    &at.at(number),
                    "this range overlaps another",
                );
            }
        }
        // A closed or short day frees time only; the spill of a range before it stands.
    }
}

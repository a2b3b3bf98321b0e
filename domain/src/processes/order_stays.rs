//! An order that stays at a stage for longer than it should is said to have stalled: a timer for each stay, so that somebody
//! looks although nothing happens.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{AnyRecorded, Effect, Process};
use crate::aggregates::{AnyCommand, AnyEvent, Kind};
use crate::kernel::flags::Flags;
use crate::kernel::stays::longest_stay;
use crate::ordering::order::{OrderCommand, OrderStage};

/// The one timer of an instance: it moves with each stage.
const TIMER: &str = "longest_stay";

/// See the module.
#[derive(Debug)]
pub struct OrderStays;

/// What is remembered of an order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OrderStaysState {
    /// The last sequence seen.
    seen: i64,
    /// Since when it has waited for its release, while it does.
    #[serde(default)]
    waits_since: Option<DateTime<Utc>>,
    /// Whether it has come to an end.
    over: bool,
}

impl Process for OrderStays {
    const NAME: &'static str = "order_stays";
    const FOLLOWS: &'static [Kind] = &[Kind::Order];
    type State = OrderStaysState;

    fn instance(event: &AnyRecorded) -> Option<Uuid> {
        (event.recorded.event.kind() == Kind::Order).then_some(event.recorded.stream)
    }

    fn react(known: &mut Self::State, event: &AnyRecorded, flags: &Flags) -> Vec<Effect> {
        let recorded = &event.recorded;
        let AnyEvent::Order(news) = &recorded.event else {
            return Vec::new();
        };
        if recorded.sequence <= known.seen {
            return Vec::new();
        }
        known.seen = recorded.sequence;
        let (stage, since) = match (news.leads_to(), known.waits_since) {
            (Some(stage), _) => {
                known.waits_since = (stage == OrderStage::Scheduled).then(|| news.at());
                (stage, news.at())
            }
            // Its release was moved.
            (None, Some(since)) if news.release_at().is_some() => (OrderStage::Scheduled, since),
            (None, _) => return Vec::new(),
        };
        let name = TIMER.to_owned();
        // An order for later is to wait until it is released.
        let waits = news.release_at().unwrap_or(since);
        let Some(longest) = longest_stay(stage.into(), flags) else {
            known.over = true;
            return vec![Effect::CancelTimer { name }];
        };
        let stall = OrderCommand::Stall { stage, since };
        let command = AnyCommand::Order(recorded.stream, stall);
        vec![Effect::StartTimer {
            name,
            at: waits + longest.span(),
            fires: Box::new(Effect::Command { command }),
        }]
    }

    fn is_over(state: &Self::State) -> bool {
        state.over
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use strum::VariantArray as _;

    use super::*;
    use crate::decider::{Event as _, Recorded, Transitions};
    use crate::ordering::order::{Order, OrderEvent, TRANSITIONS};
    use crate::testing::test_now;

    fn recorded(sequence: i64, event: OrderEvent) -> AnyRecorded {
        let stream = Uuid::from_u128(3);
        let recorded = Recorded {
            event: AnyEvent::Order(event),
            event_id: Uuid::from_u128(4),
            stream,
            sequence,
            position: sequence,
            recorded_at: test_now(),
        };
        AnyRecorded {
            recorded,
            order: Some(stream.into()),
            restaurant: None,
            by_shop: false,
        }
    }

    #[test]
    fn each_stage_that_is_no_end_has_a_longest_stay() {
        let table: Transitions<Order> = TRANSITIONS;
        for stage in OrderStage::VARIANTS {
            let leads_on = table
                .iter()
                .any(|(from, _, to)| from == stage && to != stage);
            let stay = longest_stay((*stage).into(), &Flags::default());
            let is_before = *stage == OrderStage::Absent;
            assert_eq!(stay.is_some(), leads_on && !is_before, "{stage:?}");
        }
    }

    #[test]
    fn an_order_for_later_stalls_when_its_release_is_overdue_and_an_amendment_moves_that() {
        let (mut state, flags) = (OrderStaysState::default(), Flags::default());
        let at = |minutes| test_now() + TimeDelta::minutes(minutes);
        let amended = OrderEvent::samples().into_iter().find_map(|event| {
            let OrderEvent::Amended { amendment, by, at } = event else {
                return None;
            };
            Some((amendment, by, at))
        });
        let (amendment, by, when) = amended.unwrap();
        let moved = amendment.schedule.unwrap().release_at;
        let release_at = at(60);
        let since = test_now();
        let scheduled = OrderEvent::Scheduled {
            release_at,
            at: since,
        };
        let amended = OrderEvent::Amended {
            amendment,
            by,
            at: when,
        };
        let placed = OrderEvent::Placed { at: moved };
        for (sequence, (event, due, stage, from)) in (1..).zip([
            (scheduled, release_at, OrderStage::Scheduled, since),
            (amended.clone(), moved, OrderStage::Scheduled, since),
            (placed, moved, OrderStage::Placed, moved),
        ]) {
            let effects = OrderStays::react(&mut state, &recorded(sequence, event), &flags);
            let [Effect::StartTimer { at, fires, .. }] = &effects[..] else {
                panic!("{effects:?}")
            };
            assert_eq!(*at, due + TimeDelta::minutes(10));
            let stall = OrderCommand::Stall { stage, since: from };
            let command = AnyCommand::Order(Uuid::from_u128(3), stall);
            assert_eq!(**fires, Effect::Command { command });
        }
        assert!(OrderStays::react(&mut state, &recorded(4, amended), &flags).is_empty());
    }

    #[test]
    fn a_timer_runs_for_each_stay_and_none_at_an_end() {
        let (mut state, flags) = (OrderStaysState::default(), Flags::default());
        let mut react = |event: &AnyRecorded| {
            let effects = OrderStays::react(&mut state, event, &flags);
            (effects, OrderStays::is_over(&state))
        };
        let placed = recorded(1, OrderEvent::Placed { at: test_now() });
        let (effects, over) = react(&placed);
        let [Effect::StartTimer { at, fires, .. }] = &effects[..] else {
            panic!("{effects:?}")
        };
        assert_eq!(*at, test_now() + TimeDelta::minutes(10));
        let stall = OrderCommand::Stall {
            stage: OrderStage::Placed,
            since: test_now(),
        };
        let command = AnyCommand::Order(Uuid::from_u128(3), stall);
        assert_eq!(**fires, Effect::Command { command });
        assert!(!over && react(&placed).0.is_empty(), "told twice");
        let same_stage = OrderEvent::samples().into_iter();
        let same_stage = same_stage.filter(|event| event.leads_to().is_none());
        for (number, event) in (2..).zip(same_stage) {
            assert!(react(&recorded(number, event)).0.is_empty());
        }
        let (effects, over) = react(&recorded(99, OrderEvent::Expired { at: test_now() }));
        assert!(over && matches!(effects[..], [Effect::CancelTimer { .. }]));
    }
}

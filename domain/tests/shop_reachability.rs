//! The process: when nobody answers for a shop it is paused, once, and takes orders again when somebody does.
#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "helpers of tests fail as tests do, and look for single variants"
)]

use chrono::{DateTime, TimeDelta, Utc};
use domain::aggregates::{AnyCommand, AnyEvent};
use domain::decider::Recorded;
use domain::kernel::flags::Flags;
use domain::kernel::ids::{DeviceId, RestaurantId};
use domain::kernel::quantity::Minutes;
use domain::kernel::text::Reason;
use domain::ordering::order::{OrderEvent, RejectReason};
use domain::ordering::quote::Promise;
use domain::processes::shop_reachability::{
    SILENCE, ShopReachability, ShopReachabilityState, missing,
};
use domain::processes::{AnyRecorded, Effect, Process};
use domain::restaurant::restaurant::{PauseKind, RestaurantCommand, RestaurantEvent};
use domain::testing::test_now;
use proptest::prelude::*;
use uuid::Uuid;

const SHOP: Uuid = Uuid::from_u128(2);

fn at(seconds: i64) -> DateTime<Utc> {
    test_now() + TimeDelta::seconds(seconds)
}

fn tablet(number: u128) -> DeviceId {
    DeviceId::new(Uuid::from_u128(number))
}

/// What happened at a shop: seconds, by its hand or not, of which order (none: of the shop itself).
#[derive(Clone, Default)]
struct Story(Vec<AnyRecorded>);

impl Story {
    fn tell(mut self, seconds: i64, by_shop: bool, stream: Uuid, event: AnyEvent) -> Self {
        let position = i64::try_from(self.0.len()).unwrap() + 1;
        let recorded = Recorded {
            event,
            event_id: Uuid::from_u128(1000 + u128::try_from(position).unwrap()),
            stream,
            sequence: position,
            position,
            recorded_at: at(seconds),
        };
        let restaurant = Some(RestaurantId::new(SHOP));
        self.0.push(AnyRecorded {
            recorded,
            order: None,
            restaurant,
            by_shop,
        });
        self
    }

    fn order(self, seconds: i64, number: u128, event: OrderEvent) -> Self {
        let by_shop = !matches!(
            event,
            OrderEvent::Placed { .. }
                | OrderEvent::Rejected {
                    reason: RejectReason::NoAnswer,
                    ..
                }
        );
        let stream = Uuid::from_u128(100 + number);
        self.tell(seconds, by_shop, stream, AnyEvent::Order(event))
    }

    fn placed(self, seconds: i64, number: u128) -> Self {
        self.order(seconds, number, OrderEvent::Placed { at: at(seconds) })
    }

    fn shown(self, seconds: i64, number: u128) -> Self {
        let event = OrderEvent::Acknowledged {
            device: None,
            at: at(seconds),
        };
        self.order(seconds, number, event)
    }

    fn accepted(self, seconds: i64, number: u128) -> Self {
        let promise = Promise {
            earliest: at(0),
            latest: at(0),
        };
        let event = OrderEvent::Accepted {
            prep_minutes: Minutes::new(10),
            promise,
            at: at(seconds),
        };
        self.order(seconds, number, event)
    }

    fn unanswered(self, seconds: i64, number: u128) -> Self {
        let event = OrderEvent::Rejected {
            reason: RejectReason::NoAnswer,
            note: None,
            at: at(seconds),
        };
        self.order(seconds, number, event)
    }

    fn shop(self, seconds: i64, by_shop: bool, event: RestaurantEvent) -> Self {
        self.tell(seconds, by_shop, SHOP, AnyEvent::Restaurant(event))
    }

    fn heard(self, seconds: i64, device: u128) -> Self {
        let (device, at) = (tablet(device), at(seconds));
        self.shop(seconds, true, RestaurantEvent::DeviceHeard { device, at })
    }

    fn missed(self, seconds: i64, device: u128) -> Self {
        let event = RestaurantEvent::DeviceMissed {
            device: tablet(device),
            silent_for: Minutes::new(3),
            at: at(seconds),
        };
        self.shop(seconds, false, event)
    }

    fn paused(self, seconds: i64, kind: PauseKind) -> Self {
        let event = RestaurantEvent::Paused {
            reason: Reason::parse("nobody").unwrap(),
            until: None,
            kind,
        };
        self.shop(seconds, kind == PauseKind::ByStaff, event)
    }

    /// What follows from the last event, after all before it.
    fn then(&self) -> Vec<Effect> {
        react_to(&self.0).0.pop().unwrap()
    }
}

/// The effects of each event in turn; the state takes the way through its stored form each time.
fn react_to(events: &[AnyRecorded]) -> (Vec<Vec<Effect>>, ShopReachabilityState) {
    let mut state = ShopReachabilityState::default();
    let flags = Flags::default();
    let react = |event| {
        let effects = ShopReachability::react(&mut state, event, &flags);
        let stored = serde_json::to_string(&state).unwrap();
        state = serde_json::from_str(&stored).unwrap();
        effects
    };
    (events.iter().map(react).collect(), state)
}

fn tells(effect: &Effect) -> Option<&RestaurantCommand> {
    match effect {
        Effect::Command {
            command: AnyCommand::Restaurant(SHOP, command),
        } => Some(command),
        _ => None,
    }
}

fn pauses(effects: &[Effect]) -> bool {
    effects
        .iter()
        .filter_map(tells)
        .any(|command| matches!(command, RestaurantCommand::MarkUnreachable { .. }))
}

/// When the timer is due that these effects start.
fn silent_at(effects: &[Effect]) -> Option<DateTime<Utc>> {
    effects.iter().find_map(|effect| match effect {
        Effect::StartTimer { name, at, fires } if name == SILENCE => {
            assert!(pauses(std::slice::from_ref(fires)));
            Some(*at)
        }
        _ => None,
    })
}

fn stops(effects: &[Effect]) -> bool {
    let stop = Effect::CancelTimer {
        name: SILENCE.to_owned(),
    };
    effects.contains(&stop)
}

#[test]
fn an_order_that_no_device_shows_for_three_minutes_pauses_the_shop() {
    let story = Story::default().placed(0, 1);
    assert_eq!(silent_at(&story.then()), Some(at(180)));
    let second = story.clone().placed(60, 2);
    assert_eq!(second.then(), [], "the older one decides");
    assert!(stops(&story.shown(30, 1).then()));
}

#[test]
fn a_sign_on_another_order_moves_the_timer() {
    let story = Story::default().placed(0, 1).placed(10, 2).shown(100, 2);
    assert_eq!(silent_at(&story.then()), Some(at(280)));
    let hands = Story::default().placed(0, 1).accepted(20, 2).placed(30, 3);
    assert_eq!(
        hands.then(),
        [],
        "counted from the last sign, for the oldest that waits"
    );
}

#[test]
fn two_automatic_rejections_in_a_row_pause_the_shop() {
    let first = Story::default()
        .placed(0, 1)
        .shown(1, 1)
        .placed(1, 2)
        .shown(2, 2)
        .unanswered(300, 1);
    assert!(!pauses(&first.then()));
    assert!(pauses(&first.clone().unanswered(301, 2).then()));
    let shown = first
        .clone()
        .placed(302, 3)
        .shown(303, 3)
        .unanswered(602, 3);
    assert!(
        pauses(&shown.then()),
        "a tablet that shows orders answers none"
    );
    let accepted = first.placed(302, 3).accepted(303, 3).unanswered(304, 2);
    assert!(!pauses(&accepted.then()), "somebody answered in between");
}

#[test]
fn it_ends_when_somebody_answers_or_resumes() {
    let silent = Story::default()
        .placed(0, 1)
        .paused(180, PauseKind::Unreachable);
    assert!(stops(&silent.then()), "it is paused already");
    let shown = silent.clone().shown(200, 1).then();
    assert!(
        shown
            .iter()
            .filter_map(tells)
            .any(|told| *told == RestaurantCommand::MarkReachable)
    );
    let resumed = silent.shop(240, true, RestaurantEvent::Resumed);
    assert_eq!(
        silent_at(&resumed.then()),
        Some(at(420)),
        "the order still waits for a device"
    );
    let by_staff = Story::default().paused(0, PauseKind::ByStaff).shown(1, 1);
    assert_eq!(
        by_staff.then(),
        [],
        "a pause of the staff's is theirs to end"
    );
}

/// When the timer is due that misses a device.
fn missed_at(effects: &[Effect], device: u128) -> Option<DateTime<Utc>> {
    effects.iter().find_map(|effect| match effect {
        Effect::StartTimer { name, at, fires } if *name == missing(tablet(device)) => {
            let told = tells(fires);
            assert!(matches!(told, Some(RestaurantCommand::MissDevice { .. })));
            Some(*at)
        }
        _ => None,
    })
}

#[test]
fn while_a_device_is_heard_there_is_no_silence() {
    let here = Story::default().heard(0, 1);
    assert_eq!(missed_at(&here.then(), 1), Some(at(180)));
    assert_eq!(here.clone().placed(60, 1).then(), []);
    let late = Story::default().placed(0, 1).heard(60, 1);
    assert!(stops(&late.then()), "it came while an order waited");
    let two = late.heard(90, 2).missed(600, 1);
    assert_eq!(two.then(), [], "the other is there still");
    let none = two.missed(660, 2);
    assert_eq!(
        silent_at(&none.then()),
        Some(at(660)),
        "the last sign was three minutes before it was missed"
    );
    let young = here.placed(590, 1).missed(600, 1);
    assert_eq!(
        silent_at(&young.then()),
        Some(at(770)),
        "counted from the order"
    );
}

#[test]
fn a_device_that_comes_back_ends_the_silence_and_one_that_was_there_does_not() {
    let ends = |story: &Story| {
        let effects = story.then();
        let mut told = effects.iter().filter_map(tells);
        told.any(|told| *told == RestaurantCommand::MarkReachable)
    };
    let silent = Story::default()
        .placed(0, 1)
        .paused(180, PauseKind::Unreachable);
    assert!(ends(&silent.heard(200, 1)));
    let ignored = Story::default()
        .heard(0, 1)
        .placed(1, 1)
        .unanswered(301, 1)
        .placed(302, 2)
        .unanswered(602, 2);
    assert!(pauses(&ignored.then()), "it shows orders to nobody");
    let back = ignored
        .paused(603, PauseKind::Unreachable)
        .missed(1000, 1)
        .heard(1200, 1);
    assert!(ends(&back));
    let by_staff = Story::default().paused(0, PauseKind::ByStaff).heard(1, 1);
    assert!(!ends(&by_staff));
}

#[test]
fn nobody_misses_a_device_that_was_taken_away() {
    let here = Story::default().heard(0, 1).heard(1, 2);
    let stop = |device| Effect::CancelTimer {
        name: missing(tablet(device)),
    };
    let device = tablet(1);
    let removed = RestaurantEvent::DeviceRemoved { device };
    let removed = here.clone().shop(2, true, removed);
    assert_eq!(removed.then(), [stop(1)]);
    let reason = Reason::parse("given up").unwrap();
    let closed = here.shop(2, true, RestaurantEvent::Closed { reason });
    assert_eq!(closed.then(), [stop(1), stop(2)]);
    assert!(ShopReachability::is_over(&react_to(&closed.0).1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Whatever happens, what is told twice follows once, and a timer runs exactly while an order waits unseen at a
    /// shop that is thought reachable and of which no device is heard.
    #[test]
    fn the_timer_runs_exactly_while_an_order_waits(
        steps in prop::collection::vec((0..8_u8, 1..5_u128, 1..120_i64), 1..40)
    ) {
        let mut story = Story::default();
        let (mut seconds, mut waiting, mut silent) = (0, std::collections::BTreeSet::new(), false);
        let (mut running, mut here) = (false, std::collections::BTreeSet::new());
        for (kind, order, later) in steps {
            seconds += later;
            let by_hand = matches!(kind, 1 | 2 | 6);
            story = match kind {
                0 => { waiting.insert(order); story.placed(seconds, order) }
                1 => { waiting.remove(&order); story.shown(seconds, order) }
                2 => { waiting.remove(&order); story.accepted(seconds, order) }
                3 => { waiting.remove(&order); story.unanswered(seconds, order) }
                4 => { silent = true; story.paused(seconds, PauseKind::Unreachable) }
                6 => { here.insert(order); story.heard(seconds, order) }
                7 => { here.remove(&order); story.missed(seconds, order) }
                _ => { silent = false; story.shop(seconds, true, RestaurantEvent::Resumed) }
            };
            let effects = story.then();
            let ends = effects.iter().filter_map(tells).any(|told| *told == RestaurantCommand::MarkReachable);
            prop_assert_eq!(ends, silent && by_hand);
            running = (running || silent_at(&effects).is_some()) && !stops(&effects);
            prop_assert_eq!(running, !waiting.is_empty() && !silent && here.is_empty());
            let (_, state) = react_to(&story.0);
            prop_assert_eq!(ShopReachability::is_over(&state), !running && here.is_empty());
            let mut again = state.clone();
            for event in &story.0 {
                prop_assert!(ShopReachability::react(&mut again, event, &Flags::default()).is_empty());
            }
            prop_assert_eq!(again, state);
        }
    }
}

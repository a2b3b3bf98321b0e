//! What a restaurant answers to its commands, each row of the table and each refusal.

use chrono::TimeDelta;

use super::command::{RestaurantCommand, RestaurantCommandKind};
use super::event::RestaurantEvent;
use super::rejection::RestaurantRejection;
use super::state::{Restaurant, RestaurantStage};
use super::transitions::TRANSITIONS;
use crate::decider::{Class, Decider, Event as _, Rejection as _};
use crate::kernel::key::Key;
use crate::kernel::kitchen::KitchenCapacity;
use crate::kernel::quantity::Minutes;
use crate::kernel::refusal::NotAllowed;
use crate::kernel::sample::{id, name, reason, sealed};
use crate::restaurant::restaurant::{Missing, PauseKind, Registration, StaffRole, Terms, Zone};
use crate::testing::{Given, test_now};

fn sample(name: &str) -> RestaurantEvent {
    RestaurantEvent::samples()
        .into_iter()
        .find(|event| event.name() == name)
        .unwrap()
}

fn samples<const N: usize>(names: [&str; N]) -> [RestaurantEvent; N] {
    names.map(sample)
}

fn registration() -> Box<Registration> {
    let RestaurantEvent::Registered(registration) = sample("registered") else {
        unreachable!()
    };
    registration
}

fn zones() -> Vec<Zone> {
    let RestaurantEvent::ZonesSet { zones } = sample("zones_set") else {
        unreachable!()
    };
    zones
}

fn terms() -> Terms {
    let RestaurantEvent::TermsSet { terms } = sample("terms_set") else {
        unreachable!()
    };
    terms
}

fn capacity() -> KitchenCapacity {
    let RestaurantEvent::CapacitySet {
        capacity: Some(capacity),
    } = sample("capacity_set")
    else {
        unreachable!()
    };
    capacity
}

fn add_cook() -> RestaurantCommand {
    RestaurantCommand::AddStaff {
        staff: id(11),
        name: sealed("restaurant.restaurant", "staff"),
        role: StaffRole::Cook,
        principal: Some(id(12)),
    }
}

fn tablet(called: &str) -> RestaurantCommand {
    RestaurantCommand::AddDevice {
        device: id(13),
        name: name(called),
    }
}

fn hear() -> RestaurantCommand {
    RestaurantCommand::HearDevice { device: id(13) }
}

fn miss() -> RestaurantCommand {
    RestaurantCommand::MissDevice {
        device: id(13),
        silent_for: Minutes::new(3),
    }
}

fn ready() -> Given<Restaurant> {
    Given::events(samples([
        "registered",
        "hours_set",
        "zones_set",
        "terms_set",
        "submitted",
    ]))
}

fn live() -> Given<Restaurant> {
    ready().and([RestaurantEvent::Approved])
}

#[test]
fn a_shop_is_registered_once() {
    Given::<Restaurant>::nothing()
        .when(RestaurantCommand::Register(registration()))
        .then([sample("registered")])
        .when(RestaurantCommand::Register(registration()))
        .then_nothing();
    let mut other = registration();
    other.name = name("Another");
    Given::<Restaurant>::events([sample("registered")])
        .when(RestaurantCommand::Register(other))
        .then_refused(RestaurantRejection::AlreadyRegistered);
}

#[test]
fn a_shop_that_nobody_registered_is_not_found() {
    Given::<Restaurant>::nothing()
        .when(RestaurantCommand::Submit)
        .then_refused(RestaurantRejection::NotRegistered);
    assert_eq!(RestaurantRejection::NotRegistered.class(), Class::NotFound);
}

#[test]
fn a_profile_changes_only_where_something_is_given() {
    let update = |new: Option<&str>| RestaurantCommand::UpdateProfile {
        name: new.map(name),
        styles: None,
        auto_fire: None,
    };
    let changed =
        Given::<Restaurant>::events([sample("registered")]).when(update(Some("Menya Sora")));
    let changed = changed.then([RestaurantEvent::ProfileUpdated {
        name: Some(name("Menya Sora")),
        styles: None,
        auto_fire: None,
    }]);
    let profile = &changed.state().shop().unwrap().profile;
    assert_eq!(
        (&profile.name, &profile.styles),
        (&name("Menya Sora"), &registration().styles)
    );
    changed
        .clone()
        .when(update(Some("Menya Sora")))
        .then_nothing();
    changed.when(update(None)).then_nothing();
}

#[test]
fn going_live_needs_menu_hours_zones_and_terms() {
    let rejection = Given::<Restaurant>::events(samples(["registered", "submitted"]))
        .when(RestaurantCommand::Approve {
            menu_published: false,
        })
        .rejection();
    let missing = vec![
        Missing::Menu,
        Missing::Hours,
        Missing::Zones,
        Missing::Terms,
    ];
    assert_eq!(rejection, RestaurantRejection::NotReady { missing });
    let codes: Vec<_> = rejection
        .faults()
        .into_iter()
        .map(|fault| fault.code)
        .collect();
    assert_eq!(
        codes,
        [
            "menu_missing",
            "hours_missing",
            "zones_missing",
            "terms_missing"
        ]
    );
    ready()
        .when(RestaurantCommand::Approve {
            menu_published: true,
        })
        .then([RestaurantEvent::Approved])
        .when(RestaurantCommand::Approve {
            menu_published: true,
        })
        .then_nothing();
}

#[test]
fn the_whole_life_from_draft_to_closed() {
    let suspended = live()
        .when(RestaurantCommand::Suspend {
            reason: reason("hygiene"),
        })
        .then([RestaurantEvent::Suspended {
            reason: reason("hygiene"),
        }]);
    assert!(suspended.state().live().is_none());
    let closed = suspended
        .when(RestaurantCommand::Approve {
            menu_published: true,
        })
        .then([RestaurantEvent::Approved])
        .when(RestaurantCommand::Close {
            reason: reason("retired"),
        })
        .then([RestaurantEvent::Closed {
            reason: reason("retired"),
        }]);
    closed
        .clone()
        .when(RestaurantCommand::Close {
            reason: reason("again"),
        })
        .then_nothing();
    closed
        .when(RestaurantCommand::SetTerms {
            terms: Terms {
                seller: name("New"),
                ..terms()
            },
        })
        .then_refused(RestaurantRejection::NotAllowed(NotAllowed {
            stage: RestaurantStage::Closed,
            command: RestaurantCommandKind::SetTerms,
            allowed: vec![],
        }));
}

#[test]
fn setting_the_same_again_changes_nothing() {
    live()
        .when(RestaurantCommand::SetZones { zones: zones() })
        .then_nothing();
    live()
        .when(RestaurantCommand::SetTerms { terms: terms() })
        .then_nothing();
    let capacity = RestaurantCommand::SetCapacity {
        capacity: Some(capacity()),
    };
    live()
        .when(capacity.clone())
        .then([sample("capacity_set")])
        .when(capacity)
        .then_nothing();
    live()
        .when(RestaurantCommand::SetCapacity { capacity: None })
        .then_nothing();
    let RestaurantEvent::HoursSet { hours } = sample("hours_set") else {
        unreachable!()
    };
    live()
        .when(RestaurantCommand::SetHours { hours })
        .then_nothing();
    ready().when(RestaurantCommand::Submit).then_nothing();
}

#[test]
fn zones_are_refused_with_all_faults() {
    let empty = live()
        .when(RestaurantCommand::SetZones { zones: vec![] })
        .rejection();
    assert_eq!(empty.faults()[0].pointer, "/zones");
    let zone = zones().remove(0);
    let far = Zone {
        key: Key::parse("far").unwrap(),
        ..zone.clone()
    };
    let twice = vec![zone.clone(), far.clone(), zone, far];
    let faults = live()
        .when(RestaurantCommand::SetZones { zones: twice })
        .rejection()
        .faults();
    let pointers: Vec<_> = faults.into_iter().map(|fault| fault.pointer).collect();
    assert_eq!(pointers, ["/zones/2/key", "/zones/3/key"]);
}

#[test]
fn a_pause_ends_by_itself_or_by_word() {
    let until = test_now() + TimeDelta::minutes(30);
    let pause = |until| RestaurantCommand::Pause {
        reason: reason("too busy"),
        until,
    };
    let paused = live()
        .when(pause(Some(until)))
        .then([RestaurantEvent::Paused {
            reason: reason("too busy"),
            until: Some(until),
            kind: PauseKind::ByStaff,
        }]);
    let shop = paused.state().live().unwrap();
    assert!(shop.is_paused(test_now()) && !shop.is_paused(until));
    paused.clone().when(pause(Some(until))).then_nothing();
    let forever = paused.when(pause(None)).then([RestaurantEvent::Paused {
        reason: reason("too busy"),
        until: None,
        kind: PauseKind::ByStaff,
    }]);
    assert!(
        forever
            .state()
            .live()
            .unwrap()
            .is_paused(until + TimeDelta::days(1))
    );
    forever
        .when(RestaurantCommand::Resume)
        .then([RestaurantEvent::Resumed])
        .when(RestaurantCommand::Resume)
        .then_nothing();
    live()
        .when(pause(Some(test_now())))
        .then_refused(RestaurantRejection::PauseAlreadyOver);
}

#[test]
fn a_draft_cannot_be_paused() {
    let rejection = Given::<Restaurant>::events([sample("registered")])
        .when(RestaurantCommand::Resume)
        .rejection();
    let RestaurantRejection::NotAllowed(refused) = rejection else {
        panic!("{rejection}")
    };
    assert!(refused.allowed.contains(&RestaurantCommandKind::Submit));
    assert!(!refused.allowed.contains(&RestaurantCommandKind::Resume));
}

#[test]
fn every_row_of_the_table_leads_where_it_says() {
    let RestaurantEvent::HoursSet { hours } = sample("hours_set") else {
        unreachable!()
    };
    let sunday = crate::kernel::hours::HoursDraft {
        exceptions: vec![],
        ..hours.draft().clone()
    };
    let command = |kind| match kind {
        RestaurantCommandKind::Register => RestaurantCommand::Register(registration()),
        RestaurantCommandKind::UpdateProfile => RestaurantCommand::UpdateProfile {
            name: Some(name("Other")),
            styles: None,
            auto_fire: None,
        },
        RestaurantCommandKind::SetHours => RestaurantCommand::SetHours {
            hours: sunday.clone().try_into().unwrap(),
        },
        RestaurantCommandKind::SetZones => {
            let other = Zone {
                key: Key::parse("other").unwrap(),
                ..zones().remove(0)
            };
            RestaurantCommand::SetZones { zones: vec![other] }
        }
        RestaurantCommandKind::SetTerms => RestaurantCommand::SetTerms {
            terms: Terms {
                seller: name("Other"),
                ..terms()
            },
        },
        RestaurantCommandKind::SetCapacity => RestaurantCommand::SetCapacity {
            capacity: Some(capacity()),
        },
        RestaurantCommandKind::Submit => RestaurantCommand::Submit,
        RestaurantCommandKind::Approve => RestaurantCommand::Approve {
            menu_published: true,
        },
        RestaurantCommandKind::Suspend => RestaurantCommand::Suspend {
            reason: reason("x"),
        },
        RestaurantCommandKind::Close => RestaurantCommand::Close {
            reason: reason("x"),
        },
        RestaurantCommandKind::Pause => RestaurantCommand::Pause {
            reason: reason("x"),
            until: None,
        },
        RestaurantCommandKind::CloseToday => RestaurantCommand::CloseToday {
            reason: reason("x"),
        },
        RestaurantCommandKind::MarkReachable => RestaurantCommand::MarkReachable,
        RestaurantCommandKind::MarkUnreachable => RestaurantCommand::MarkUnreachable {
            reason: reason("x"),
            for_silence: true,
        },
        RestaurantCommandKind::AddStaff => add_cook(),
        RestaurantCommandKind::RemoveStaff => RestaurantCommand::RemoveStaff { staff: id(11) },
        RestaurantCommandKind::AddDevice => tablet("Counter tablet"),
        RestaurantCommandKind::RemoveDevice => RestaurantCommand::RemoveDevice { device: id(13) },
        RestaurantCommandKind::HearDevice => hear(),
        RestaurantCommandKind::MissDevice => miss(),
        RestaurantCommandKind::Resume => RestaurantCommand::Resume,
    };
    let at = |stage| match stage {
        RestaurantStage::Unregistered => Given::<Restaurant>::nothing(),
        RestaurantStage::Draft => Given::events(samples([
            "registered",
            "hours_set",
            "zones_set",
            "terms_set",
            "device_added",
        ])),
        RestaurantStage::Submitted => ready().and([sample("device_added")]),
        RestaurantStage::Live => {
            live()
                .and([sample("device_added")])
                .and([RestaurantEvent::Paused {
                    reason: reason("y"),
                    until: None,
                    kind: PauseKind::ByStaff,
                }])
        }
        RestaurantStage::Suspended => {
            live()
                .and([sample("device_added")])
                .and([RestaurantEvent::Suspended {
                    reason: reason("y"),
                }])
        }
        RestaurantStage::Closed => live().and([RestaurantEvent::Closed {
            reason: reason("y"),
        }]),
    };
    for (from, kind, to) in TRANSITIONS {
        let before = at(*from);
        assert_eq!(before.state().stage(), *from);
        let events = before.clone().when(command(*kind)).events();
        assert_eq!(before.and(events).state().stage(), *to, "{from:?} {kind:?}");
    }
}

#[test]
fn closing_today_ends_when_the_next_service_date_opens() {
    // Friday evening in Tokyo; open on Fridays from 18:00.
    let close = RestaurantCommand::CloseToday {
        reason: reason("out of broth"),
    };
    let next_friday = test_now() + TimeDelta::days(7) - TimeDelta::hours(1);
    let closed = live().when(close.clone()).then([RestaurantEvent::Paused {
        reason: reason("out of broth"),
        until: Some(next_friday),
        kind: PauseKind::ClosedToday,
    }]);
    closed.clone().when(close).then_nothing();
    let shop = closed.state().live().unwrap();
    assert!(shop.is_paused(next_friday - TimeDelta::seconds(1)) && !shop.is_paused(next_friday));
}

#[test]
fn a_shop_that_nobody_answers_for_is_paused_until_somebody_does() {
    let unreachable = RestaurantCommand::MarkUnreachable {
        reason: reason("no answer"),
        for_silence: false,
    };
    let marked = RestaurantEvent::Paused {
        reason: reason("no answer"),
        until: None,
        kind: PauseKind::Unreachable,
    };
    live()
        .when(unreachable.clone())
        .then([marked])
        .when(unreachable.clone())
        .then_nothing()
        .when(RestaurantCommand::Resume)
        .then([RestaurantEvent::Resumed]);
    let pause = RestaurantCommand::Pause {
        reason: reason("holiday"),
        until: None,
    };
    let paused = live().done([pause]);
    paused.clone().when(unreachable.clone()).then_nothing();
    paused.when(RestaurantCommand::MarkReachable).then_nothing();
    live()
        .when(RestaurantCommand::MarkReachable)
        .then_nothing()
        .done([unreachable])
        .when(RestaurantCommand::MarkReachable)
        .then([RestaurantEvent::Resumed]);
}

#[test]
fn people_and_devices_come_change_and_go() {
    let known = live()
        .when(add_cook())
        .then([sample("staff_added")])
        .when(add_cook())
        .then_nothing()
        .when(tablet("Kitchen tablet"))
        .then([sample("device_added")])
        .when(tablet("Counter tablet"))
        .then([RestaurantEvent::DeviceAdded {
            device: id(13),
            name: name("Counter tablet"),
        }]);
    let shop = known.state().shop().unwrap();
    assert_eq!((shop.staff.len(), shop.devices.len()), (1, 1));
    let gone = known.done([
        RestaurantCommand::RemoveStaff { staff: id(11) },
        RestaurantCommand::RemoveDevice { device: id(13) },
    ]);
    let shop = gone.state().shop().unwrap();
    assert!(shop.staff.is_empty() && shop.devices.is_empty());
    gone.when(RestaurantCommand::RemoveDevice { device: id(13) })
        .then_nothing();
    let many = (0..50).map(|number| RestaurantCommand::AddDevice {
        device: id(100 + number),
        name: name("Tablet"),
    });
    live()
        .done(many)
        .when(tablet("One more"))
        .then_refused(RestaurantRejection::TooMany);
}

#[test]
fn a_device_is_heard_once_until_it_is_missed() {
    let heard = RestaurantEvent::DeviceHeard {
        device: id(13),
        at: test_now(),
    };
    let missed = RestaurantEvent::DeviceMissed {
        device: id(13),
        silent_for: Minutes::new(3),
        at: test_now(),
    };
    let known = live().done([tablet("Kitchen tablet")]);
    known.clone().when(miss()).then_nothing();
    let here = known.when(hear()).then([heard.clone()]);
    here.clone()
        .when(hear())
        .then_nothing()
        .done([tablet("Counter tablet")])
        .when(hear())
        .then_nothing();
    here.when(miss()).then([missed]).when(hear()).then([heard]);
    live()
        .when(hear())
        .then_refused(RestaurantRejection::DeviceUnknown);
    live().when(miss()).then_nothing();
}

#[test]
fn silence_pauses_no_shop_of_which_a_device_is_heard() {
    let silent = |for_silence| RestaurantCommand::MarkUnreachable {
        reason: reason("no answer"),
        for_silence,
    };
    let here = live().done([tablet("Kitchen tablet"), hear()]);
    here.clone().when(silent(true)).then_nothing();
    let paused = here.clone().done([silent(false)]);
    assert!(paused.state().pause().is_some(), "nobody takes its orders");
    let missed = here.done([miss(), silent(true)]);
    assert!(missed.state().pause().is_some());
}

#[test]
fn a_style_with_a_short_clock_has_a_smaller_zone() {
    use crate::kernel::bowl::Style;
    use crate::kernel::geo::GeoPoint;
    let shop = live();
    let shop = shop.state().live().unwrap();
    let place = |lat, lon| GeoPoint::parse(lat, lon).unwrap();
    let (inner, outer) = (place(35.63, 139.7), place(35.69, 139.61));
    let zone = shop.zone_at(outer).unwrap();
    assert_eq!(shop.zone_at(inner), Some(zone));
    assert!(zone.takes(Style::HiyashiChuka, inner) && !zone.takes(Style::HiyashiChuka, outer));
    assert!(zone.takes(Style::Miso, outer));
}

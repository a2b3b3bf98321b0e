//! What a cart answers to its commands, each row of the table and each refusal.

use chrono::TimeDelta;
use proptest::prelude::*;

use super::command::{CartCommand, CartCommandKind as Kind, NoteChange};
use super::event::CartEvent;
use super::rejection::{CartRejection, OPTIONS_MAX, TIP_MINOR_MAX};
use super::state::{Cart, CartStage};
use crate::decider::{Class, Rejection, allowed_from};
use crate::kernel::actor::Channel;
use crate::kernel::fault::Pointer;
use crate::kernel::flags::Flags;
use crate::kernel::quantity::{Minutes, Quantity};
use crate::kernel::refusal::NotAllowed;
use crate::kernel::sample;
use crate::ordering::fulfilment::Fulfilment;
use crate::ordering::line::{LineChoice, LineId, Shortage};
use crate::ordering::window::Window;
use crate::testing::{Given, test_now};

const LINE: LineId = LineId::new(1);

fn open_command() -> CartCommand {
    CartCommand::Open {
        customer: sample::id(1),
        restaurant: sample::id(2),
        channel: Channel::App,
        life: Flags::default().cart_life,
    }
}

fn open() -> Given<Cart> {
    Given::nothing().done([open_command()])
}

fn add() -> CartCommand {
    add_choice(LineChoice::sample())
}

fn add_choice(choice: LineChoice) -> CartCommand {
    add_within(choice, Flags::default().lines_max)
}

fn add_within(choice: LineChoice, lines_max: u32) -> CartCommand {
    CartCommand::AddLine { choice, lines_max }
}

fn change(line: LineId) -> CartCommand {
    CartCommand::ChangeLine {
        line,
        quantity: None,
        options: None,
        note: NoteChange::Keep,
        shortage: None,
        substitute: None,
    }
}

fn three() -> Quantity {
    Quantity::try_from(3).unwrap()
}

fn not_allowed(stage: CartStage, command: Kind) -> CartRejection {
    CartRejection::NotAllowed(NotAllowed {
        stage,
        command,
        allowed: allowed_from::<Cart>(stage),
    })
}

#[test]
fn opening_starts_a_cart_that_lives_a_day() {
    Given::<Cart>::nothing()
        .when(open_command())
        .then([CartEvent::Opened {
            customer: sample::id(1),
            restaurant: sample::id(2),
            channel: Channel::App,
            expires_at: test_now() + TimeDelta::hours(24),
            at: test_now(),
        }]);
}

#[test]
fn a_cart_lives_as_long_as_the_rule_said_when_it_was_opened() {
    let short = |life| CartCommand::Open {
        customer: sample::id(1),
        restaurant: sample::id(2),
        channel: Channel::App,
        life: Minutes::new(life),
    };
    let cart = || Given::<Cart>::nothing().done([short(90)]).done([short(5)]);
    let last = cart().at(test_now() + TimeDelta::minutes(90) - TimeDelta::microseconds(1));
    assert_eq!(last.when(add()).events().len(), 1);
    cart()
        .at(test_now() + TimeDelta::minutes(90))
        .when(add())
        .then_refused(CartRejection::CartExpired);
}

#[test]
fn opening_twice_changes_nothing_and_for_another_is_refused() {
    let again = open().when(open_command()).then_nothing();
    let other = CartCommand::Open {
        customer: sample::id(9),
        restaurant: sample::id(2),
        channel: Channel::App,
        life: Flags::default().cart_life,
    };
    again.when(other).then_refused(CartRejection::AlreadyOpened);
}

#[test]
fn a_cart_that_was_never_opened_does_not_exist() {
    for command in [add(), change(LINE), CartCommand::Abandon] {
        Given::<Cart>::nothing()
            .when(command)
            .then_refused(CartRejection::CartUnknown);
    }
}

#[test]
fn lines_are_numbered_and_numbers_never_used_again() {
    let choice = LineChoice::sample;
    open()
        .when(add())
        .then([CartEvent::LineAdded {
            line: LINE,
            choice: choice(),
        }])
        .when(CartCommand::RemoveLine { line: LINE })
        .then([CartEvent::LineRemoved { line: LINE }])
        .when(add())
        .then([CartEvent::LineAdded {
            line: LineId::new(2),
            choice: choice(),
        }]);
}

#[test]
fn a_change_keeps_what_it_does_not_name() {
    let options = Some(Vec::new());
    open()
        .done([add()])
        .when(CartCommand::ChangeLine {
            line: LINE,
            quantity: Some(three()),
            options,
            note: NoteChange::Clear,
            shortage: Some(Shortage::Cancel),
            substitute: None,
        })
        .then([CartEvent::LineChanged {
            line: LINE,
            choice: LineChoice {
                item: LineChoice::sample().item,
                quantity: three(),
                options: Vec::new(),
                note: None,
                shortage: Shortage::Cancel,
                substitute: None,
            },
        }])
        .when(CartCommand::ChangeLine {
            line: LINE,
            quantity: None,
            options: None,
            note: NoteChange::Set {
                note: sample::sealed("ordering.cart", "note"),
            },
            shortage: None,
            substitute: None,
        })
        .then([CartEvent::LineChanged {
            line: LINE,
            choice: LineChoice {
                quantity: three(),
                options: Vec::new(),
                shortage: Shortage::Cancel,
                substitute: None,
                ..LineChoice::sample()
            },
        }]);
}

#[test]
fn changing_a_line_to_what_it_is_changes_nothing() {
    open().done([add()]).when(change(LINE)).then_nothing();
}

#[test]
fn a_line_that_never_was_is_not_found() {
    let refused = CartRejection::LineUnknown { line: LINE };
    open().when(change(LINE)).then_refused(refused.clone());
    open()
        .when(CartCommand::RemoveLine { line: LINE })
        .then_refused(refused.clone());
    assert_eq!(refused.class(), Class::NotFound);
}

#[test]
fn removing_a_line_twice_changes_nothing() {
    let remove = || CartCommand::RemoveLine { line: LINE };
    open().done([add(), remove()]).when(remove()).then_nothing();
}

#[test]
fn the_fifty_first_line_is_refused() {
    let full = open().done((0..50).map(|_| add()));
    full.when(add())
        .then_refused(CartRejection::TooManyLines { max: 50 });
}

proptest! {
    /// The rule that a command carries is the one that holds, whatever rule the lines before it came under.
    #[test]
    fn a_cart_takes_as_many_lines_as_the_rule_says(rules in prop::collection::vec(0..8_u32, 0..20)) {
        let mut cart = open();
        let mut lines = 0;
        for max in rules {
            let outcome = cart.clone().when(add_within(LineChoice::sample(), max));
            if lines < max {
                prop_assert_eq!(outcome.events().len(), 1);
                cart = cart.done([add_within(LineChoice::sample(), max)]);
                lines += 1;
            } else {
                prop_assert_eq!(outcome.rejection(), CartRejection::TooManyLines { max });
            }
        }
    }
}

#[test]
fn repeated_options_are_refused_with_their_places() {
    let mut choice = LineChoice::sample();
    choice.options.extend(LineChoice::sample().options);
    choice.options.extend(LineChoice::sample().options);
    let refused = open().when(add_choice(choice)).rejection();
    assert_eq!(
        refused,
        CartRejection::OptionsRepeated {
            places: [1, 2]
                .map(|index| Pointer::root().at("options").at(index))
                .to_vec()
        }
    );
    let pointers: Vec<_> = refused
        .faults()
        .into_iter()
        .map(|fault| fault.pointer)
        .collect();
    assert_eq!(pointers, ["/options/1", "/options/2"]);
}

#[test]
fn more_options_than_a_line_takes_are_refused() {
    let options = vec![LineChoice::sample().options[0].clone(); OPTIONS_MAX + 1];
    let choice = LineChoice {
        options,
        ..LineChoice::sample()
    };
    open()
        .when(add_choice(choice))
        .then_refused(CartRejection::TooManyOptions { max: OPTIONS_MAX });
}

#[test]
fn fulfilment_is_set_once_for_the_same_choice() {
    let set = || CartCommand::SetFulfilment {
        fulfilment: Fulfilment::Pickup,
        window: None,
    };
    let window = Some(Window::sample());
    open()
        .when(set())
        .then([CartEvent::FulfilmentSet {
            fulfilment: Fulfilment::Pickup,
            window: None,
        }])
        .when(set())
        .then_nothing()
        .when(CartCommand::SetFulfilment {
            fulfilment: Fulfilment::sample(),
            window: None,
        })
        .then([CartEvent::FulfilmentSet {
            fulfilment: Fulfilment::sample(),
            window: None,
        }])
        .when(CartCommand::SetFulfilment {
            fulfilment: Fulfilment::sample(),
            window,
        })
        .then([CartEvent::FulfilmentSet {
            fulfilment: Fulfilment::sample(),
            window,
        }]);
}

#[test]
fn tips_are_not_negative_nor_absurd() {
    let tip = |amount_minor| CartCommand::SetTip { amount_minor };
    let refused = CartRejection::TipOutOfRange { max: TIP_MINOR_MAX };
    for absurd in [-1, TIP_MINOR_MAX + 1, i64::MIN, i64::MAX] {
        open().when(tip(absurd)).then_refused(refused.clone());
    }
    open()
        .when(tip(200))
        .then([CartEvent::TipSet { amount_minor: 200 }])
        .when(tip(200))
        .then_nothing();
}

#[test]
fn checking_out_ends_the_cart_once() {
    let check_out = |order| CartCommand::CheckOut {
        order: sample::id(order),
    };
    let ended = open()
        .when(check_out(3))
        .then([CartEvent::CheckedOut {
            order: sample::id(3),
            at: test_now(),
        }])
        .when(check_out(3))
        .then_nothing();
    let other = CartRejection::AlreadyCheckedOut {
        order: sample::id(3),
    };
    ended.clone().when(check_out(4)).then_refused(other);
    ended
        .when(add())
        .then_refused(not_allowed(CartStage::CheckedOut, Kind::AddLine));
}

#[test]
fn an_abandoned_cart_takes_nothing_more() {
    let ended = open()
        .when(CartCommand::Abandon)
        .then([CartEvent::Abandoned { at: test_now() }])
        .when(CartCommand::Abandon)
        .then_nothing();
    ended
        .clone()
        .when(open_command())
        .then_refused(CartRejection::AlreadyOpened);
    ended
        .when(add())
        .then_refused(not_allowed(CartStage::Abandoned, Kind::AddLine));
}

#[test]
fn after_a_day_it_can_only_be_abandoned() {
    let late = open().at(test_now() + TimeDelta::hours(24));
    late.clone()
        .when(add())
        .then_refused(CartRejection::CartExpired);
    late.clone()
        .when(CartCommand::CheckOut {
            order: sample::id(3),
        })
        .then_refused(CartRejection::CartExpired);
    assert_eq!(late.when(CartCommand::Abandon).events().len(), 1);
}

#[test]
fn a_substitute_is_another_dish_of_who_wants_one() {
    let with = |shortage, substitute: &str| LineChoice {
        shortage,
        substitute: Some(sample::key(substitute)),
        ..LineChoice::sample()
    };
    for choice in [
        with(Shortage::Refund, "miso"),
        with(Shortage::Ask, "miso"),
        with(Shortage::Substitute, "tonkotsu"),
    ] {
        let outcome = open().when(add_choice(choice));
        outcome.then_refused(CartRejection::SubstituteRefused);
    }
    let kept = open().done([add()]).when(CartCommand::ChangeLine {
        line: LINE,
        quantity: Some(three()),
        options: None,
        note: NoteChange::Keep,
        shortage: None,
        substitute: None,
    });
    let quantity = three();
    let choice = LineChoice {
        quantity,
        ..LineChoice::sample()
    };
    kept.then([CartEvent::LineChanged { line: LINE, choice }]);
}

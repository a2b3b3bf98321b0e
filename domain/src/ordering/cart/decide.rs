//! What a cart answers to its commands.

use std::collections::HashSet;

use uuid::Uuid;

use super::command::{CartCommand, CartCommandKind, NoteChange};
use super::event::CartEvent;
use super::rejection::{CartRejection, OPTIONS_MAX, TIP_MINOR_MAX};
use super::state::{Cart, CartBody, CartStage};
use super::transitions::TRANSITIONS;
use crate::decider::{Context, Decider, Facets, Transitions, check_allowed};
use crate::kernel::flags::Flags;
use crate::ordering::line::{LineChoice, LineId, OptionChoice};

impl Decider for Cart {
    const KIND: &'static str = "ordering.cart";
    const TRANSITIONS: Transitions<Self> = TRANSITIONS;

    type Command = CartCommand;
    type Event = CartEvent;
    type Rejection = CartRejection;
    type Stage = CartStage;
    type CommandKind = CartCommandKind;

    fn stage(&self) -> CartStage {
        self.into()
    }

    fn decide(
        &self,
        command: CartCommand,
        context: &Context,
    ) -> Result<Vec<CartEvent>, CartRejection> {
        if self.is_done(&command) {
            return Ok(Vec::new());
        }
        self.check_table(&command)?;
        let events = match self {
            Self::Open(body) => body.change(command, context)?,
            Self::Absent | Self::CheckedOut { .. } | Self::Abandoned(_) => open(&command, context),
        };
        Ok(events)
    }

    fn evolve(&mut self, event: &CartEvent) {
        self.apply(event);
    }

    fn facets(&self, _stream: Uuid) -> Facets {
        let order = match self {
            Self::CheckedOut { order, .. } => Some(*order),
            Self::Absent | Self::Open(_) | Self::Abandoned(_) => None,
        };
        Facets {
            restaurant: self.body().map(|body| body.restaurant),
            channel: self.body().map(|body| body.channel),
            order,
            ..Facets::default()
        }
    }
}

impl Cart {
    /// Whether the command's outcome is already so.
    fn is_done(&self, command: &CartCommand) -> bool {
        match (self, command) {
            (
                Self::Open(body),
                CartCommand::Open {
                    customer,
                    restaurant,
                    channel,
                },
            ) => {
                (body.customer, body.restaurant, body.channel) == (*customer, *restaurant, *channel)
            }
            (Self::Open(body), CartCommand::RemoveLine { line }) => {
                body.line(*line).is_none() && (1..=body.last_line).contains(&line.get())
            }
            (Self::Open(body), CartCommand::SetTip { amount_minor }) => {
                body.tip_minor == *amount_minor
            }
            (Self::Open(body), CartCommand::SetFulfilment { fulfilment }) => {
                body.fulfilment.as_ref() == Some(fulfilment)
            }
            (Self::CheckedOut { order, .. }, CartCommand::CheckOut { order: asked }) => {
                order == asked
            }
            (Self::Abandoned(_), CartCommand::Abandon) => true,
            _ => false,
        }
    }

    fn check_table(&self, command: &CartCommand) -> Result<(), CartRejection> {
        check_allowed(self, command.into()).map_err(|refused| match (self, command) {
            (Self::Absent, _) => CartRejection::CartUnknown,
            (_, CartCommand::Open { .. }) => CartRejection::AlreadyOpened,
            (Self::CheckedOut { order, .. }, CartCommand::CheckOut { .. }) => {
                CartRejection::AlreadyCheckedOut { order: *order }
            }
            _ => CartRejection::NotAllowed(refused),
        })
    }
}

/// The event that starts a cart; the table lets no other command through to an absent one.
fn open(command: &CartCommand, context: &Context) -> Vec<CartEvent> {
    if let &CartCommand::Open {
        customer,
        restaurant,
        channel,
    } = command
    {
        let expires_at = context.now + Flags::default().cart_life.span();
        vec![CartEvent::Opened {
            customer,
            restaurant,
            channel,
            expires_at,
            at: context.now,
        }]
    } else {
        Vec::new()
    }
}

impl CartBody {
    fn change(
        &self,
        command: CartCommand,
        context: &Context,
    ) -> Result<Vec<CartEvent>, CartRejection> {
        if context.now >= self.expires_at && !matches!(command, CartCommand::Abandon) {
            return Err(CartRejection::CartExpired);
        }
        let event = match command {
            CartCommand::Open { .. } => return Err(CartRejection::AlreadyOpened),
            CartCommand::AddLine { choice } => self.add_line(choice)?,
            CartCommand::ChangeLine {
                line,
                quantity,
                options,
                note,
                shortage,
            } => {
                let was = &self
                    .line(line)
                    .ok_or(CartRejection::LineUnknown { line })?
                    .choice;
                let choice = LineChoice {
                    item: was.item.clone(),
                    quantity: quantity.unwrap_or(was.quantity),
                    options: options.unwrap_or_else(|| was.options.clone()),
                    note: match note {
                        NoteChange::Keep => was.note.clone(),
                        NoteChange::Clear => None,
                        NoteChange::Set { note } => Some(note),
                    },
                    shortage: shortage.unwrap_or(was.shortage),
                };
                check_options(&choice.options)?;
                if choice == *was {
                    return Ok(Vec::new());
                }
                CartEvent::LineChanged { line, choice }
            }
            CartCommand::RemoveLine { line } => {
                self.line(line).ok_or(CartRejection::LineUnknown { line })?;
                CartEvent::LineRemoved { line }
            }
            CartCommand::SetFulfilment { fulfilment } => CartEvent::FulfilmentSet { fulfilment },
            CartCommand::SetTip { amount_minor } => {
                if !(0..=TIP_MINOR_MAX).contains(&amount_minor) {
                    return Err(CartRejection::TipOutOfRange { max: TIP_MINOR_MAX });
                }
                CartEvent::TipSet { amount_minor }
            }
            CartCommand::CheckOut { order } => CartEvent::CheckedOut {
                order,
                at: context.now,
            },
            CartCommand::Abandon => CartEvent::Abandoned { at: context.now },
        };
        Ok(vec![event])
    }

    fn add_line(&self, choice: LineChoice) -> Result<CartEvent, CartRejection> {
        let max = Flags::default().lines_max;
        if self.lines.len() >= usize::try_from(max).unwrap_or(usize::MAX) {
            return Err(CartRejection::TooManyLines { max });
        }
        check_options(&choice.options)?;
        Ok(CartEvent::LineAdded {
            line: LineId::new(self.last_line.saturating_add(1)),
            choice,
        })
    }
}

fn check_options(options: &[OptionChoice]) -> Result<(), CartRejection> {
    if options.len() > OPTIONS_MAX {
        return Err(CartRejection::TooManyOptions { max: OPTIONS_MAX });
    }
    let mut seen = HashSet::new();
    let repeats = |(index, choice): (usize, &OptionChoice)| {
        let first = seen.insert((choice.group.clone(), choice.option.clone()));
        (!first).then_some(index)
    };
    let indices: Vec<usize> = options.iter().enumerate().filter_map(repeats).collect();
    if indices.is_empty() {
        Ok(())
    } else {
        Err(CartRejection::OptionsRepeated { indices })
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::decider::allowed_from;
    use crate::decider::{Class, Rejection};
    use crate::kernel::actor::Channel;
    use crate::kernel::quantity::Quantity;
    use crate::kernel::refusal::NotAllowed;
    use crate::kernel::sample;
    use crate::ordering::cart::command::CartCommandKind as Kind;
    use crate::ordering::fulfilment::Fulfilment;
    use crate::ordering::line::Shortage;
    use crate::testing::{Given, test_now};

    const LINE: LineId = LineId::new(1);

    fn open_command() -> CartCommand {
        CartCommand::Open {
            customer: sample::id(1),
            restaurant: sample::id(2),
            channel: Channel::App,
        }
    }

    fn open() -> Given<Cart> {
        Given::nothing().done([open_command()])
    }

    fn add() -> CartCommand {
        CartCommand::AddLine {
            choice: LineChoice::sample(),
        }
    }

    fn change(line: LineId) -> CartCommand {
        CartCommand::ChangeLine {
            line,
            quantity: None,
            options: None,
            note: NoteChange::Keep,
            shortage: None,
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
    fn opening_twice_changes_nothing_and_for_another_is_refused() {
        let again = open().when(open_command()).then_nothing();
        let other = CartCommand::Open {
            customer: sample::id(9),
            restaurant: sample::id(2),
            channel: Channel::App,
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
            })
            .then([CartEvent::LineChanged {
                line: LINE,
                choice: LineChoice {
                    item: LineChoice::sample().item,
                    quantity: three(),
                    options: Vec::new(),
                    note: None,
                    shortage: Shortage::Cancel,
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
            })
            .then([CartEvent::LineChanged {
                line: LINE,
                choice: LineChoice {
                    quantity: three(),
                    options: Vec::new(),
                    shortage: Shortage::Cancel,
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

    #[test]
    fn repeated_options_are_refused_with_their_places() {
        let mut choice = LineChoice::sample();
        choice.options.extend(LineChoice::sample().options);
        choice.options.extend(LineChoice::sample().options);
        let refused = open().when(CartCommand::AddLine { choice }).rejection();
        assert_eq!(
            refused,
            CartRejection::OptionsRepeated {
                indices: vec![1, 2]
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
            .when(CartCommand::AddLine { choice })
            .then_refused(CartRejection::TooManyOptions { max: OPTIONS_MAX });
    }

    #[test]
    fn fulfilment_is_set_once_for_the_same_choice() {
        let set = || CartCommand::SetFulfilment {
            fulfilment: Fulfilment::Pickup,
        };
        open()
            .when(set())
            .then([CartEvent::FulfilmentSet {
                fulfilment: Fulfilment::Pickup,
            }])
            .when(set())
            .then_nothing()
            .when(CartCommand::SetFulfilment {
                fulfilment: Fulfilment::sample(),
            })
            .then([CartEvent::FulfilmentSet {
                fulfilment: Fulfilment::sample(),
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
}

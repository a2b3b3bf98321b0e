//! What a cart answers to its commands.

use std::collections::HashSet;

use uuid::Uuid;

use super::command::{CartCommand, CartCommandKind, NoteChange};
use super::event::CartEvent;
use super::rejection::{CartRejection, OPTIONS_MAX, TIP_MINOR_MAX};
use super::state::{Cart, CartBody, CartStage};
use super::transitions::TRANSITIONS;
use crate::decider::{Context, Decider, Facets, Transitions, check_allowed};
use crate::kernel::fault::Pointer;
use crate::ordering::line::{LineChoice, LineId, OptionChoice, Shortage};

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
            Self::Absent | Self::CheckedOut { .. } | Self::Claimed { .. } | Self::Abandoned(_) => {
                open(&command, context)
            }
        };
        Ok(events)
    }

    fn evolve(&mut self, event: &CartEvent) {
        self.apply(event);
    }

    fn facets(&self, _stream: Uuid) -> Facets {
        let order = match self {
            Self::CheckedOut { order, .. } => Some(*order),
            Self::Absent | Self::Open(_) | Self::Claimed { .. } | Self::Abandoned(_) => None,
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
                    life: _,
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
            (Self::Open(body), CartCommand::SetPromotion { promotion }) => {
                body.promotion == *promotion
            }
            (Self::Open(body), CartCommand::SetFulfilment { fulfilment, window }) => {
                (body.fulfilment.as_ref(), &body.window) == (Some(fulfilment), window)
            }
            (Self::CheckedOut { order, .. }, CartCommand::CheckOut { order: asked }) => {
                order == asked
            }
            (
                Self::Claimed { customer, cart, .. },
                CartCommand::Claim {
                    customer: by,
                    cart: into,
                },
            ) => (customer, cart) == (by, into),
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
        life,
    } = command
    {
        let expires_at = context.now + life.span();
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
            CartCommand::AddLine { choice, lines_max } => self.add_line(choice, lines_max)?,
            CartCommand::ChangeLine {
                line,
                quantity,
                options,
                note,
                shortage,
                substitute,
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
                    substitute: match shortage {
                        Some(_) => substitute,
                        None => substitute.or_else(|| was.substitute.clone()),
                    },
                };
                check_choice(&choice)?;
                if choice == *was {
                    return Ok(Vec::new());
                }
                CartEvent::LineChanged { line, choice }
            }
            CartCommand::RemoveLine { line } => {
                self.line(line).ok_or(CartRejection::LineUnknown { line })?;
                CartEvent::LineRemoved { line }
            }
            CartCommand::SetFulfilment { fulfilment, window } => {
                CartEvent::FulfilmentSet { fulfilment, window }
            }
            CartCommand::SetPromotion { promotion } => CartEvent::PromotionSet { promotion },
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
            CartCommand::Claim { customer, cart } => CartEvent::Claimed {
                customer,
                cart,
                at: context.now,
            },
            CartCommand::Abandon => CartEvent::Abandoned { at: context.now },
        };
        Ok(vec![event])
    }

    fn add_line(&self, choice: LineChoice, max: u32) -> Result<CartEvent, CartRejection> {
        if self.lines.len() >= usize::try_from(max).unwrap_or(usize::MAX) {
            return Err(CartRejection::TooManyLines { max });
        }
        check_choice(&choice)?;
        Ok(CartEvent::LineAdded {
            line: LineId::new(self.last_line.saturating_add(1)),
            choice,
        })
    }
}

/// A substitute is another dish, and named only by who wants one.
fn check_choice(choice: &LineChoice) -> Result<(), CartRejection> {
    let named = choice.substitute.as_ref();
    if named.is_some_and(|named| choice.shortage != Shortage::Substitute || *named == choice.item) {
        return Err(CartRejection::SubstituteRefused);
    }
    check_options(&choice.options)
}

fn check_options(options: &[OptionChoice]) -> Result<(), CartRejection> {
    let mut repeats = Vec::new();
    let count = count_options(options, &Pointer::root().at("options"), &mut repeats);
    if count > OPTIONS_MAX {
        return Err(CartRejection::TooManyOptions { max: OPTIONS_MAX });
    }
    if repeats.is_empty() {
        Ok(())
    } else {
        Err(CartRejection::OptionsRepeated { places: repeats })
    }
}

/// How many options there are with those that they hold; notes those that stand beside their like.
fn count_options(options: &[OptionChoice], at: &Pointer, repeats: &mut Vec<Pointer>) -> usize {
    let mut seen = HashSet::new();
    let mut count = options.len();
    for (index, choice) in options.iter().enumerate() {
        let at = at.at(index);
        let inner = count_options(&choice.options, &at.at("options"), repeats);
        count = count.saturating_add(inner);
        if !seen.insert((&choice.group, &choice.option)) {
            repeats.push(at);
        }
    }
    count
}

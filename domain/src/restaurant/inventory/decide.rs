//! What a shop's stock answers to a command.

use uuid::Uuid;

use super::command::{InventoryCommand, InventoryCommandKind};
use super::event::InventoryEvent;
use super::rejection::InventoryRejection;
use super::rules::{
    HoldChange, HoldWanted, change_hold, commit_hold, consume_hold, cook_again, eighty_six,
    fill_hold, lift_eighty_six, open_hold, receive, recount, release_hold, waste,
};
use super::state::{Inventory, InventoryStage};
use super::transitions::TRANSITIONS;
use crate::decider::{Context, Decider, Facets, Transitions, check_allowed};
use crate::kernel::ids::RestaurantId;

impl Decider for Inventory {
    const KIND: &'static str = "restaurant.inventory";
    const TRANSITIONS: Transitions<Self> = TRANSITIONS;

    type Command = InventoryCommand;
    type Event = InventoryEvent;
    type Rejection = InventoryRejection;
    type Stage = InventoryStage;
    type CommandKind = InventoryCommandKind;

    fn stage(&self) -> InventoryStage {
        InventoryStage::Kept
    }

    fn decide(
        &self,
        command: InventoryCommand,
        context: &Context,
    ) -> Result<Vec<InventoryEvent>, InventoryRejection> {
        check_allowed(self, (&command).into()).map_err(InventoryRejection::NotAllowed)?;
        match command {
            InventoryCommand::Receive { ingredient, amount } => receive(self, ingredient, amount),
            InventoryCommand::Waste {
                ingredient,
                amount,
                reason,
            } => waste(self, ingredient, amount, reason),
            InventoryCommand::Recount {
                ingredient,
                counted,
            } => recount(self, ingredient, counted),
            InventoryCommand::EightySix { ingredient, until } => {
                eighty_six(self, ingredient, until, context.now)
            }
            InventoryCommand::LiftEightySix { ingredient } => {
                Ok(lift_eighty_six(self, ingredient, context.now))
            }
            InventoryCommand::OpenHold {
                hold,
                service_date,
                needs,
                expires_at,
                kitchen,
            } => {
                let wanted = HoldWanted {
                    hold,
                    service_date,
                    needs,
                    expires_at,
                    kitchen,
                };
                open_hold(self, wanted, context.now)
            }
            InventoryCommand::ChangeHold {
                hold,
                needs,
                kitchen,
                as_far_as_free,
            } => {
                let changed = HoldChange {
                    needs,
                    kitchen,
                    as_far_as_free,
                };
                change_hold(self, hold, changed, context.now)
            }
            InventoryCommand::CookAgain {
                order,
                refire,
                needs,
            } => cook_again(self, order, refire, needs, context.now),
            InventoryCommand::FillHold { hold, needs } => fill_hold(self, hold, needs, context.now),
            InventoryCommand::CommitHold { hold } => commit_hold(self, hold),
            InventoryCommand::ConsumeHold { hold } => consume_hold(self, hold),
            InventoryCommand::ReleaseHold { hold, reason } => release_hold(self, hold, reason),
        }
    }

    fn evolve(&mut self, event: &InventoryEvent) {
        self.apply(event);
    }

    fn facets(&self, stream: Uuid) -> Facets {
        Facets {
            restaurant: Some(RestaurantId::new(stream)),
            ..Facets::default()
        }
    }
}

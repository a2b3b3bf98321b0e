//! What a menu answers to a command.

use uuid::Uuid;

use super::command::{MenuCommand, MenuCommandKind};
use super::event::MenuEvent;
use super::rejection::MenuRejection;
use super::rules::check_document;
use super::state::{Menu, MenuStage};
use super::transitions::TRANSITIONS;
use crate::decider::{Context, Decider, Facets, Transitions, check_allowed};
use crate::kernel::ids::RestaurantId;
use crate::kernel::key::Key;
use crate::kernel::money::Price;
use crate::restaurant::menu_document::Item;
use crate::restaurant::menu_tree::lowest_options;

impl Decider for Menu {
    const KIND: &'static str = "restaurant.menu";
    const TRANSITIONS: Transitions<Self> = TRANSITIONS;

    type Command = MenuCommand;
    type Event = MenuEvent;
    type Rejection = MenuRejection;
    type Stage = MenuStage;
    type CommandKind = MenuCommandKind;

    fn stage(&self) -> MenuStage {
        self.into()
    }

    fn decide(
        &self,
        command: MenuCommand,
        _context: &Context,
    ) -> Result<Vec<MenuEvent>, MenuRejection> {
        if self.is_done(&command) {
            return Ok(Vec::new());
        }
        check_allowed(self, (&command).into()).map_err(MenuRejection::NotAllowed)?;
        let event = match command {
            MenuCommand::Publish { document } => {
                check_document(&document).map_err(MenuRejection::DocumentRefused)?;
                let version = self
                    .published()
                    .map_or(0, super::PublishedMenu::version)
                    .saturating_add(1);
                MenuEvent::Published { document, version }
            }
            MenuCommand::SetPrice { item, price_minor } => {
                self.check_price(self.known(&item)?, price_minor)?;
                MenuEvent::PriceSet { item, price_minor }
            }
            MenuCommand::SetAvailable { item, available } => {
                self.known(&item)?;
                MenuEvent::AvailabilitySet { item, available }
            }
        };
        Ok(vec![event])
    }

    fn evolve(&mut self, event: &MenuEvent) {
        self.apply(event);
    }

    fn facets(&self, stream: Uuid) -> Facets {
        Facets {
            restaurant: Some(RestaurantId::new(stream)),
            currency: self.published().map(|menu| menu.document().currency),
            ..Facets::default()
        }
    }
}

impl Menu {
    /// Whether the command asks for what is so already.
    fn is_done(&self, command: &MenuCommand) -> bool {
        let Some(menu) = self.published() else {
            return false;
        };
        match command {
            MenuCommand::Publish { document } => menu.document() == document.as_ref(),
            MenuCommand::SetPrice { item, price_minor } => menu
                .item(item)
                .is_some_and(|item| item.price_minor == *price_minor),
            MenuCommand::SetAvailable { item, available } => {
                menu.item(item).is_some() && menu.is_available(item) == *available
            }
        }
    }

    fn known(&self, item: &Key) -> Result<&Item, MenuRejection> {
        let found = self.published().and_then(|menu| menu.item(item));
        found.ok_or_else(|| MenuRejection::ItemUnknown { item: item.clone() })
    }

    /// No choice of options may bring the dish below zero.
    fn check_price(&self, item: &Item, price: Price) -> Result<(), MenuRejection> {
        let options = self
            .published()
            .map_or(0, |menu| lowest_options(menu.document(), item));
        if options.saturating_add(price.minor().into()) < 0 {
            return Err(MenuRejection::PriceBelowOptions {
                item: item.key.clone(),
            });
        }
        Ok(())
    }
}

//! What a menu answers to a command.

use uuid::Uuid;

use super::command::{MenuCommand, MenuCommandKind};
use super::event::MenuEvent;
use super::rejection::MenuRejection;
use super::rules::check_document;
use super::state::{Menu, MenuStage, PublishedMenu};
use super::transitions::TRANSITIONS;
use crate::decider::{Context, Decider, Facets, Transitions, check_allowed};
use crate::kernel::fault::Faults;
use crate::kernel::ids::RestaurantId;
use crate::kernel::key::Key;
use crate::kernel::money::{Price, PriceDelta};
use crate::restaurant::menu_document::tree::{check_tree, lowest_options};
use crate::restaurant::menu_document::{Item, OptionRef};

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
                    .map_or(0, PublishedMenu::version)
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
            MenuCommand::SetOptionPrice {
                option,
                price_minor,
            } => {
                self.check_option_price(&option, price_minor)?;
                MenuEvent::OptionPriceSet {
                    option,
                    price_minor,
                }
            }
            MenuCommand::SetOptionAvailable { option, available } => {
                self.known_option(&option)?;
                MenuEvent::OptionAvailabilitySet { option, available }
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
            MenuCommand::SetOptionPrice {
                option,
                price_minor,
            } => menu
                .option(&option.group, &option.option)
                .is_some_and(|option| option.price_minor == *price_minor),
            MenuCommand::SetOptionAvailable { option, available } => {
                menu.option(&option.group, &option.option).is_some()
                    && menu.is_option_available(option) == *available
            }
        }
    }

    fn known(&self, item: &Key) -> Result<&Item, MenuRejection> {
        let found = self.published().and_then(|menu| menu.item(item));
        found.ok_or_else(|| MenuRejection::ItemUnknown { item: item.clone() })
    }

    fn known_option(&self, option: &OptionRef) -> Result<&PublishedMenu, MenuRejection> {
        let unknown = || MenuRejection::OptionUnknown {
            option: option.clone(),
        };
        let menu = self.published().ok_or_else(unknown)?;
        let found = menu.option(&option.group, &option.option);
        found.map(|_| menu).ok_or_else(unknown)
    }

    /// No dish may come to less than nothing, or to more than can be counted.
    fn check_option_price(
        &self,
        option: &OptionRef,
        price: PriceDelta,
    ) -> Result<(), MenuRejection> {
        let mut changed = self.known_option(option)?.clone();
        changed.set_option_price(option, price);
        let mut faults = Faults::default();
        check_tree(changed.document(), &mut faults);
        faults.or(()).map_err(MenuRejection::OptionPriceRefused)
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

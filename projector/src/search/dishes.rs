//! The dishes of a menu as documents: what finds them, what they cost, and what somebody may have against
//! them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::decider::Decider as _;
use domain::kernel::flags::Flags;
use domain::kernel::text::LocalizedText;
use domain::restaurant::menu::{
    Choice, GroupLink, Item, Menu, MenuDocument, MenuEvent, MenuOption, OptionGroup, PublishedMenu,
};
use infra::availability::{Levels, MenuNeeds, Unavailable};
use infra::search_schema::{
    Alternatives, Dimension, Display, Entry, Obstacles, noodle_class, style_words,
};

use super::rows::ShopRow;
use super::shops::parse_or_default;
use crate::names::name_of;

/// More options than this are never required of one group; a menu may not link so many.
const OPTIONS_MAX: usize = 100;

/// A menu with everything that decides which of its dishes are shown, and at what price.
pub(super) struct Dishes {
    menu: Menu,
    needs: MenuNeeds,
    prices: BTreeMap<String, i64>,
    off: BTreeSet<String>,
}

impl Dishes {
    /// Reads the menu document of a row and what was changed since it was published.
    pub(super) fn read(document: &str, row: &ShopRow) -> Result<Self, serde_json::Error> {
        let published: MenuDocument = serde_json::from_str(document)?;
        let mut menu = Menu::default();
        menu.evolve(&MenuEvent::Published {
            document: Arc::new(published),
            version: 1,
        });
        Ok(Self {
            menu,
            needs: serde_json::from_str(document)?,
            prices: parse_or_default(row.prices.as_deref())?,
            off: parse_or_default(row.unavailable.as_deref())?,
        })
    }

    /// The dishes that can be had.
    pub(super) fn entries(&self, row: &ShopRow, levels: &Levels) -> Vec<Entry> {
        let gone = self.needs.unavailable(levels, &self.off);
        let Some(menu) = self.menu.published() else {
            return Vec::new();
        };
        let items = menu
            .document()
            .sections
            .iter()
            .flat_map(|section| &section.items);
        items
            .filter(|item| !gone.items.contains(item.key.as_str()))
            .map(|item| {
                let dish = Dish {
                    menu,
                    gone: &gone,
                    item,
                };
                let price = self.prices.get(item.key.as_str()).copied();
                dish.entry(row, price.unwrap_or(item.price_minor.minor()))
            })
            .collect()
    }
}

/// One dish of a menu, with what of the menu cannot be had.
struct Dish<'a> {
    menu: &'a PublishedMenu,
    gone: &'a Unavailable,
    item: &'a Item,
}

impl<'a> Dish<'a> {
    fn entry(&self, row: &ShopRow, price_minor: i64) -> Entry {
        let item = self.item;
        let style = item
            .ramen
            .as_ref()
            .and_then(|ramen| name_of(&ramen.style).ok());
        Entry {
            names: texts(&item.name).collect(),
            texts: self.texts(row, style.as_deref()),
            tags: self.tags(),
            price_minor,
            prep_minutes: self.prep_minutes(),
            obstacles: self.obstacles(),
            obstacles_most: self.obstacles_most(),
            popularity: weight(item.popularity),
            display: Display {
                restaurant_name: row.name.clone(),
                item: Some(item.key.to_string()),
                item_name: by_language(&item.name),
                currency: row.currency.clone(),
                city: row.city.clone(),
                styles: style.into_iter().collect(),
            },
        }
    }

    /// Shop, city, description, ingredients and options: a topping finds the bowl that it goes onto.
    fn texts(&self, row: &ShopRow, style: Option<&str>) -> Vec<String> {
        let item = self.item;
        let mut found = vec![row.name.clone(), row.city.clone()];
        found.extend(style.map(|style| style_words(style).to_owned()));
        found.extend(item.description.iter().flat_map(texts));
        let used = item.recipe.iter().map(|line| &line.ingredient);
        let used = used.filter_map(|key| self.menu.ingredient(key));
        found.extend(used.flat_map(|ingredient| texts(&ingredient.name)));
        let options = self.groups().flat_map(|(_, group)| self.to_be_had(group));
        found.extend(options.flat_map(|option| texts(&option.name)));
        found
    }

    fn tags(&self) -> Vec<(Dimension, String)> {
        let Some(ramen) = &self.item.ramen else {
            return Vec::new();
        };
        let noodle = noodle_class(ramen.noodle_tenths_mm, ramen.packaging).to_owned();
        let broth = ramen.broth.and_then(|broth| name_of(&broth.base).ok());
        let tags = [
            (Dimension::Style, name_of(&ramen.style).ok()),
            (Dimension::Broth, broth),
            (Dimension::Noodle, Some(noodle)),
            (Dimension::Packaging, name_of(&ramen.packaging).ok()),
        ];
        tags.into_iter()
            .filter_map(|(of, value)| Some((of, value?)))
            .collect()
    }

    /// What a quote of one such dish would say (`joint::price_cart`).
    fn prep_minutes(&self) -> u32 {
        let seconds = self.item.ramen.as_ref().map_or(0, |ramen| {
            ramen
                .cook_seconds
                .get()
                .saturating_add(ramen.pack_seconds.get())
        });
        seconds
            .div_ceil(60)
            .max(Flags::default().kitchen_prep.get())
    }

    /// The groups that the dish offers.
    fn groups(&self) -> impl Iterator<Item = (&'a GroupLink, &'a OptionGroup)> {
        let menu = self.menu;
        let links = self.item.groups.iter();
        links.filter_map(move |link| Some((link, menu.group(&link.group)?)))
    }

    /// The options of a group that are not out of stock.
    fn to_be_had(&self, group: &'a OptionGroup) -> impl Iterator<Item = &'a MenuOption> {
        let gone = self.gone;
        let is_gone = move |option: &MenuOption| {
            let key = (group.key.to_string(), option.key.to_string());
            gone.options.contains(&key)
        };
        group.options.iter().filter(move |option| !is_gone(option))
    }

    /// What is in the dish with this one option.
    fn with(&self, group: &'a OptionGroup, option: &'a MenuOption) -> Obstacles {
        self.declared([Choice {
            group: &group.key,
            option: &option.key,
            quantity: 1,
        }])
    }

    /// What is in the dish with these options. One without a recipe says nothing of itself: everything
    /// may be in it.
    fn declared<'c>(&self, choices: impl IntoIterator<Item = Choice<'c>>) -> Obstacles {
        if self.item.recipe.is_empty() {
            return Obstacles::everything();
        }
        let declared = self.menu.allergens(&self.item.key, choices);
        declared.map_or_else(Obstacles::everything, |declared| Obstacles::of(&declared))
    }

    /// The least that is in the dish for each way of choosing what must be chosen.
    fn obstacles(&self) -> Alternatives {
        let base = Alternatives::only(self.declared([]));
        let required = self.groups().filter(|(link, _)| link.min > 0);
        required.fold(base, |ways, (link, group)| {
            let options = self.to_be_had(group).map(|option| self.with(group, option));
            ways.and(&some_of(
                options,
                link.min.div_ceil(link.max_per_option.max(1)),
            ))
        })
    }

    fn obstacles_most(&self) -> Obstacles {
        let required = self.groups().filter(|(link, _)| link.min > 0);
        let options = required
            .flat_map(|(_, group)| self.to_be_had(group).map(move |option| (group, option)));
        options.fold(self.declared([]), |all, (group, option)| {
            all.with(self.with(group, option))
        })
    }
}

/// The ways of choosing so many different ones.
fn some_of(options: impl Iterator<Item = Obstacles>, count: u32) -> Alternatives {
    let count = usize::try_from(count)
        .unwrap_or(usize::MAX)
        .min(OPTIONS_MAX);
    let mut ways = vec![Alternatives::none(); count + 1];
    ways[0] = Alternatives::only(Obstacles::default());
    for option in options {
        let option = Alternatives::only(option);
        for chosen in (1..=count).rev() {
            let with_it = ways[chosen - 1].and(&option);
            ways[chosen] = std::mem::replace(&mut ways[chosen], Alternatives::none()).or(with_it);
        }
    }
    ways.pop().unwrap_or_else(Alternatives::none)
}

fn texts(of: &LocalizedText) -> impl Iterator<Item = String> {
    by_language(of).into_values()
}

fn by_language(of: &LocalizedText) -> BTreeMap<String, String> {
    let texts = of.iter();
    texts
        .map(|(language, text)| (language.as_str().to_owned(), text.as_str().to_owned()))
        .collect()
}

/// The shop's ranking, 1 for the most ordered, as a weight that falls with the rank.
fn weight(rank: Option<u32>) -> u64 {
    rank.filter(|rank| *rank > 0)
        .map_or(0, |rank| 1_000 / u64::from(rank))
}

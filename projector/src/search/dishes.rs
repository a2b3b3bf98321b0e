//! The dishes of a menu as documents: what finds them, what they cost, and what somebody may have against
//! them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use domain::decider::Decider as _;
use domain::kernel::flags::Flags;
use domain::kernel::hours::{HoursDraft, OpeningRange, WeeklyHours};
use domain::kernel::text::LocalizedText;
use domain::restaurant::menu::{Item, Menu, MenuDocument, MenuEvent, PublishedMenu, Section};
use infra::availability::{Levels, MenuNeeds, Unavailable};
use infra::search_schema::{Dimension, Display, Entry, noodle_class, style_words};

use super::choices::Choices;
use super::rows::ShopRow;
use crate::names::name_of;

/// A published menu, read once for each of its versions.
#[derive(Debug)]
pub(super) struct IndexedMenu {
    version: i32,
    menu: Menu,
    needs: MenuNeeds,
    sale: SaleHours,
}

impl IndexedMenu {
    /// Reads a menu's document.
    pub(super) fn read(version: i32, document: &str) -> Result<Self, serde_json::Error> {
        let menu = published(document)?;
        Ok(Self {
            version,
            needs: serde_json::from_str(document)?,
            sale: menu.published().map(SaleHours::of).unwrap_or_default(),
            menu,
        })
    }

    /// How often the shop had published when this was published.
    pub(super) fn version(&self) -> i32 {
        self.version
    }

    /// The hours of dishes that are not always sold, whether they can be had now or not.
    pub(super) fn sale(&self) -> &[Vec<WeeklyHours>] {
        &self.sale.hours
    }

    /// What cannot be had.
    pub(super) fn unavailable(&self, levels: &Levels, off: &BTreeSet<String>) -> Unavailable {
        self.needs.unavailable(levels, off)
    }

    /// The dishes that are not gone, at the prices of the document but for those in `prices`.
    pub(super) fn entries(
        &self,
        row: &ShopRow,
        prices: &BTreeMap<String, i64>,
        gone: &Unavailable,
    ) -> Vec<Entry> {
        let Some(menu) = self.menu.published() else {
            return Vec::new();
        };
        let mut choices = Choices::of(menu, gone);
        let items = menu.document().sections.iter();
        let items = items.flat_map(|section| &section.items);
        items
            .filter(|item| !gone.items.contains(item.key.as_str()))
            .map(|item| {
                let mut entry = entry(menu, &mut choices, item, row);
                let price = prices.get(item.key.as_str()).copied();
                entry.price_minor = price.unwrap_or(entry.price_minor);
                entry.sale = self.sale.of_item.get(item.key.as_str()).copied();
                entry
            })
            .collect()
    }
}

/// When the dishes of a menu are sold, those of the same hours together.
#[derive(Debug, Default)]
struct SaleHours {
    hours: Vec<Vec<WeeklyHours>>,
    /// By key the place in `hours`; a dish that is always sold has none.
    of_item: HashMap<String, usize>,
}

impl SaleHours {
    fn of(menu: &PublishedMenu) -> Self {
        let mut found = Self::default();
        for section in &menu.document().sections {
            for item in &section.items {
                if let Some(at) = found.place_of(section, item) {
                    found.of_item.insert(item.key.to_string(), at);
                }
            }
        }
        found
    }

    /// The place of a dish's hours, its section's and its own; none when it is always sold.
    fn place_of(&mut self, section: &Section, item: &Item) -> Option<usize> {
        let hours: Vec<WeeklyHours> = [&section.dayparts, &item.sale_hours]
            .into_iter()
            .filter(|ranges| !ranges.is_empty())
            .filter_map(|ranges| week(ranges))
            .collect();
        if hours.is_empty() {
            return None;
        }
        let known = self.hours.iter().position(|known| *known == hours);
        Some(known.unwrap_or_else(|| {
            self.hours.push(hours);
            self.hours.len() - 1
        }))
    }
}

/// The menu of a published document.
pub(super) fn published(document: &str) -> Result<Menu, serde_json::Error> {
    let document: MenuDocument = serde_json::from_str(document)?;
    let mut menu = Menu::default();
    menu.evolve(&MenuEvent::Published {
        document: Arc::new(document),
        version: 1,
    });
    Ok(menu)
}

fn entry<'a>(
    menu: &'a PublishedMenu,
    choices: &mut Choices<'a>,
    item: &'a Item,
    row: &ShopRow,
) -> Entry {
    let style = item
        .ramen
        .as_ref()
        .and_then(|ramen| name_of(&ramen.style).ok());
    let ways = choices.item(item);
    Entry {
        names: texts(&item.name).collect(),
        texts: words(menu, choices, item, row, style.as_deref()),
        tags: tags(item),
        price_minor: item.price_minor.minor(),
        prep_minutes: prep_minutes(item),
        obstacles: ways.least,
        obstacles_most: ways.most,
        popularity: weight(item.popularity),
        sale: None,
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
fn words<'a>(
    menu: &PublishedMenu,
    choices: &Choices<'a>,
    item: &'a Item,
    row: &ShopRow,
    style: Option<&str>,
) -> Vec<String> {
    let mut found = vec![row.name.clone(), row.city.clone()];
    found.extend(style.map(|style| style_words(style).to_owned()));
    found.extend(item.description.iter().flat_map(texts));
    let used = item.recipe.iter().map(|line| &line.ingredient);
    let used = used.filter_map(|key| menu.ingredient(key));
    found.extend(used.flat_map(|ingredient| texts(&ingredient.name)));
    let options = choices.options(item).into_iter();
    found.extend(options.flat_map(|option| texts(&option.name)));
    found
}

fn tags(item: &Item) -> Vec<(Dimension, String)> {
    let Some(ramen) = &item.ramen else {
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
    let known = tags.into_iter();
    known.filter_map(|(of, value)| Some((of, value?))).collect()
}

/// What a quote of one such dish would say of a kitchen with nothing else to do (`joint::price_cart`).
fn prep_minutes(item: &Item) -> u32 {
    let seconds = item.ramen.as_ref().map_or(0, |ramen| {
        ramen
            .cook_seconds
            .get()
            .saturating_add(ramen.pack_seconds.get())
    });
    seconds
        .div_ceil(60)
        .max(Flags::default().kitchen_prep.get())
}

/// Ranges as hours. What does not parse was never published.
fn week(ranges: &[OpeningRange]) -> Option<WeeklyHours> {
    WeeklyHours::parse(HoursDraft::weekly(ranges.to_vec())).ok()
}

fn texts(of: &LocalizedText) -> impl Iterator<Item = String> {
    by_language(of).into_values()
}

fn by_language(of: &LocalizedText) -> BTreeMap<String, String> {
    let texts = of.iter();
    let texts = texts.map(|(language, text)| (language.as_str(), text.as_str()));
    texts
        .map(|(language, text)| (language.to_owned(), text.to_owned()))
        .collect()
}

/// The shop's ranking, 1 for the most ordered, as a weight that falls with the rank.
fn weight(rank: Option<u32>) -> u64 {
    let rank = rank.filter(|rank| *rank > 0);
    rank.map_or(0, |rank| 1_000 / u64::from(rank))
}

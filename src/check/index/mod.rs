//! The search index (I7): its documents are the live shops and their dishes that can be had, as the views
//! show them, and its checkpoint claims no more than the views have read.
//!
//! The folder is opened for reading only; no lock is taken.

mod found;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::Value;
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use tantivy::directory::MmapDirectory;
use tantivy::schema::Value as _;
use tantivy::{Index, ReloadPolicy, SegmentReader, TantivyDocument};
use uuid::Uuid;

use super::report::{Invariant, Report};
use super::store::Store;
use found::{Filters, check_facts, check_filters};

/// The views from which documents are made.
const SOURCES: &str = "('restaurants', 'menus', 'stock')";

/// Groups below one another in a published menu at most.
const GROUPS_DEEP_MAX: u32 = 5;

/// The documents of one shop.
#[derive(Debug, Default)]
struct Shop {
    /// What its own documents display; there should be one.
    itself: Vec<Value>,
    /// What its own document answers questions of hour and place from.
    facts: Value,
    /// By item, what it displays and is filtered by.
    dishes: BTreeMap<String, Vec<Dish>>,
    sequence: i64,
}

/// A document of a dish.
#[derive(Debug)]
struct Dish {
    shown: Value,
    price: i64,
    filters: Filters,
}

/// What the folder holds.
struct Held {
    shops: HashMap<String, Shop>,
    payload: Option<Value>,
}

/// Compares the index in `folder` with the views.
///
/// # Errors
/// When the folder holds no index, or the database fails.
pub(super) async fn check(
    folder: &Path,
    views: &mut Store,
    report: &mut Report,
) -> anyhow::Result<()> {
    let path = served(folder)?;
    let held = tokio::task::spawn_blocking(move || read(&path)).await?;
    let mut held = held.with_context(|| format!("reading the index in {}", folder.display()))?;
    check_payload(held.payload.as_ref(), views, report).await?;
    views
        .open_cursor(
            "SELECT r.restaurant_id, r.sequence, r.stage, r.name, r.city, r.currency,
                    r.time_zone, r.hours::text AS hours, r.zones::text AS zones, r.paused, r.paused_until,
                    m.document::text AS document, m.prices::text AS prices,
                    m.unavailable::text AS unavailable, s.ingredients::text AS ingredients
             FROM views.restaurants r LEFT JOIN views.menus m USING (restaurant_id)
             LEFT JOIN views.stock s USING (restaurant_id)",
        )
        .await?;
    loop {
        let rows = views.next_rows().await?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            let id: Uuid = row.try_get("restaurant_id")?;
            let shop = held.shops.remove(&id.to_string()).unwrap_or_default();
            Shown::read(row)?.compare(&shop, report);
        }
    }
    for stray in held.shops.keys() {
        report.violated(
            Invariant::I7,
            format!("shop {stray} has documents and no row"),
        );
    }
    Ok(())
}

/// The folder of the version that is served, where there are several; a version's own folder is itself.
fn served(folder: &Path) -> anyhow::Result<PathBuf> {
    let told = folder.join("served.json");
    if !told.exists() {
        return Ok(folder.to_owned());
    }
    let told: Value = serde_json::from_slice(&std::fs::read(told)?)?;
    let version = told["served"]
        .as_u64()
        .context("nobody says which index is served")?;
    Ok(folder.join(version.to_string()))
}

fn read(folder: &Path) -> anyhow::Result<Held> {
    let index = Index::open(MmapDirectory::open(folder)?)?;
    let payload = index.load_metas()?.payload;
    let reader = index
        .reader_builder()
        .reload_policy(ReloadPolicy::Manual)
        .try_into()?;
    let mut shops = HashMap::new();
    for segment in reader.searcher().segment_readers() {
        read_segment(segment, &mut shops)?;
    }
    let payload = payload.and_then(|text| serde_json::from_str(&text).ok());
    Ok(Held { shops, payload })
}

fn read_segment(segment: &SegmentReader, shops: &mut HashMap<String, Shop>) -> anyhow::Result<()> {
    let restaurant = segment.schema().get_field("restaurant")?;
    let display = segment.schema().get_field("display")?;
    let facts = segment.schema().get_field("facts")?;
    let ways = segment.fast_fields().u64("obstacles")?;
    let most = segment.fast_fields().u64("obstacles_most")?;
    let sequences = segment.fast_fields().i64("restaurant_sequence")?;
    let prices = segment.fast_fields().i64("price_minor")?;
    let stored = segment.get_store_reader(1)?;
    for number in segment.doc_ids_alive() {
        let document: TantivyDocument = stored.get(number)?;
        let first = document.get_first(restaurant);
        let id = first
            .and_then(|value| value.as_str())
            .context("a document without its shop")?;
        let shown = document.get_first(display);
        let shown = shown
            .and_then(|value| value.as_bytes())
            .context("a document shows nothing")?;
        let shown: Value = serde_json::from_slice(shown)?;
        let shop = shops.entry(id.to_owned()).or_default();
        shop.sequence = shop
            .sequence
            .max(sequences.first(number).unwrap_or_default());
        match shown["item"].as_str().map(str::to_owned) {
            None => {
                let kept = document.get_first(facts);
                let kept = kept
                    .and_then(|value| value.as_bytes())
                    .context("a shop without facts")?;
                shop.facts = serde_json::from_slice(kept)?;
                shop.itself.push(shown);
            }
            Some(item) => {
                shop.dishes.entry(item).or_default().push(Dish {
                    shown,
                    price: prices.first(number).unwrap_or_default(),
                    filters: Filters {
                        ways: ways.values_for_doc(number).collect(),
                        most: most.first(number).unwrap_or_default(),
                    },
                });
            }
        }
    }
    Ok(())
}

async fn check_payload(
    payload: Option<&Value>,
    views: &mut Store,
    report: &mut Report,
) -> anyhow::Result<()> {
    let claims = payload.and_then(|payload| payload["checkpoints"].as_array());
    report.expect(Invariant::I7, claims.is_some(), || {
        "the last commit of the index has no readable payload".to_owned()
    });
    let query = format!(
        "SELECT topic, partition, min(position) FROM views.checkpoints
         WHERE view IN {SOURCES} GROUP BY topic, partition"
    );
    let mut read: HashMap<(String, i64), i64> = HashMap::new();
    for row in views.all(&query).await? {
        let partition: i32 = row.try_get(1)?;
        read.insert((row.try_get(0)?, i64::from(partition)), row.try_get(2)?);
    }
    // Beside the single origins stands how far all of them have been read together.
    let together = read
        .get(&("store".to_owned(), 0))
        .copied()
        .unwrap_or_default();
    for claim in claims.into_iter().flatten() {
        let topic = claim["topic"].as_str().unwrap_or_default().to_owned();
        let partition = claim["partition"].as_i64().unwrap_or_default();
        let position = claim["position"].as_i64().unwrap_or(i64::MAX);
        let reached = read
            .get(&(topic.clone(), partition))
            .copied()
            .unwrap_or_default()
            .max(together);
        report.expect(Invariant::I7, position <= reached, || {
            format!("the index claims {topic}[{partition}] up to {position}, the views have read {reached}")
        });
    }
    Ok(())
}

/// A shop as the views show it.
struct Shown {
    id: Uuid,
    sequence: i64,
    live: bool,
    display: [(&'static str, String); 3],
    facts: Value,
    menu: Value,
    prices: Value,
    off: Value,
    stock: Value,
}

impl Shown {
    fn read(row: &PgRow) -> anyhow::Result<Self> {
        let json = |column: &str| -> anyhow::Result<Value> {
            let text: Option<String> = row.try_get(column)?;
            Ok(text.map_or(Ok(Value::Null), |text| serde_json::from_str(&text))?)
        };
        let stage: String = row.try_get("stage")?;
        Ok(Self {
            id: row.try_get("restaurant_id")?,
            sequence: row.try_get("sequence")?,
            live: stage == "live",
            display: [
                ("restaurant_name", row.try_get("name")?),
                ("city", row.try_get("city")?),
                ("currency", row.try_get("currency")?),
            ],
            facts: serde_json::json!({
                "time_zone": row.try_get::<String, _>("time_zone")?,
                "hours": json("hours")?,
                "zones": json("zones")?,
                "pause": pause(row)?,
            }),
            menu: json("document")?,
            prices: json("prices")?,
            off: json("unavailable")?,
            stock: json("ingredients")?,
        })
    }

    fn compare(&self, found: &Shop, report: &mut Report) {
        let id = self.id;
        report.expect(Invariant::I7, found.sequence <= self.sequence, || {
            format!(
                "shop {id} is indexed at {}, its row stands at {}",
                found.sequence, self.sequence
            )
        });
        let due = usize::from(self.live);
        report.expect(Invariant::I7, found.itself.len() == due, || {
            format!(
                "shop {id}, live: {}, has {} documents of its own",
                self.live,
                found.itself.len()
            )
        });
        for shown in &found.itself {
            self.check_display(shown, "itself", report);
            check_facts(id, &found.facts, &self.facts, report);
        }
        let items: BTreeMap<&str, &Value> = self.items();
        for (key, dishes) in &found.dishes {
            let item = items.get(key.as_str()).filter(|_| self.live);
            report.expect(Invariant::I7, item.is_some() && dishes.len() == 1, || {
                format!("dish {key} of shop {id} has {} documents", dishes.len())
            });
            for dish in dishes {
                self.check_display(&dish.shown, key, report);
                if let Some(item) = item {
                    self.check_dish(key, item, &dish.shown, dish.price, report);
                    check_filters(id, key, item, &self.menu, &dish.filters, report);
                }
            }
        }
        for (key, item) in items.iter().filter(|_| self.live) {
            let there = found.dishes.contains_key(*key);
            report.expect(
                Invariant::I7,
                self.can_be_had(key, item).allows(there),
                || format!("dish {key} of shop {id} is indexed: {there}, and should not be so"),
            );
        }
    }

    fn items(&self) -> BTreeMap<&str, &Value> {
        let sections = list(&self.menu["sections"]);
        let items = sections.flat_map(|section| list(&section["items"]));
        items
            .filter_map(|item| Some((item["key"].as_str()?, item)))
            .collect()
    }

    fn check_display(&self, shown: &Value, of: &str, report: &mut Report) {
        let id = self.id;
        for (name, value) in &self.display {
            report.expect(Invariant::I7, shown[name] == **value, || {
                format!(
                    "{of} of shop {id} shows {name} {}, the row says {value}",
                    shown[name]
                )
            });
        }
    }

    fn check_dish(&self, key: &str, item: &Value, shown: &Value, price: i64, report: &mut Report) {
        let id = self.id;
        let set = self.prices.get(key).unwrap_or(&item["price_minor"]);
        report.expect(Invariant::I7, set.as_i64() == Some(price), || {
            format!("dish {key} of shop {id} is indexed at {price}, the menu says {set}")
        });
        report.expect(Invariant::I7, shown["item_name"] == item["name"], || {
            format!(
                "dish {key} of shop {id} is indexed as {}",
                shown["item_name"]
            )
        });
    }

    /// An item can be had when it is not switched off, its recipe can be served, and every required
    /// group has enough options left whose recipes can be served.
    fn can_be_had(&self, key: &str, item: &Value) -> Answer {
        if list(&self.off).any(|off| *off == *key) {
            return Answer::No;
        }
        let groups = list(&item["groups"]).map(|link| self.can_choose(link, GROUPS_DEEP_MAX));
        groups.fold(self.can_serve(&item["recipe"]), Answer::and)
    }

    /// Whether enough of a group is left, looking so many groups further down.
    fn can_choose(&self, link: &Value, deep: u32) -> Answer {
        let required = link["min"].as_u64().unwrap_or_default();
        let each = link["max_per_option"].as_u64().unwrap_or_default();
        let kinds = link["max_distinct"].as_u64().unwrap_or(u64::MAX);
        let groups = list(&self.menu["option_groups"]);
        let group = groups
            .into_iter()
            .find(|group| group["key"] == link["group"]);
        let options: Vec<Answer> = group
            .into_iter()
            .flat_map(|group| list(&group["options"]).map(move |option| (group, option)))
            .map(|(group, option)| self.can_take(group, option, deep))
            .collect();
        let reach = |counted: fn(&Answer) -> bool| {
            let count = options.iter().filter(|answer| counted(answer)).count();
            u64::try_from(count)
                .unwrap_or(u64::MAX)
                .min(kinds)
                .saturating_mul(each)
        };
        if reach(|answer| *answer == Answer::Yes) >= required {
            Answer::Yes
        } else if reach(|answer| *answer != Answer::No) >= required {
            Answer::LaterPerhaps
        } else {
            Answer::No
        }
    }

    /// An option can be had when it is not switched off, its recipe can be served, and so can what must
    /// be chosen below it.
    fn can_take(&self, group: &Value, option: &Value, deep: u32) -> Answer {
        let names = [group, option].map(|named| named["key"].as_str().unwrap_or_default());
        if list(&self.off).any(|off| *off == *names.join("/")) {
            return Answer::No;
        }
        let served = self.can_serve(&option["recipe"]);
        let below = list(&option["groups"]).filter(|_| deep > 0);
        below
            .map(|link| self.can_choose(link, deep - 1))
            .fold(served, Answer::and)
    }

    fn can_serve(&self, recipe: &Value) -> Answer {
        let mut needs: BTreeMap<&str, i64> = BTreeMap::new();
        for need in list(recipe) {
            let sum = needs
                .entry(need["ingredient"].as_str().unwrap_or_default())
                .or_default();
            *sum = sum.saturating_add(need["amount"].as_i64().unwrap_or_default());
        }
        let each = needs.into_iter().map(|(ingredient, amount)| {
            let level = &self.stock[ingredient];
            let short =
                level["tracked"] == true && level["free"].as_i64().unwrap_or_default() < amount;
            match (&level["eighty_six"], short) {
                (_, true) => Answer::No,
                (Value::Null, false) => Answer::Yes,
                // Whether it is back by now depends on when the index was written.
                (out, false) if out["until"].is_string() => Answer::LaterPerhaps,
                (_, false) => Answer::No,
            }
        });
        each.fold(Answer::Yes, Answer::and)
    }
}

/// The pause of a row, as facts have it.
fn pause(row: &PgRow) -> anyhow::Result<Value> {
    let until: Option<chrono::DateTime<chrono::Utc>> = row.try_get("paused_until")?;
    let paused: bool = row.try_get("paused")?;
    Ok(if paused {
        serde_json::json!({ "until": until })
    } else {
        Value::Null
    })
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Whether something can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Yes,
    No,
    /// It comes back by itself at some time.
    LaterPerhaps,
}

impl Answer {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            (Self::LaterPerhaps, _) | (_, Self::LaterPerhaps) => Self::LaterPerhaps,
        }
    }

    fn allows(self, there: bool) -> bool {
        match self {
            Self::Yes => there,
            Self::No => !there,
            Self::LaterPerhaps => true,
        }
    }
}

//! Menu answers as serialised bytes, by shop and language. A menu is parsed once for each of its
//! versions, what is available is worked out once for each change of stock, and an answer is written
//! once for each combination that is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::kernel::kitchen::Kitchen;
use infra::availability::{Levels, MenuNeeds, StockLevel, Unavailable};
use infra::dish_range::{DishRange, MenuFacts};
use infra::http::ApiError;
use infra::http::conditional::Etag;
use moka::sync::Cache;
use sqlx::PgPool;
use uuid::Uuid;

use crate::cache::{Entry, Versioned};
use crate::error::db;
use crate::http::json_of;
use crate::http::restaurant::menu_page::MenuPage;
use crate::http::restaurant::menu_source::MenuDocument;
use crate::language::AcceptLanguage;
use crate::shops::Page;

/// Menus kept, parsed: 10,000 of some 100 kilobytes are too many for a small machine.
const MENUS_MAX: u64 = 2_000;
/// Answers kept, in bytes.
const PAGES_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Stands for *every language* where a language is named.
const ALL_LANGUAGES: &str = "*";

/// A menu as it is published and changed since.
pub(crate) struct Menu {
    document: MenuDocument,
    needs: MenuNeeds,
    ranges: BTreeMap<String, DishRange>,
    prices: BTreeMap<String, i64>,
    off: BTreeSet<String>,
    version: i32,
    languages: Vec<String>,
}

/// What could be had when it was last worked out.
struct Availability {
    menu: i64,
    stock: i64,
    /// An ingredient comes back by itself at this instant.
    until: Option<DateTime<Utc>>,
    unavailable: Unavailable,
    digest: String,
}

struct WrittenPage {
    menu: i64,
    digest: String,
    page: Page,
}

/// What a shop has in stock, and what of its kitchen is booked.
#[derive(Default)]
pub(crate) struct Larder {
    /// What there is of each ingredient.
    levels: BTreeMap<String, StockLevel>,
    /// What is booked, by slot.
    pub(crate) kitchen: Kitchen,
}

/// The cache of menu answers.
pub(crate) struct MenuPages {
    pool: PgPool,
    menus: Versioned<Menu>,
    stock: Versioned<Larder>,
    available: Cache<Uuid, Arc<Availability>>,
    pages: Cache<(Uuid, String), Arc<WrittenPage>>,
}

impl MenuPages {
    pub(crate) fn new(pool: PgPool) -> Self {
        let weight = |_: &(Uuid, String), page: &Arc<WrittenPage>| {
            u32::try_from(page.page.body.len()).unwrap_or(u32::MAX)
        };
        Self {
            pool,
            menus: Versioned::new(MENUS_MAX),
            stock: Versioned::new(MENUS_MAX),
            available: Cache::new(MENUS_MAX),
            pages: Cache::builder()
                .max_capacity(PAGES_BYTES_MAX)
                .weigher(weight)
                .build(),
        }
    }

    /// The menu of a shop in the language that `wanted` or `accepted` says (`*` for all of them); none
    /// when it has no menu.
    ///
    /// # Errors
    /// When the views cannot be read.
    pub(crate) async fn page(
        &self,
        id: Uuid,
        wanted: Option<&str>,
        accepted: &AcceptLanguage,
        now: DateTime<Utc>,
    ) -> Result<Option<Page>, ApiError> {
        let Some(menu) = self.menus.get(id, || load_menu(&self.pool, id)).await? else {
            return Ok(None);
        };
        let available = self.available(id, &menu, now).await?;
        let language = language_of(&menu.value, wanted, accepted);
        let key = (id, language);
        if let Some(written) = self.pages.get(&key)
            && written.menu == menu.sequence
            && written.digest == available.digest
        {
            return Ok(Some(written.page.clone()));
        }
        let page = write(id, &menu, &available, &key.1)?;
        let written = WrittenPage {
            menu: menu.sequence,
            digest: available.digest.clone(),
            page: page.clone(),
        };
        self.pages.insert(key, Arc::new(written));
        Ok(Some(page))
    }

    /// The stock of a shop.
    ///
    /// # Errors
    /// When the view cannot be read.
    pub(crate) async fn larder(&self, id: Uuid) -> Result<Option<Arc<Entry<Larder>>>, ApiError> {
        self.stock.get(id, || load_stock(&self.pool, id)).await
    }

    async fn available(
        &self,
        id: Uuid,
        menu: &Entry<Menu>,
        now: DateTime<Utc>,
    ) -> Result<Arc<Availability>, ApiError> {
        let stock = self.larder(id).await?;
        let sequence = stock.as_ref().map_or(0, |stock| stock.sequence);
        if let Some(known) = self.available.get(&id)
            && (known.menu, known.stock) == (menu.sequence, sequence)
            && known.until.is_none_or(|until| now < until)
        {
            return Ok(known);
        }
        let none = BTreeMap::new();
        let levels = stock.as_ref().map_or(&none, |stock| &stock.value.levels);
        let unavailable = menu
            .value
            .needs
            .unavailable(&Levels::at(levels, now), &menu.value.off);
        let returns = levels
            .values()
            .filter_map(|level| level.eighty_six.as_ref()?.until);
        let known = Arc::new(Availability {
            menu: menu.sequence,
            stock: sequence,
            until: returns.filter(|until| *until > now).min(),
            digest: digest(&unavailable),
            unavailable,
        });
        self.available.insert(id, Arc::clone(&known));
        Ok(known)
    }

    /// Hears that a stream is visible up to a sequence.
    pub(crate) fn at_least(&self, kind: &str, id: Uuid, sequence: i64) {
        match kind {
            "restaurant.menu" => self.menus.at_least(id, sequence),
            "restaurant.inventory" => self.stock.at_least(id, sequence),
            _ => {}
        }
    }

    /// Hears that anything may have changed.
    pub(crate) fn forget_all(&self) {
        self.menus.forget_all();
        self.stock.forget_all();
    }
}

fn language_of(menu: &Menu, wanted: Option<&str>, accepted: &AcceptLanguage) -> String {
    match wanted {
        Some(ALL_LANGUAGES) => ALL_LANGUAGES.to_owned(),
        Some(wanted) => {
            AcceptLanguage::only(wanted).choose(&menu.languages, &menu.document.default_language)
        }
        None => accepted.choose(&menu.languages, &menu.document.default_language),
    }
}

fn write(
    id: Uuid,
    menu: &Entry<Menu>,
    available: &Availability,
    language: &str,
) -> Result<Page, ApiError> {
    let Menu {
        document,
        prices,
        ranges,
        version,
        ..
    } = &menu.value;
    let language = (language != ALL_LANGUAGES).then_some(language);
    let page = MenuPage::new(
        id,
        *version,
        document,
        prices,
        ranges,
        &available.unavailable,
        language,
    );
    let body = serde_json::to_vec(&page).map_err(ApiError::internal)?;
    let tag = language.unwrap_or(ALL_LANGUAGES);
    Ok(Page {
        etag: Etag::parts(menu.sequence, &[&available.digest, tag]),
        body: body.into(),
    })
}

/// A short text that differs when something else is unavailable.
fn digest(unavailable: &Unavailable) -> String {
    let mut hasher = DefaultHasher::new();
    unavailable.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

#[tracing::instrument(name = "db.menu_read", skip_all, level = "debug")]
async fn load_menu(pool: &PgPool, id: Uuid) -> Result<Option<(i64, Menu)>, ApiError> {
    let row = sqlx::query!(
        r#"SELECT sequence, version, document::text AS "document!", prices::text AS "prices!",
                  unavailable::text AS "unavailable!"
           FROM views.menus WHERE restaurant_id = $1"#,
        id
    )
    .fetch_optional(pool)
    .await
    .map_err(db)?;
    let Some(row) = row else { return Ok(None) };
    let document: MenuDocument = json_of(&row.document)?;
    let menu = Menu {
        needs: json_of(&row.document)?,
        ranges: json_of::<MenuFacts>(&row.document)?.ranges(),
        prices: json_of(&row.prices)?,
        off: json_of(&row.unavailable)?,
        version: row.version,
        languages: document.languages(),
        document,
    };
    Ok(Some((row.sequence, menu)))
}

#[tracing::instrument(name = "db.stock_read", skip_all, level = "debug")]
async fn load_stock(pool: &PgPool, id: Uuid) -> Result<Option<(i64, Larder)>, ApiError> {
    let row = sqlx::query!(
        r#"SELECT sequence, ingredients::text AS "ingredients!", kitchen::text AS "kitchen!"
           FROM views.stock WHERE restaurant_id = $1"#,
        id
    )
    .fetch_optional(pool)
    .await
    .map_err(db)?;
    // A shop that keeps no stock is remembered as one, so that its menu costs no query either.
    let Some(row) = row else {
        return Ok(Some((0, Larder::default())));
    };
    let larder = Larder {
        levels: json_of(&row.ingredients)?,
        kitchen: json_of(&row.kitchen)?,
    };
    Ok(Some((row.sequence, larder)))
}

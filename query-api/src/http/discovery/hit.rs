//! A hit as it is shown.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::language::{AcceptLanguage, pick};
use crate::search::Hit;

/// A shop or a dish.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SearchHit {
    /// The shop.
    restaurant: HitShop,
    /// The dish; none when the shop itself was found.
    item: Option<HitItem>,
    /// How well it fits.
    score: f32,
    /// From `near`, in metres.
    distance_m: Option<u32>,
    /// Minutes until one is at the door at `near` at the latest, if ordered now; none without a place and
    /// where the shop does not deliver.
    promise_minutes: Option<u32>,
    /// Whether the shop takes orders now.
    open: bool,
    /// Whether what must be avoided is in some of the options that must be chosen from.
    avoided_by_choice: bool,
    /// What counted in the order: `text`, `distance`, `clock` (of its style, on the way to `near`), `open`,
    /// `popularity`; or what was sorted by.
    #[schema(value_type = Vec<String>)]
    why: Vec<&'static str>,
}

/// The shop of a hit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HitShop {
    /// The shop.
    id: Uuid,
    /// Its name.
    name: String,
    /// Its city.
    city: String,
}

/// The dish of a hit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HitItem {
    /// The shop's key.
    key: String,
    /// Its name, in the reader's language where it has one.
    name: String,
    /// Price without options, in minor units.
    price_minor: i64,
    /// ISO 4217 code.
    currency: String,
    /// Its styles.
    styles: Vec<String>,
}

impl SearchHit {
    /// Shows a hit in the reader's language.
    pub(crate) fn new(hit: Hit, accepted: &AcceptLanguage) -> Self {
        let display = hit.display;
        let item = display.item.map(|key| {
            let languages: Vec<String> = display.item_name.keys().cloned().collect();
            let default = languages.first().cloned().unwrap_or_default();
            let language = accepted.choose(&languages, &default);
            HitItem {
                key,
                name: pick(&display.item_name, &language, &default)
                    .unwrap_or_default()
                    .to_owned(),
                price_minor: hit.price_minor,
                currency: display.currency,
                styles: display.styles,
            }
        });
        Self {
            restaurant: HitShop {
                id: hit.restaurant,
                name: display.restaurant_name,
                city: display.city,
            },
            item,
            score: hit.score,
            distance_m: hit.distance_m,
            promise_minutes: hit.promise_minutes,
            open: hit.open,
            avoided_by_choice: hit.by_choice,
            why: hit.why,
        }
    }
}

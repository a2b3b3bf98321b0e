//! Shops, kept until the projector says that they have changed: read once, and written as bytes once for each span of time
//! in which nothing about them changes by the clock.

use std::sync::Arc;

use axum::body::Bytes;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use domain::kernel::flags::Flags;
use domain::kernel::geo::{GeoPoint, Polygon};
use domain::kernel::hours::WeeklyHours;
use domain::kernel::quantity::Minutes;
use domain::kernel::tax::FulfilmentKind;
use domain::kernel::time::{Edge, TimeZone};
use infra::http::ApiError;
use infra::http::conditional::Etag;
use moka::sync::Cache;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::cache::{Entry, Versioned};
use crate::http::restaurant::read_restaurant::{ShopNow, ShopPage};

/// Shops kept: 10,000 of a few kilobytes.
const PAGES_MAX: u64 = 10_000;

/// An answer ready to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// Its tag.
    pub(crate) etag: Etag,
    /// JSON.
    pub(crate) body: Bytes,
}

/// A shop as it is read from its row, with what is asked of it by the clock and by place.
pub(crate) struct Shop {
    /// Its page without the clock.
    pub(crate) page: ShopPage,
    zone: TimeZone,
    hours: Option<WeeklyHours>,
    zones: Vec<ZoneArea>,
}

/// What of a zone a promise needs.
#[derive(Deserialize)]
struct ZoneArea {
    polygon: Polygon,
    minutes: Minutes,
}

/// Whether a shop sells at an instant, and until when that is so.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Moment {
    /// Whether it is live, within its hours and not paused.
    pub(crate) open: bool,
    /// When it opens next, when it is not open; none when nobody knows.
    opens_at: Option<DateTime<Utc>>,
    /// When it closes, when it is within its hours.
    closes_at: Option<DateTime<Utc>>,
    /// The local date on which the present opening began.
    service_date: Option<NaiveDate>,
    /// Until when orders are taken that are delivered, when any are taken now.
    delivery_until: Option<DateTime<Utc>>,
    /// Until when orders are taken that are fetched, when any are taken now.
    pickup_until: Option<DateTime<Utc>>,
}

struct WrittenPage {
    version: i64,
    /// From when on it is no longer so.
    until: Option<DateTime<Utc>>,
    page: Page,
}

/// The cache of shops.
pub(crate) struct ShopPages {
    pool: PgPool,
    shops: Versioned<Shop>,
    pages: Cache<Uuid, Arc<WrittenPage>>,
}

impl Moment {
    /// When the shop opens next, if it is not open.
    pub(crate) fn opens_at(&self) -> Option<DateTime<Utc>> {
        self.opens_at
    }

    /// Whether orders of this fulfilment are taken.
    pub(crate) fn takes(&self, kind: FulfilmentKind) -> bool {
        match kind {
            FulfilmentKind::Delivery => self.delivery_until.is_some(),
            FulfilmentKind::Pickup => self.pickup_until.is_some(),
        }
    }
}

impl Shop {
    fn new(page: ShopPage) -> Result<Self, ApiError> {
        let zone = TimeZone::parse(&page.time_zone).map_err(ApiError::internal)?;
        let hours = page.hours.clone().map(serde_json::from_value);
        let zones = page.zones.iter().cloned().map(serde_json::from_value);
        Ok(Self {
            zone,
            hours: hours.transpose().map_err(ApiError::internal)?,
            zones: zones
                .collect::<Result<_, _>>()
                .map_err(ApiError::internal)?,
            page,
        })
    }

    /// What is so at an instant.
    pub(crate) fn moment(&self, at: DateTime<Utc>) -> Moment {
        let (zone, hours) = (self.zone, self.hours.as_ref());
        let paused = self.is_paused(at);
        let within = hours.and_then(|hours| hours.opening_at(zone, at));
        let open = self.page.stage == "live" && !paused && within.is_some();
        let opens = |hours: &WeeklyHours| {
            // A pause without an end opens by somebody's word alone.
            let from = if paused {
                self.page.paused_until
            } else {
                Some(at)
            };
            hours.next_open(zone, from?)
        };
        let until = |kind| {
            let last = hours.filter(|_| open)?.last_order_at(zone, at, kind)?;
            (at < last).then_some(last)
        };
        Moment {
            open,
            opens_at: hours
                .filter(|_| !open && self.page.stage == "live")
                .and_then(opens),
            closes_at: hours.and_then(|hours| hours.closes_at(zone, at)),
            service_date: within.map(|opening| opening.service_date),
            delivery_until: until(FulfilmentKind::Delivery),
            pickup_until: until(FulfilmentKind::Pickup),
        }
    }

    /// Whether a pause holds at an instant.
    fn is_paused(&self, at: DateTime<Utc>) -> bool {
        let until = self.page.paused_until;
        self.page.paused && until.is_none_or(|until| at < until)
    }

    /// The first instant after `at` from which the moment may be another one.
    fn changes_after(&self, at: DateTime<Utc>, moment: &Moment) -> Option<DateTime<Utc>> {
        let opens = self
            .hours
            .as_ref()
            .and_then(|hours| hours.next_open(self.zone, at));
        let by_clock = [
            opens,
            moment.opens_at,
            moment.closes_at,
            moment.delivery_until,
            moment.pickup_until,
            self.page.paused_until,
        ];
        by_clock
            .into_iter()
            .flatten()
            .filter(|instant| *instant > at)
            .min()
    }

    /// The service date of an order that the shop is asked for at an instant; none when it takes none then.
    pub(crate) fn takes_at(&self, kind: FulfilmentKind, at: DateTime<Utc>) -> Option<NaiveDate> {
        let sells = self.page.stage == "live" && !self.is_paused(at);
        let hours = self.hours.as_ref().filter(|_| sells)?;
        let opening = hours.opening_at(self.zone, at)?;
        hours
            .takes_orders(self.zone, at, kind)
            .then_some(opening.service_date)
    }

    /// Whether it is open from one instant to another without closing between.
    pub(crate) fn is_open_until(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> bool {
        let hours = self.hours.as_ref();
        let closes = hours.and_then(|hours| hours.closes_at(self.zone, from));
        closes.is_some_and(|closes| to <= closes)
    }

    /// The present service date, or else the next.
    pub(crate) fn next_date(&self, at: DateTime<Utc>) -> Option<NaiveDate> {
        let hours = self.hours.as_ref()?;
        hours.service_date(self.zone, at).or_else(|| {
            let opens = hours.next_open(self.zone, at)?;
            hours.service_date(self.zone, opens)
        })
    }

    /// When a date begins where the shop is.
    pub(crate) fn midnight(&self, date: NaiveDate) -> DateTime<Utc> {
        self.zone
            .instant(date.and_time(NaiveTime::MIN), Edge::Opening)
    }

    /// How long the way takes to who fetches, or to the first zone that contains the place; to the nearest zone when no
    /// place is given. None when the shop does not deliver there.
    pub(crate) fn way(
        &self,
        kind: FulfilmentKind,
        place: Option<GeoPoint>,
        flags: &Flags,
    ) -> Option<Minutes> {
        let mut zones = self.zones.iter();
        match (kind, place) {
            (FulfilmentKind::Pickup, _) => Some(flags.pickup_travel),
            (FulfilmentKind::Delivery, Some(place)) => zones
                .find(|zone| zone.polygon.contains(place))
                .map(|zone| zone.minutes),
            (FulfilmentKind::Delivery, None) => zones.map(|zone| zone.minutes).min(),
        }
    }
}

impl ShopPages {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self {
            pool,
            shops: Versioned::new(PAGES_MAX),
            pages: Cache::new(PAGES_MAX),
        }
    }

    /// A shop; none when there is no such shop.
    ///
    /// # Errors
    /// When the view cannot be read.
    pub(crate) async fn shop(&self, id: Uuid) -> Result<Option<Arc<Entry<Shop>>>, ApiError> {
        self.shops.get(id, || load(&self.pool, id)).await
    }

    /// The page of a shop at an instant; none when there is no such shop.
    ///
    /// # Errors
    /// As [`ShopPages::shop`].
    pub(crate) async fn page(&self, id: Uuid, at: DateTime<Utc>) -> Result<Option<Page>, ApiError> {
        let Some(shop) = self.shop(id).await? else {
            return Ok(None);
        };
        if let Some(written) = self.pages.get(&id)
            && written.version == shop.sequence
            && written.until.is_none_or(|until| at < until)
        {
            return Ok(Some(written.page.clone()));
        }
        let moment = shop.value.moment(at);
        let until = shop.value.changes_after(at, &moment);
        let page = write(&shop, moment, until)?;
        let written = WrittenPage {
            version: shop.sequence,
            until,
            page: page.clone(),
        };
        self.pages.insert(id, Arc::new(written));
        Ok(Some(page))
    }

    /// Hears that a stream is visible up to a sequence.
    pub(crate) fn at_least(&self, kind: &str, id: Uuid, sequence: i64) {
        if kind == "restaurant.restaurant" {
            self.shops.at_least(id, sequence);
        }
    }

    /// Hears that anything may have changed.
    pub(crate) fn forget_all(&self) {
        self.shops.forget_all();
    }
}

/// The tag names the version and the end of the span: a page is written once for each.
fn write(shop: &Entry<Shop>, now: Moment, until: Option<DateTime<Utc>>) -> Result<Page, ApiError> {
    let page = ShopNow {
        shop: &shop.value.page,
        now,
    };
    let body = serde_json::to_vec(&page).map_err(ApiError::internal)?;
    let etag = match until {
        Some(until) => Etag::parts(shop.sequence, &[&until.timestamp().to_string()]),
        None => Etag::version(shop.sequence),
    };
    Ok(Page {
        etag,
        body: body.into(),
    })
}

#[tracing::instrument(name = "db.shop_page_read", skip_all, level = "debug")]
async fn load(pool: &PgPool, id: Uuid) -> Result<Option<(i64, Shop)>, ApiError> {
    let Some(page) = ShopPage::read(pool, id).await? else {
        return Ok(None);
    };
    Ok(Some((page.version, Shop::new(page)?)))
}

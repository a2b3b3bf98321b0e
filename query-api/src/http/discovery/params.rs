//! What may be asked of a search, and what is wrong with what was asked.

use chrono::{DateTime, Utc};
use domain::kernel::allergen::{Allergen, Diet};
use domain::kernel::collect::Collect;
use domain::kernel::fault::{Fault, Faults, Pointer};
use domain::kernel::money::Currency;
use infra::http::ApiError;
use infra::search_schema::{Dimension, Obstacles, stable_hash};
use utoipa::{IntoParams, ToSchema};

use super::cursor::SearchCursor;
use crate::http::paging::{PAGE_DEFAULT, limit_of};
use crate::http::place::PlaceParam;
use crate::search::{Facet, SearchIndex, SearchQuery, SearchText, Sort, search_text};

/// Radius when a place is given without one.
const RADIUS_DEFAULT_M: u32 = 5_000;
/// Nobody brings noodles further.
const RADIUS_MAX_M: u32 = 50_000;
/// Longest promise that can be asked for.
const MINUTES_MAX: u32 = 240;

/// What is searched.
#[derive(Clone, Debug, PartialEq, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchParams {
    /// Words in any of the menu's languages, as they are written or as they sound; all must be found.
    q: Option<String>,
    /// `lat,lon`.
    near: Option<PlaceParam>,
    /// Radius around `near`, 1 to 50,000 metres; 5,000 by default, none by default with `delivers`.
    radius_m: Option<u32>,
    /// Only shops with a delivery zone that has `near` in it.
    delivers: bool,
    /// Only shops that take orders now (`true`) or do not (`false`).
    open: Option<bool>,
    /// Any of these styles, with commas.
    style: Vec<String>,
    /// Any of these broth bases, with commas; finds dishes only.
    broth: Vec<String>,
    /// Any of `thin`, `medium`, `thick`, `extra_thick`, `kit`, with commas; finds dishes only.
    noodle: Vec<String>,
    /// Any of these ways of packing, with commas; finds dishes only.
    packaging: Vec<String>,
    /// Only dishes that can be ordered so that they fit all of these diets, with commas.
    #[param(value_type = Vec<String>)]
    diet: Vec<Diet>,
    /// Only dishes that can be had without any of these allergens, with commas. Traces and what nobody has
    /// declared count as contained.
    #[param(value_type = Vec<String>)]
    exclude_allergen: Vec<Allergen>,
    /// At most this price, in minor units of `currency`; finds dishes only.
    price_max: Option<i64>,
    /// ISO 4217 code: only dishes priced in it. Where prices are compared (`price_max`, `sort=price`) it may be
    /// left out with `near`, when everything there is priced in one currency.
    #[param(value_type = Option<String>)]
    currency: Option<Currency>,
    /// At the door at `near` within so many minutes if ordered now, 1 to 240.
    max_minutes: Option<u32>,
    /// `shop` or `dish`; both by default.
    kind: Option<SearchKind>,
    /// `relevance` (default), `distance`, `price` (of dishes) or `promise`.
    sort: SortParam,
    /// What is counted, with commas: `style`, `broth`, `noodle`, `packaging`, `diet`, `price`,
    /// `open`. By default
    /// the style.
    facets: Vec<String>,
    /// At most so many hits, 1 to 100.
    limit: u32,
    /// Where the page before ended; all else as it was there.
    #[param(value_type = Option<String>)]
    cursor: Option<SearchCursor>,
}

domain::collect_struct!(SearchParams {
    q, near, radius_m, delivers = false, open, style = Vec::new(), broth = Vec::new(),
    noodle = Vec::new(), packaging = Vec::new(), diet = Vec::new(), exclude_allergen = Vec::new(), price_max,
    currency, max_minutes, kind, sort = SortParam::Relevance, facets = vec!["style".to_owned()],
    limit = PAGE_DEFAULT, cursor,
});

/// What is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum SearchKind {
    /// Shops only.
    Shop,
    /// Dishes only.
    Dish,
}

/// How hits are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum SortParam {
    /// What fits best.
    Relevance,
    /// What is nearest to `near`.
    Distance,
    /// What costs least; finds dishes only.
    Price,
    /// What is soonest at the door at `near`.
    Promise,
}

impl Collect for SearchKind {
    fn collect(value: &serde_json::Value, at: &Pointer, faults: &mut Faults) -> Option<Self> {
        match value.as_str() {
            Some("shop") => Some(Self::Shop),
            Some("dish") => Some(Self::Dish),
            Some(_) | None => {
                faults.add("kind_unknown", at, "a kind is `shop` or `dish`");
                None
            }
        }
    }
}

impl Collect for SortParam {
    fn collect(value: &serde_json::Value, at: &Pointer, faults: &mut Faults) -> Option<Self> {
        match value.as_str() {
            Some("relevance") => Some(Self::Relevance),
            Some("distance") => Some(Self::Distance),
            Some("price") => Some(Self::Price),
            Some("promise") => Some(Self::Promise),
            Some(_) | None => {
                faults.add(
                    "sort_unknown",
                    at,
                    "sorted is by `relevance`, `distance`, `price` or `promise`",
                );
                None
            }
        }
    }
}

/// A text alone.
///
/// # Errors
/// 422 when it is too long.
pub(crate) fn text_of(text: &str) -> Result<SearchText, ApiError> {
    search_text(text).map_err(|error| {
        let mut found = Found::default();
        found.fault("text_too_long", "/q", error.to_string());
        ApiError::invalid(found.0)
    })
}

/// A query, and the hash that binds its cursors to it.
pub(crate) struct Asked {
    pub(crate) query: SearchQuery,
    pub(crate) search: u64,
    compares_prices: bool,
}

impl Asked {
    /// Compares prices in the currency of the place, where none was named.
    ///
    /// # Errors
    /// 422 when there are several; when the index cannot be read.
    pub(crate) fn in_one_currency(mut self, index: &SearchIndex) -> Result<Self, ApiError> {
        if !self.compares_prices || self.query.currency.is_some() {
            return Ok(self);
        }
        let mut there = index.currencies(&self.query)?.into_iter();
        self.query.currency = there.next();
        let others: Vec<String> = there.collect();
        if let (Some(first), false) = (&self.query.currency, others.is_empty()) {
            let mut found = Found::default();
            let detail = format!("there, prices are in {first} and {}", others.join(" and "));
            found.fault("currency_ambiguous", "/currency", detail);
            return Err(ApiError::invalid(found.0));
        }
        Ok(self)
    }
}

impl SearchParams {
    /// The query as of `now`.
    ///
    /// # Errors
    /// Every fault of what was asked.
    pub(crate) fn query(&self, now: DateTime<Utc>) -> Result<Asked, ApiError> {
        let mut found = Found::default();
        let text = search_text(self.q.as_deref().unwrap_or_default()).unwrap_or_else(|error| {
            found.fault("text_too_long", "/q", error.to_string());
            SearchText::default()
        });
        let limit = limit_of(self.limit).unwrap_or_else(|error| {
            found.0.extend(error.faults().iter().cloned());
            PAGE_DEFAULT
        });
        let search = self.hash();
        let (after, at) = match self.cursor.map(|cursor| cursor.open(search, now)) {
            None => (None, now),
            Some(Ok((position, at))) => (Some(position), at),
            Some(Err(fault)) => {
                found.0.push(fault);
                (None, now)
            }
        };
        self.check_place(&mut found);
        self.check_numbers(&mut found);
        if self.compares_prices() && self.currency.is_none() && self.near.is_none() {
            let detail = "prices are compared in one currency: name it, or a place".to_owned();
            found.fault("currency_missing", "/currency", detail);
        }
        let tags = self.tags(&mut found);
        let facets = self.facets(&mut found);
        if !found.0.is_empty() {
            return Err(ApiError::invalid(found.0));
        }
        let query = SearchQuery {
            text,
            begun: false,
            at,
            near: self.near.map(PlaceParam::point),
            radius_m: self.radius(),
            delivers: self.delivers,
            open: self.open,
            tags,
            avoid: Obstacles::any_of(self.exclude_allergen.iter().copied())
                .with(Obstacles::against(self.diet.iter().copied())),
            price_max: self.price_max,
            currency: self.currency.map(|currency| currency.to_string()),
            max_minutes: self.max_minutes,
            dishes: self.dishes(),
            sort: self.sort.into(),
            facets,
            limit: limit as usize,
            after,
        };
        Ok(Asked {
            query,
            search,
            compares_prices: self.compares_prices(),
        })
    }

    fn compares_prices(&self) -> bool {
        self.price_max.is_some() || self.sort == SortParam::Price
    }

    /// What a page and the next have in common.
    fn hash(&self) -> u64 {
        let same = Self {
            cursor: None,
            limit: PAGE_DEFAULT,
            facets: Vec::new(),
            ..self.clone()
        };
        stable_hash(&[format!("{same:?}").as_bytes()])
    }

    fn radius(&self) -> Option<u32> {
        let default = (!self.delivers).then_some(RADIUS_DEFAULT_M);
        self.near.and(self.radius_m.or(default))
    }

    fn dishes(&self) -> Option<bool> {
        let by_price = self.sort == SortParam::Price;
        let kind = self.kind.map(|kind| kind == SearchKind::Dish);
        kind.or(by_price.then_some(true))
    }

    fn check_place(&self, found: &mut Found) {
        if self
            .radius_m
            .is_some_and(|radius| !(1..=RADIUS_MAX_M).contains(&radius))
        {
            let detail = format!("a radius is 1 to {RADIUS_MAX_M} metres");
            found.fault("radius_out_of_range", "/radius_m", detail);
        }
        let by_place = matches!(self.sort, SortParam::Distance | SortParam::Promise);
        let asks = [
            (self.radius_m.is_some(), "a radius needs a place"),
            (self.delivers, "who delivers depends on the place"),
            (self.max_minutes.is_some(), "a promise depends on the place"),
            (by_place, "this order needs a place"),
        ];
        for (_, detail) in asks.iter().filter(|(asks, _)| *asks && self.near.is_none()) {
            found.fault("place_missing", "/near", (*detail).to_owned());
        }
    }

    fn check_numbers(&self, found: &mut Found) {
        if self.price_max.is_some_and(|price| price < 0) {
            let detail = "a price is not negative".to_owned();
            found.fault("price_out_of_range", "/price_max", detail);
        }
        if self
            .max_minutes
            .is_some_and(|minutes| !(1..=MINUTES_MAX).contains(&minutes))
        {
            let detail = format!("a promise is asked for within 1 to {MINUTES_MAX} minutes");
            found.fault("minutes_out_of_range", "/max_minutes", detail);
        }
    }

    fn tags(&self, found: &mut Found) -> Vec<(Dimension, Vec<String>)> {
        let asked = [
            (Dimension::Style, &self.style),
            (Dimension::Broth, &self.broth),
            (Dimension::Noodle, &self.noodle),
            (Dimension::Packaging, &self.packaging),
        ];
        for (dimension, values) in asked {
            let name = dimension.name();
            for (at, value) in values.iter().enumerate() {
                if dimension.code(value).is_none() {
                    let (code, pointer) = (format!("{name}_unknown"), format!("/{name}/{at}"));
                    found.fault(&code, &pointer, format!("{value} is no {name}"));
                }
            }
        }
        let given = asked.into_iter().filter(|(_, values)| !values.is_empty());
        given
            .map(|(dimension, values)| (dimension, values.clone()))
            .collect()
    }

    fn facets(&self, found: &mut Found) -> Vec<Facet> {
        let mut facets = Vec::new();
        for (at, name) in self.facets.iter().enumerate() {
            match Facet::ALL.into_iter().find(|facet| facet.name() == name) {
                Some(facet) if facets.contains(&facet) => {}
                Some(facet) => facets.push(facet),
                None => {
                    found.fault(
                        "facet_unknown",
                        &format!("/facets/{at}"),
                        format!("{name} is not counted"),
                    );
                }
            }
        }
        facets
    }
}

impl From<SortParam> for Sort {
    fn from(sort: SortParam) -> Self {
        match sort {
            SortParam::Relevance => Self::Relevance,
            SortParam::Distance => Self::Distance,
            SortParam::Price => Self::Price,
            SortParam::Promise => Self::Promise,
        }
    }
}

/// Faults of a request.
#[derive(Default)]
struct Found(Vec<Fault>);

impl Found {
    fn fault(&mut self, code: &str, pointer: &str, detail: String) {
        self.0.push(Fault {
            code: code.to_owned(),
            pointer: pointer.to_owned(),
            detail,
        });
    }
}

//! A shop is put into the books, by its owner or by our staff who import it.

use std::borrow::Cow;

use axum::extract::State;
use domain::aggregates::Restaurant;
use domain::decider::Fault;
use domain::kernel::address::Country;
use domain::kernel::bowl::Style;
use domain::kernel::geo::GeoPoint;
use domain::kernel::ids::{PrincipalId, RestaurantId};
use domain::kernel::money::Currency;
use domain::kernel::text::{Name, Wording};
use domain::kernel::time::TimeZone;
use domain::restaurant::restaurant::{Registration, RestaurantCommand, SourceRef};
use http::StatusCode;
use infra::http::policy::Role;
use infra::http::policy::action::RegisterRestaurant;
use infra::http::{ApiError, Idempotency, Json, Principal, RestaurantStaff};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::execute::{ExecuteError, Reply, Unit, Work};
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::Asked;
use crate::http::strict::Strict;

/// What a shop is and where.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RegisterRestaurantBody {
    /// The shop's id, when the caller must know it beforehand. An imported shop's is made of its
    /// source; any other is a fresh one.
    #[serde(default)]
    id: Option<RestaurantId>,
    /// Its name.
    #[schema(inline)]
    name: Name,
    /// Who owns it. Owners register for themselves; our staff may name somebody or nobody.
    #[serde(default)]
    owner: Option<PrincipalId>,
    /// Where its clock hangs.
    #[schema(value_type = String, example = "Asia/Tokyo")]
    time_zone: TimeZone,
    /// What it is paid in.
    #[schema(inline)]
    currency: Currency,
    /// Its country.
    #[schema(inline)]
    country: Country,
    /// Its city.
    #[schema(inline)]
    city: Name,
    /// Its address as people write it.
    #[schema(inline)]
    address_text: Wording,
    /// Its door.
    location: GeoPoint,
    /// What it is known for.
    styles: Vec<Style>,
    /// Where it was imported from.
    #[serde(default = "nowhere")]
    #[schema(value_type = Option<SourceRef>)]
    source: Strict<Option<SourceRef>>,
    /// Its public telephone, as it is written there.
    #[serde(default)]
    #[schema(inline)]
    phone: Option<Name>,
    /// Whether accepted orders are fired by themselves.
    #[serde(default)]
    auto_fire: bool,
}
domain::collect_struct!(RegisterRestaurantBody {
    id, name, owner, time_zone, currency, country, city, address_text, location, styles, source,
    phone, auto_fire = false
});

fn nowhere() -> Strict<Option<SourceRef>> {
    Strict(None)
}

/// Puts a shop into the books, as a draft. Repeating it with the same id and content changes nothing.
#[utoipa::path(
    post,
    path = "/v1/restaurants",
    request_body = RegisterRestaurantBody,
    responses((status = 201, description = "Registered.", body = Written), Refusals)
)]
pub(super) async fn register_restaurant(
    State(app): State<App>,
    by: RestaurantStaff<RegisterRestaurant>,
    key: Idempotency,
    Json(body): Json<RegisterRestaurantBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let id = body.registered_id()?;
    let owner = body.owner_for(&by.principal, id)?;
    let work = Register {
        body: &body,
        owner,
        id,
    };
    app.carry_out(&asked, &work).await
}

impl RegisterRestaurantBody {
    /// The id that the shop will have, when the request decides it.
    fn registered_id(&self) -> Result<Option<RestaurantId>, ApiError> {
        let Some(source) = &self.source.0 else {
            return Ok(self.id);
        };
        let imported = RestaurantId::imported(source.source.as_str(), source.source_id.as_str());
        if self.id.is_some_and(|id| id != imported) {
            let detail = format!("an imported shop's id is made of its source: {imported}");
            let (code, pointer) = ("id_not_of_source".to_owned(), "/id".to_owned());
            return Err(ApiError::invalid(vec![Fault {
                code,
                pointer,
                detail,
            }]));
        }
        Ok(Some(imported))
    }

    /// Who will own it. Owners register for themselves, and an id only when it is theirs: a shop is
    /// not taken by guessing the id that an import would give it.
    fn owner_for(
        &self,
        by: &Principal,
        id: Option<RestaurantId>,
    ) -> Result<Option<PrincipalId>, ApiError> {
        if by.role != Role::Owner {
            return Ok(self.owner);
        }
        let theirs = id.is_none_or(|id| by.restaurants.contains(&id));
        if theirs && self.owner.is_none_or(|owner| owner == by.id) {
            return Ok(Some(by.id));
        }
        Err(ApiError::new(StatusCode::FORBIDDEN, "not_yours")
            .with_detail("an owner registers shops of their own"))
    }

    fn registration(&self, id: RestaurantId, owner: Option<PrincipalId>) -> Registration {
        Registration {
            id,
            name: self.name.clone(),
            owner,
            time_zone: self.time_zone,
            currency: self.currency,
            country: self.country,
            city: self.city.clone(),
            address_text: self.address_text.clone(),
            location: self.location,
            styles: self.styles.clone(),
            source: self.source.0.clone(),
            phone: self.phone.clone(),
            auto_fire: self.auto_fire,
        }
    }
}

struct Register<'a> {
    body: &'a RegisterRestaurantBody,
    owner: Option<PrincipalId>,
    id: Option<RestaurantId>,
}

impl Work for Register<'_> {
    fn name(&self) -> Cow<'static, str> {
        "restaurant.restaurant.register".into()
    }

    async fn run(&self, unit: &mut Unit<'_>) -> Result<Reply, ExecuteError> {
        let shop = match self.id {
            Some(id) => unit.load::<Restaurant>(id.uuid()).await?,
            None => unit.create::<Restaurant>(unit.context.fresh_id()),
        };
        let id = RestaurantId::new(shop.stream.id);
        let registration = Box::new(self.body.registration(id, self.owner));
        unit.decide(&shop, RestaurantCommand::Register(registration))?;
        Ok(Written::created(id, "restaurants").tagged(shop.stream))
    }
}

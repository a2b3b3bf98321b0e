//! Somebody works at a shop.

use std::borrow::Cow;

use axum::extract::State;
use domain::aggregates::{Kind, Restaurant};
use domain::kernel::ids::{PrincipalId, RestaurantId, StaffId};
use domain::kernel::sealed::{Origin, Sealed};
use domain::kernel::text::Name;
use domain::restaurant::restaurant::{RestaurantCommand, StaffRole};
use infra::http::policy::Scope;
use infra::http::policy::action::AddStaff;
use infra::http::{ApiError, Idempotency, Json, Path, RestaurantStaff};
use infra::vault::Class;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::{Uuid, uuid};

use crate::app::App;
use crate::execute::{ExecuteError, Reply, Unit, Work};
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::Asked;
use crate::http::whose::only_theirs;

/// Names the people who work at shops, for the vault.
const STAFF_NAMESPACE: Uuid = uuid!("c1f9a7de-0d52-5b8e-9a63-7e0b6f4d2a11");

/// Who works at a shop.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AddStaffBody {
    /// An id of the shop's choice, which the person keeps.
    #[schema(inline)]
    id: StaffId,
    /// Their name.
    #[schema(inline)]
    name: Name,
    /// What they do.
    role: StaffRole,
    /// The account with which they sign in; none when they only use the shop's devices.
    #[serde(default)]
    #[schema(inline)]
    principal: Option<PrincipalId>,
}
domain::collect_struct!(AddStaffBody {
    id,
    name,
    role,
    principal
});

/// Enters somebody who works at the shop, or what is new about them. The name is sealed before anything keeps it.
#[utoipa::path(
    post,
    path = "/v1/restaurants/{restaurant_id}/staff",
    params(("restaurant_id" = uuid::Uuid, Path, description = "The shop")),
    request_body = AddStaffBody,
    responses(Committed, Refusals)
)]
pub(super) async fn add_staff(
    State(app): State<App>,
    by: RestaurantStaff<AddStaff>,
    Path(shop): Path<RestaurantId>,
    key: Idempotency,
    Json(body): Json<AddStaffBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let work = Enter {
        app: &app,
        scope: &by.scope,
        shop,
        body,
    };
    app.carry_out(&asked, &work).await
}

struct Enter<'a> {
    app: &'a App,
    scope: &'a Scope,
    shop: RestaurantId,
    body: AddStaffBody,
}

impl Work for Enter<'_> {
    fn name(&self) -> Cow<'static, str> {
        "restaurant.restaurant.add_staff".into()
    }

    async fn run(&self, unit: &mut Unit<'_>) -> Result<Reply, ExecuteError> {
        let shop = unit.load::<Restaurant>(self.shop.uuid()).await?;
        only_theirs(&shop, self.scope)?;
        let command = RestaurantCommand::AddStaff {
            staff: self.body.id,
            name: self.sealed_name(&shop.state).await?,
            role: self.body.role,
            principal: self.body.principal,
        };
        unit.decide(&shop, command)?;
        Ok(Written::reply(self.body.id).tagged(shop.stream))
    }
}

impl Enter<'_> {
    /// The name as it is kept already, or sealed now: sealed twice it would not look the same.
    async fn sealed_name(&self, shop: &Restaurant) -> Result<Sealed<Name>, ExecuteError> {
        let known = shop.shop().and_then(|shop| shop.staff.get(&self.body.id));
        if let Some(known) = known
            && self.app.vault.open(&known.name).await.ok().as_ref() == Some(&self.body.name)
        {
            return Ok(known.name.clone());
        }
        let origin = Origin {
            kind: Kind::Restaurant.as_str().to_owned(),
            id: self.shop.uuid(),
            field: "staff".to_owned(),
        };
        let vault = &self.app.vault;
        Ok(vault
            .seal(self.person(), Class::Identity, origin, &self.body.name)
            .await?)
    }

    /// The person as the vault knows them. The shop chooses the id of its staff, so it names nobody outside the shop.
    fn person(&self) -> Uuid {
        let name = format!("{}\n{}", self.shop, self.body.id);
        Uuid::new_v5(&STAFF_NAMESPACE, name.as_bytes())
    }
}

//! Somebody works at a shop.

use axum::extract::State;
use domain::aggregates::{Kind, Restaurant};
use domain::kernel::ids::{PrincipalId, RestaurantId, StaffId};
use domain::kernel::sealed::Origin;
use domain::kernel::text::Name;
use domain::restaurant::restaurant::{RestaurantCommand, StaffRole};
use infra::http::policy::action::AddStaff;
use infra::http::{ApiError, Idempotency, Json, Path, RestaurantStaff};
use infra::vault::Class;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn};

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
    let origin = Origin {
        kind: Kind::Restaurant.as_str().to_owned(),
        id: shop.uuid(),
        field: "staff".to_owned(),
    };
    let person = body.id.uuid();
    let name = app
        .vault
        .seal(person, Class::Identity, origin, &body.name)
        .await?;
    let command = RestaurantCommand::AddStaff {
        staff: body.id,
        name,
        role: body.role,
        principal: body.principal,
    };
    let builds_on = BuildsOn::Version(None);
    app.change::<Restaurant>(&asked, shop, builds_on, command, Written::reply(body.id))
        .await
}

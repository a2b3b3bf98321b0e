//! `GET /v1/restaurants/{id}/staff`: who works at a shop, and with which devices.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::kernel::ids::RestaurantId;
use domain::kernel::sealed::Sealed;
use domain::kernel::text::Name;
use infra::http::policy::{Subject, action};
use infra::http::{ApiError, Consistency, Json, Path, Problem, RestaurantStaff};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::error::db;
use crate::http::{json_of, private};
use crate::reveal::reveal_all;

/// Who works at a shop, and with what.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StaffPage {
    /// People, by id.
    staff: Vec<StaffLine>,
    /// Devices, by id.
    devices: Vec<DeviceLine>,
}

/// Somebody who works at a shop.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StaffLine {
    /// The id that the shop gave them.
    id: Uuid,
    /// Their name; none when it was erased.
    name: Option<String>,
    /// `manager`, `cook` or `counter`.
    role: String,
    /// The account with which they sign in.
    principal_id: Option<Uuid>,
}

/// A device of a shop.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeviceLine {
    /// Its id.
    id: Uuid,
    /// What the shop calls it.
    name: String,
    /// Whether it is heard: by heartbeats, or not for some minutes now.
    here: bool,
    /// Since when it is there, when it is; else when it was last heard, if ever: a heartbeat each minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    heard_at: Option<DateTime<Utc>>,
}

/// A sign of a device as the view keeps it.
#[derive(Deserialize)]
struct Sign {
    here: bool,
    at: DateTime<Utc>,
}

/// Somebody as the view keeps them.
#[derive(Deserialize)]
struct Kept {
    name: Sealed<Name>,
    role: String,
    principal: Option<Uuid>,
}

/// Reads who works at a shop, and with which devices.
#[utoipa::path(get, path = "/v1/restaurants/{restaurant_id}/staff", operation_id = "read_staff",
    tag = "restaurant",
    params(("restaurant_id" = Uuid, Path, description = "The shop.")),
    responses((status = 200, body = StaffPage), (status = "default", body = Problem)))]
pub(crate) async fn read_staff(
    State(app): State<App>,
    by: RestaurantStaff<action::ReadStaff>,
    Path(id): Path<RestaurantId>,
    consistency: Consistency,
) -> Result<Response, ApiError> {
    if !by.scope.covers(&Subject::of_restaurant(id)) {
        return Err(ApiError::not_found());
    }
    let seen = app.views_seen(&consistency).await?;
    let row = sqlx::query!(
        r#"SELECT staff::text AS "staff!", devices::text AS "devices!",
                  device_signs::text AS "device_signs!"
           FROM views.restaurants WHERE restaurant_id = $1"#,
        id.uuid()
    )
    .fetch_optional(app.pool())
    .await
    .map_err(db)?
    .ok_or_else(ApiError::not_found)?;
    let kept: BTreeMap<Uuid, Kept> = json_of(&row.staff)?;
    let devices: BTreeMap<Uuid, String> = json_of(&row.devices)?;
    let names: Vec<Sealed<Name>> = kept.values().map(|person| person.name.clone()).collect();
    let names = reveal_all(app.vault(), &names).await?;
    let staff = kept.into_iter().zip(names);
    let staff = staff
        .map(|((id, person), name)| StaffLine {
            id,
            name: name.map(|name| name.as_str().to_owned()),
            role: person.role,
            principal_id: person.principal,
        })
        .collect();
    let signs: BTreeMap<Uuid, Sign> = json_of(&row.device_signs)?;
    let devices = devices.into_iter();
    let devices = devices
        .map(|(id, name)| DeviceLine {
            id,
            name,
            here: signs.get(&id).is_some_and(|sign| sign.here),
            heard_at: signs.get(&id).map(|sign| sign.at),
        })
        .collect();
    let page = StaffPage { staff, devices };
    Ok(seen.mark(private(Json::<_>(page).into_response())))
}

//! Our staff give a delivery to a driver.

use std::borrow::Cow;

use axum::extract::State;
use domain::aggregates::{Delivery, Driver};
use domain::decider::{Class, Fault};
use domain::delivery::delivery::DeliveryCommand;
use domain::kernel::actor::Actor;
use domain::kernel::ids::{DeliveryId, DriverId, PrincipalId};
use infra::http::conditional::IfMatch;
use infra::http::policy::Scope;
use infra::http::policy::action::AssignDelivery;
use infra::http::{ApiError, Idempotency, Json, Ops, Path};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::execute::{ExecuteError, Refusal, Reply, Unit, Work};
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::Asked;
use crate::http::whose::only_theirs;

/// To whom.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AssignDeliveryBody {
    /// The driver.
    driver_id: DriverId,
}
domain::collect_struct!(AssignDeliveryBody { driver_id });

/// Gives a delivery to a driver, or to another one before it is picked up.
#[utoipa::path(
    post,
    path = "/v1/deliveries/{delivery_id}/assign",
    params(("delivery_id" = uuid::Uuid, Path, description = "The delivery")),
    request_body = AssignDeliveryBody,
    responses(Committed, Refusals)
)]
pub(super) async fn assign_delivery(
    State(app): State<App>,
    by: Ops<AssignDelivery>,
    Path(id): Path<DeliveryId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(body): Json<AssignDeliveryBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let (expected, driver, by_id) = (if_match.version()?, body.driver_id, by.principal.id);
    let work = Assign {
        id,
        scope: &by.scope,
        expected,
        driver,
        by: by_id,
    };
    app.carry_out(&asked, &work).await
}

struct Assign<'a> {
    id: DeliveryId,
    scope: &'a Scope,
    expected: Option<i64>,
    driver: DriverId,
    by: PrincipalId,
}

impl Work for Assign<'_> {
    fn name(&self) -> Cow<'static, str> {
        "delivery.delivery.assign".into()
    }

    async fn run(&self, unit: &mut Unit<'_>) -> Result<Reply, ExecuteError> {
        let delivery = unit.load::<Delivery>(self.id.uuid()).await?;
        only_theirs(&delivery, self.scope)?;
        unit.expect_version(&delivery, self.expected)?;
        let driver = unit.load::<Driver>(self.driver.uuid()).await?;
        if driver.state.body().is_none() {
            return Err(no_such_driver().into());
        }
        let command = DeliveryCommand::Assign {
            driver: self.driver,
            approved: driver.state.is_approved(),
            by: Actor::Ops { id: self.by },
        };
        unit.decide(&delivery, command)?;
        Ok(Written::reply(self.id).tagged(delivery.stream))
    }
}

fn no_such_driver() -> Refusal {
    let (code, detail) = (
        "driver_unknown".to_owned(),
        "there is no such driver".to_owned(),
    );
    let pointer = "/driver_id".to_owned();
    Refusal {
        class: Class::Unprocessable,
        code: code.clone(),
        detail: detail.clone(),
        faults: vec![Fault {
            code,
            pointer,
            detail,
        }],
        extra: serde_json::Map::new(),
    }
}

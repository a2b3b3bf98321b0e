//! A customer puts the note at the door and its pin right, until the bowl is there: the courier learns it in the same
//! commit.

use std::borrow::Cow;

use axum::extract::State;
use domain::aggregates::Order;
use domain::decider::Fault;
use domain::joint::correct_door::{DoorCorrection, DoorRequest, correct_door as decide, doors};
use domain::kernel::actor::Actor;
use domain::kernel::address::Address;
use domain::kernel::fault::Pointer;
use domain::kernel::geo::GeoPoint;
use domain::kernel::ids::{CustomerId, OrderId};
use domain::kernel::patch::Patch;
use domain::kernel::text::Note;
use infra::http::conditional::IfMatch;
use infra::http::policy::Scope;
use infra::http::policy::action::CorrectDoor;
use infra::http::{ApiError, Caller, Idempotency, Json, Path};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::execute::{ExecuteError, Refusal, Reply, Unit, Work};
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, customer_or_ops};
use crate::http::courier::last_delivery;
use crate::http::whose::only_theirs;

/// What is put right; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CorrectDoorBody {
    /// What the courier should know at the door; `null` takes it back.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 280)]
    door_note: Patch<Note>,
    /// The exact place of the door, at most 150 m (the flag `pin_correction`) from the one that was agreed.
    #[serde(default)]
    pin: Option<GeoPoint>,
}
domain::collect_struct!(CorrectDoorBody { door_note, pin });

/// Puts the note at the door and its pin right until the bowl is handed over. Zone, fee and lines stay as they were
/// agreed; another door is an amendment.
#[utoipa::path(
    patch,
    path = "/v1/orders/{order_id}/door",
    params(("order_id" = uuid::Uuid, Path, description = "The order")),
    request_body = CorrectDoorBody,
    responses(Committed, Refusals)
)]
pub(super) async fn correct_door(
    State(app): State<App>,
    by: Caller<CorrectDoor>,
    Path(order): Path<OrderId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(body): Json<CorrectDoorBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let work = Correct {
        app: &app,
        scope: &by.scope,
        order,
        expected: if_match.version()?,
        by: customer_or_ops(&by.principal)?,
        correction: body.correction()?,
    };
    app.carry_out(&asked, &work).await
}

impl CorrectDoorBody {
    /// Something is put right.
    fn correction(self) -> Result<DoorCorrection, ApiError> {
        if self.door_note == Patch::Keep && self.pin.is_none() {
            let detail = "name door_note, pin or both";
            let fault = Fault::new("nothing_corrected", &Pointer::root(), detail);
            return Err(ApiError::invalid(vec![fault]));
        }
        Ok(DoorCorrection {
            door_note: self.door_note,
            pin: self.pin,
        })
    }
}

struct Correct<'a> {
    app: &'a App,
    scope: &'a Scope,
    order: OrderId,
    expected: Option<i64>,
    by: Actor,
    correction: DoorCorrection,
}

impl Work for Correct<'_> {
    fn name(&self) -> Cow<'static, str> {
        "ordering.order.correct_door".into()
    }

    async fn run(&self, unit: &mut Unit<'_>) -> Result<Reply, ExecuteError> {
        let order = unit.load::<Order>(self.order.uuid()).await?;
        only_theirs(&order, self.scope)?;
        unit.expect_version(&order, self.expected)?;
        let reply = Written::reply(self.order).tagged(order.stream);
        let body = order.state.body().ok_or(ExecuteError::NotTheirs)?;
        let doors = doors(&order.state).map_err(|rejection| Refusal::from(&rejection))?;
        let known = self.app.vault.open(doors.known).await?;
        let Some(address) = self.correction.clone().of(&known) else {
            return Ok(reply);
        };
        let agreed = self.app.vault.open(doors.agreed).await?.pin;
        let request = self.request(body.terms.customer, &address, agreed).await?;
        let courier = last_delivery(unit, &order.state).await?;
        let last = courier.as_ref().map(|last| last.state.clone());
        let corrected = decide(
            &order.state,
            &last.unwrap_or_default(),
            request,
            &self.app.flags,
            &unit.context,
        )
        .map_err(|rejection| Refusal::from(&rejection))?;
        unit.write(&order, &corrected.order)?;
        if let Some(courier) = courier {
            unit.write(&courier, &corrected.delivery)?;
        }
        Ok(reply)
    }
}

impl Correct<'_> {
    async fn request(
        &self,
        customer: CustomerId,
        address: &Address,
        agreed: GeoPoint,
    ) -> Result<DoorRequest, ExecuteError> {
        let sealed = self
            .app
            .seal_for_order(customer, self.order, "address", address)
            .await?;
        Ok(DoorRequest {
            address: sealed,
            pin: address.pin,
            agreed,
            by: self.by.clone(),
        })
    }
}

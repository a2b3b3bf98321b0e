//! Our staff give an order a command of its shop or its courier: the tablet is broken, the phone is dead.

use std::borrow::Cow;

use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::aggregates::Order;
use domain::kernel::actor::Actor;
use domain::kernel::handover::{ProofMethod, UndeliverableReason};
use domain::kernel::ids::OrderId;
use domain::kernel::text::Reason;
use domain::ordering::line::BowlRef;
use domain::ordering::order::{By, OrderCommand};
use infra::http::conditional::IfMatch;
use infra::http::policy::Scope;
use infra::http::policy::action::ActOnBehalf;
use infra::http::{ApiError, Idempotency, Json, Ops, Path};
use serde::Deserialize;
use utoipa::ToSchema;

use super::accept_order::AcceptOrderBody;
use super::delay_order::DelayOrderBody;
use super::on_behalf::Behalf;
use super::reject_order::RejectOrderBody;
use crate::app::App;
use crate::execute::{ExecuteError, Reply, Unit, Work, name_of};
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::Asked;
use crate::http::whose::only_theirs;

/// What is done, and why.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ActOnBehalfBody {
    /// Why; kept with what is done.
    #[schema(inline)]
    reason: Reason,
    /// What is done.
    command: BehalfCommand,
}
domain::collect_struct!(ActOnBehalfBody { reason, command });

/// What a shop or a courier can do to an order.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum BehalfCommand {
    /// Takes it.
    Accept(AcceptOrderBody),
    /// Turns it down.
    Reject(RejectOrderBody),
    /// Moves its promise.
    Delay(DelayOrderBody),
    /// Begins to cook.
    Fire(Nothing),
    /// A bowl's noodles are out of the water.
    Boiled(BowlRef),
    /// A bowl is closed.
    Sealed(BowlRef),
    /// Everything is packed.
    Ready(Nothing),
    /// The customer has fetched it.
    Collect(Nothing),
    /// Nobody came for it.
    NotCollected(Nothing),
    /// A device has shown it.
    Acknowledge(Nothing),
    /// A courier has it.
    PickedUp(Nothing),
    /// It is at the door.
    Delivered(Proved),
    /// It could not be handed over.
    Undeliverable(Failed),
}
infra::collect_tagged!(BehalfCommand {
    "accept" => Accept(AcceptOrderBody),
    "reject" => Reject(RejectOrderBody),
    "delay" => Delay(DelayOrderBody),
    "fire" => Fire(Nothing),
    "boiled" => Boiled(BowlRef),
    "sealed" => Sealed(BowlRef),
    "ready" => Ready(Nothing),
    "collect" => Collect(Nothing),
    "not_collected" => NotCollected(Nothing),
    "acknowledge" => Acknowledge(Nothing),
    "picked_up" => PickedUp(Nothing),
    "delivered" => Delivered(Proved),
    "undeliverable" => Undeliverable(Failed),
});

/// Nothing more to say.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

impl domain::kernel::collect::Collect for Nothing {
    fn collect(
        value: &serde_json::Value,
        at: &domain::kernel::fault::Pointer,
        faults: &mut domain::kernel::fault::Faults,
    ) -> Option<Self> {
        domain::kernel::collect::object(value, &[], at, faults).map(|_| Self {})
    }
}

/// How a handover was proved.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Proved {
    /// How.
    proof: ProofMethod,
}
domain::collect_struct!(Proved { proof });

/// Why nothing was handed over.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Failed {
    /// Why.
    reason: UndeliverableReason,
}
domain::collect_struct!(Failed { reason });

impl BehalfCommand {
    /// What is asked of the order, and in whose place.
    fn command(self, at: DateTime<Utc>) -> (OrderCommand, By) {
        let shop = |command| (command, By::Shop);
        let courier = |command| (command, By::Driver);
        match self {
            Self::Accept(body) => shop(body.command()),
            Self::Reject(body) => shop(body.command()),
            Self::Delay(body) => shop(body.command()),
            Self::Fire(_) => shop(OrderCommand::Fire { automatic: false }),
            Self::Boiled(BowlRef { line, bowl }) => shop(OrderCommand::BowlBoiled { line, bowl }),
            Self::Sealed(BowlRef { line, bowl }) => shop(OrderCommand::BowlSealed { line, bowl }),
            Self::Ready(_) => shop(OrderCommand::Ready),
            Self::Collect(_) => shop(OrderCommand::Collect),
            Self::NotCollected(_) => shop(OrderCommand::NotCollected),
            Self::Acknowledge(_) => shop(OrderCommand::Acknowledge { device: None }),
            Self::PickedUp(_) => courier(OrderCommand::RecordPickedUp { driver: None, at }),
            Self::Delivered(Proved { proof }) => {
                courier(OrderCommand::RecordDelivered { proof, at })
            }
            Self::Undeliverable(Failed { reason }) => {
                courier(OrderCommand::RecordUndeliverable { reason, at })
            }
        }
    }
}

/// Does what the shop or the courier of an order should have done.
#[utoipa::path(
    post,
    path = "/v1/orders/{order_id}/on-behalf",
    params(("order_id" = uuid::Uuid, Path, description = "The order")),
    request_body = ActOnBehalfBody,
    responses(Committed, Refusals)
)]
pub(super) async fn act_on_behalf(
    State(app): State<App>,
    by: Ops<ActOnBehalf>,
    Path(order): Path<OrderId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(ActOnBehalfBody { reason, command }): Json<ActOnBehalfBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let (command, of) = command.command(app.clock.now());
    let work = InTheirPlace {
        scope: &by.scope,
        order,
        expected: if_match.version()?,
        behalf: Behalf {
            by: Actor::Ops {
                id: by.principal.id,
            },
            of,
            reason,
        },
        command,
    };
    app.carry_out(&asked, &work).await
}

struct InTheirPlace<'a> {
    scope: &'a Scope,
    order: OrderId,
    expected: Option<i64>,
    behalf: Behalf,
    command: OrderCommand,
}

impl Work for InTheirPlace<'_> {
    fn name(&self) -> Cow<'static, str> {
        name_of::<Order>(&self.command)
    }

    async fn run(&self, unit: &mut Unit<'_>) -> Result<Reply, ExecuteError> {
        let order = unit.load::<Order>(self.order.uuid()).await?;
        only_theirs(&order, self.scope)?;
        unit.expect_version(&order, self.expected)?;
        let after = unit.decide(&order, self.command.clone())?;
        self.behalf.note(unit, &order, &after)?;
        Ok(Written::reply(self.order).tagged(order.stream))
    }
}

//! Our staff give one command to many orders: those of a shop that burns, those that got stuck. Each order
//! decides for itself, in a commit of its own, and the answer says what each has decided.
//!
//! Which orders is said by their ids, at most 500: the read side finds them (`GET /v1/ops/orders`), for the
//! write side reads no views. A rehearsal asks the same aggregates and commits nothing.

use aws_lc_rs::digest;
use axum::extract::State;
use domain::aggregates::Order;
use domain::decider::{Decider as _, Event};
use domain::kernel::actor::Actor;
use domain::kernel::collect::Collect;
use domain::kernel::fault::{Fault, Faults, Pointer};
use domain::kernel::ids::OrderId;
use domain::kernel::text::Reason;
use domain::ordering::order::{FaultParty, OrderCommand};
use futures::FutureExt as _;
use futures::stream::{self, StreamExt as _};
use infra::http::policy::action::ActOnOrders;
use infra::http::{ApiError, IdempotencyRequired, Json, Ops, idempotency};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::execute::Refusal;
use crate::http::answer::{Refusals, Written};
use crate::http::asked::{Asked, BuildsOn};

/// Orders in one request.
const ORDERS_MAX: usize = 500;
/// Orders that decide at the same time: they share commits, and leave room for others.
const AT_ONCE: usize = 8;

/// What is to be done to which orders.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ActOnOrdersBody {
    /// The orders, 1 to 500, each once.
    #[schema(value_type = Vec<Uuid>)]
    orders: Vec<OrderId>,
    /// What is to be done.
    command: BulkCommand,
    /// Why; kept with each order.
    #[schema(inline)]
    reason: Reason,
    /// Whose fault it is; the platform's unless somebody says otherwise.
    #[serde(default)]
    fault: Option<FaultParty>,
    /// Only say what each order would decide.
    #[serde(default)]
    dry_run: bool,
}
domain::collect_struct!(ActOnOrdersBody {
    orders,
    command,
    reason,
    fault,
    dry_run = false
});

/// What can be done to many orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum BulkCommand {
    /// Calls them off.
    Cancel,
}

impl Collect for BulkCommand {
    fn collect(value: &Value, at: &Pointer, faults: &mut Faults) -> Option<Self> {
        let read = Self::deserialize(value).ok();
        if read.is_none() {
            faults.add("command_unknown", at, "must be cancel");
        }
        read
    }
}

/// What became of each order.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ActedOnOrders {
    /// Whether nothing was done.
    dry_run: bool,
    /// Orders that did it, or would.
    done: usize,
    /// Each order, as they were named.
    orders: Vec<ActedOn>,
}

/// What became of an order.
#[derive(Debug, Serialize, ToSchema)]
struct ActedOn {
    /// The order.
    order: Uuid,
    /// What it decided.
    outcome: Outcome,
    /// The events that follow; those of an order that is done already are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    events: Vec<&'static str>,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// The same for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// What an order decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// It is done, now or by an earlier request with this key.
    Done,
    /// It would be done.
    WouldDo,
    /// The order refuses.
    Refused,
    /// It is not known whether it is done: repeat the request with its key.
    Unknown,
}

/// Gives one command to many orders. A repeat with the same key goes on where the first one ended.
#[utoipa::path(
    post,
    path = "/v1/ops/orders/bulk",
    request_body = ActOnOrdersBody,
    responses((status = 200, description = "What each order has decided.", body = ActedOnOrders), Refusals)
)]
pub(super) async fn act_on_orders(
    State(app): State<App>,
    by: Ops<ActOnOrders>,
    key: IdempotencyRequired,
    Json(body): Json<ActOnOrdersBody>,
) -> Result<Json<ActedOnOrders>, ApiError> {
    check_orders(&body.orders)?;
    let key = key.key();
    let decisions: Vec<_> = body
        .orders
        .iter()
        .map(|id| decide(&app, &by, &key, &body, *id).boxed())
        .collect();
    let decided: Vec<Result<ActedOn, ApiError>> =
        stream::iter(decisions).buffered(AT_ONCE).collect().await;
    let orders = decided.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(Json(ActedOnOrders {
        dry_run: body.dry_run,
        done: orders
            .iter()
            .filter(|order| [Outcome::Done, Outcome::WouldDo].contains(&order.outcome))
            .count(),
        orders,
    }))
}

async fn decide(
    app: &App,
    by: &Ops<ActOnOrders>,
    key: &idempotency::Key,
    body: &ActOnOrdersBody,
    id: OrderId,
) -> Result<ActedOn, ApiError> {
    let command = command_of(
        body,
        Actor::Ops {
            id: by.principal.id,
        },
    );
    if body.dry_run {
        return rehearse(app, id, command).await;
    }
    let asked = Asked::new(by, Some(key_of(key, id)));
    Ok(act(app, &asked, id, command).await)
}

fn check_orders(orders: &[OrderId]) -> Result<(), ApiError> {
    let fault = |code: &str, pointer: String, detail: String| Fault {
        code: code.to_owned(),
        pointer,
        detail,
    };
    let mut faults = Vec::new();
    if orders.is_empty() || orders.len() > ORDERS_MAX {
        let detail = format!("1 to {ORDERS_MAX} orders");
        faults.push(fault("orders_out_of_range", "/orders".to_owned(), detail));
    }
    let mut seen = std::collections::HashSet::new();
    for (index, order) in orders.iter().enumerate() {
        if !seen.insert(order.uuid()) {
            let detail = "this order is named twice".to_owned();
            faults.push(fault("order_repeated", format!("/orders/{index}"), detail));
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        faults.truncate(infra::limits::FAULTS_MAX);
        Err(ApiError::invalid(faults))
    }
}

fn command_of(body: &ActOnOrdersBody, by: Actor) -> OrderCommand {
    match body.command {
        BulkCommand::Cancel => OrderCommand::Cancel {
            by,
            reason: body.reason.clone(),
            fault: body.fault.unwrap_or(FaultParty::Platform),
        },
    }
}

/// The key of one order's part: whoever repeats the request repeats each part, and each once.
fn key_of(key: &idempotency::Key, order: OrderId) -> idempotency::Key {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(&key.hash);
    context.update(order.uuid().as_bytes());
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    idempotency::Key {
        hash,
        fingerprint: key.fingerprint,
    }
}

/// What the order would decide, as it stands.
async fn rehearse(app: &App, id: OrderId, command: OrderCommand) -> Result<ActedOn, ApiError> {
    let order = app.executor.current::<Order>(id.uuid()).await;
    let order = order.map_err(crate::execute::ExecuteError::from)?;
    if !order.exists() {
        return Ok(ActedOn::refused(id, "not_found", "there is no such order"));
    }
    Ok(match order.state.decide(command, &app.clock.context()) {
        Ok(events) => ActedOn {
            events: events.iter().map(Event::name).collect(),
            ..ActedOn::of(id, Outcome::WouldDo)
        },
        Err(rejection) => {
            let refusal = Refusal::from(&rejection);
            ActedOn::refused(id, &refusal.code, &refusal.detail)
        }
    })
}

/// Has the order decide. Whatever goes wrong concerns this order alone.
async fn act(app: &App, asked: &Asked<'_>, id: OrderId, command: OrderCommand) -> ActedOn {
    let builds_on = BuildsOn::Version(None);
    let reply = Written::reply(id);
    let done = app
        .change::<Order>(asked, id, builds_on, command, reply)
        .await;
    match done {
        Ok(committed) if committed.0.status < 300 => ActedOn::of(id, Outcome::Done),
        // The stored refusal of an earlier request.
        Ok(committed) => {
            let problem: Value = serde_json::from_str(&committed.0.body).unwrap_or_default();
            let text = |member: &str| problem[member].as_str().unwrap_or_default().to_owned();
            ActedOn::refused(id, &text("code"), &text("detail"))
        }
        Err(error) if error.status().is_client_error() => {
            let detail = error.problem().detail.unwrap_or_default();
            ActedOn::refused(id, error.code(), &detail)
        }
        Err(error) => {
            tracing::warn!(order = %id.uuid(), %error, "one of many orders is not known to have decided");
            ActedOn::of(id, Outcome::Unknown)
        }
    }
}

impl ActedOn {
    fn of(order: OrderId, outcome: Outcome) -> Self {
        Self {
            order: order.uuid(),
            outcome,
            events: Vec::new(),
            code: None,
            detail: None,
        }
    }

    fn refused(order: OrderId, code: &str, detail: &str) -> Self {
        Self {
            code: Some(code.to_owned()),
            detail: Some(detail.to_owned()),
            ..Self::of(order, Outcome::Refused)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> idempotency::Key {
        idempotency::Key {
            hash: [byte; 32],
            fingerprint: [9; 32],
        }
    }

    #[test]
    fn each_order_has_a_key_of_its_own_under_each_request() {
        let [one, two] = [1, 2].map(|n| OrderId::from(Uuid::from_u128(n)));
        let keys = [(1, one), (1, two), (2, one), (2, two)].map(|(k, id)| key_of(&key(k), id).hash);
        let different: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(different.len(), 4);
        assert_eq!(key_of(&key(1), one).hash, keys[0]);
    }

    #[test]
    fn none_too_many_and_twice_are_refused() {
        let ids = |count: u128| -> Vec<OrderId> {
            (0..count)
                .map(|n| OrderId::from(Uuid::from_u128(n)))
                .collect()
        };
        assert!(check_orders(&ids(500)).is_ok());
        assert_eq!(check_orders(&[]).unwrap_err().faults().len(), 1);
        assert_eq!(check_orders(&ids(501)).unwrap_err().faults().len(), 1);
        let mut twice = ids(2);
        twice.extend(ids(2));
        let error = check_orders(&twice).unwrap_err();
        let pointers: Vec<&str> = error
            .faults()
            .iter()
            .map(|fault| fault.pointer.as_str())
            .collect();
        assert_eq!(pointers, ["/orders/2", "/orders/3"]);
    }
}

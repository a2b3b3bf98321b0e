//! Our staff have bowls of an order made again, or offer that to the customer.

use axum::extract::State;
use domain::aggregates::Order;
use domain::joint::remake::Again;
use domain::kernel::actor::Actor;
use domain::kernel::ids::OrderId;
use domain::kernel::text::Reason;
use domain::ordering::line::BowlRef;
use domain::ordering::order::{FaultParty, OrderCommand};
use infra::http::policy::action::RemakeOrder;
use infra::http::{ApiError, IdempotencyRequired, Json, Ops, Path};
use serde::Deserialize;
use utoipa::ToSchema;

use super::remaking::{MakeAgain, RemadeAnswer};
use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn};

/// What is made again, and at whose cost.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RemakeOrderBody {
    /// Which bowls, or pieces of a line; each is made again once.
    bowls: Vec<BowlRef>,
    /// Why.
    #[schema(inline)]
    reason: Reason,
    /// Who pays for it; not the customer.
    fault: FaultParty,
    /// Asks the customer first, who has ten minutes to accept or decline.
    #[serde(default)]
    ask: bool,
}
domain::collect_struct!(RemakeOrderBody {
    bowls,
    reason,
    fault,
    ask = false
});

/// Makes bowls of an order again in a new one, which is linked to the first, costs the customer nothing and goes to the
/// shop at once; or offers that.
#[utoipa::path(
    post,
    path = "/v1/orders/{order_id}/remake",
    params(("order_id" = uuid::Uuid, Path, description = "The order")),
    request_body = RemakeOrderBody,
    responses(
        (status = 200, description = "Offered.", body = Written),
        (status = 201, description = "The order in which it is made again.", body = RemadeAnswer),
        Refusals
    )
)]
pub(super) async fn remake_order(
    State(app): State<App>,
    by: Ops<RemakeOrder>,
    Path(order): Path<OrderId>,
    key: IdempotencyRequired,
    Json(body): Json<RemakeOrderBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, Some(key.key()));
    let RemakeOrderBody {
        bowls,
        reason,
        fault,
        ask,
    } = body;
    if ask {
        let now = app.clock.context();
        let offer = OrderCommand::OfferRemake {
            offer: now.fresh_id(),
            bowls,
            reason,
            fault,
            answer_by: now.now + app.flags.remake_answer.span(),
        };
        let any = BuildsOn::Version(None);
        return app
            .change::<Order>(&asked, order, any, offer, Written::reply(order))
            .await;
    }
    let again = Again {
        bowls,
        reason,
        fault,
    };
    let work = MakeAgain {
        scope: &by.scope,
        flags: &app.flags,
        of: order,
        by: Actor::Ops {
            id: by.principal.id,
        },
        bowls: Some(again),
        shop_stock: app.stock_of(order).await?,
    };
    app.carry_out(&asked, &work).await
}

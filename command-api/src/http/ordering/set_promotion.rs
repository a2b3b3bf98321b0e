//! A customer names a promotion by its code.

use std::borrow::Cow;

use axum::extract::State;
use domain::aggregates::{Cart, Promotion};
use domain::decider::{Class, Fault};
use domain::kernel::code::PromotionCode;
use domain::kernel::ids::{CartId, RestaurantId};
use domain::ordering::cart::{CartCommand, CartPromotion};
use domain::restaurant::promotion::{Inapplicable, Issuer};
use infra::http::conditional::IfMatch;
use infra::http::policy::Scope;
use infra::http::policy::action::SetPromotion;
use infra::http::{ApiError, Idempotency, Json, Path, Shopper};
use serde::Deserialize;
use utoipa::ToSchema;

use super::cart_answer::CartAnswer;
use crate::app::App;
use crate::execute::{ExecuteError, Refusal, Reply, Unit, Work};
use crate::http::answer::{Committed, Refusals, json_of};
use crate::http::asked::Asked;
use crate::http::whose::only_theirs;

/// A promotion's code.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetPromotionBody {
    /// As the customer types it; `null` takes the cart's promotion back.
    #[serde(default)]
    #[schema(inline)]
    code: Option<PromotionCode>,
}
domain::collect_struct!(SetPromotionBody { code });

/// Names the promotion of a cart, by its code. The answer's quote says what it takes off, or its
/// refusals why it does not hold.
#[utoipa::path(
    put,
    path = "/v1/carts/{cart_id}/promotion",
    params(("cart_id" = uuid::Uuid, Path, description = "The cart")),
    request_body = SetPromotionBody,
    responses((status = 200, description = "Set.", body = CartAnswer), Refusals)
)]
pub(super) async fn set_promotion(
    State(app): State<App>,
    by: Shopper<SetPromotion>,
    Path(id): Path<CartId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(SetPromotionBody { code }): Json<SetPromotionBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let work = NamePromotion {
        app: &app,
        scope: &by.scope,
        id,
        expected: if_match.version()?,
        code,
    };
    app.carry_out(&asked, &work).await
}

struct NamePromotion<'a> {
    app: &'a App,
    scope: &'a Scope,
    id: CartId,
    expected: Option<i64>,
    code: Option<PromotionCode>,
}

impl Work for NamePromotion<'_> {
    fn name(&self) -> Cow<'static, str> {
        "ordering.cart.set_promotion".into()
    }

    async fn run(&self, unit: &mut Unit<'_>) -> Result<Reply, ExecuteError> {
        let cart = unit.load::<Cart>(self.id.uuid()).await?;
        only_theirs(&cart, self.scope)?;
        unit.expect_version(&cart, self.expected)?;
        let body = cart.state.body().ok_or(ExecuteError::NotTheirs)?;
        unit.belongs_to(self.id);
        let promotion = match &self.code {
            Some(code) => Some(self.app.promotion_of(body.restaurant, code).await?),
            None => None,
        };
        let after = unit.decide(&cart, CartCommand::SetPromotion { promotion })?;
        let answer = self.app.cart_answer(&after, None, unit.context.now).await?;
        Ok(Reply::ok(json_of(&answer)).tagged(after.stream))
    }
}

impl App {
    /// The promotion with this code: the shop's, or else the platform's. A code names its stream, so
    /// there is nothing to look it up in.
    async fn promotion_of(
        &self,
        restaurant: RestaurantId,
        code: &PromotionCode,
    ) -> Result<CartPromotion, ExecuteError> {
        for issuer in [Issuer::Shop { restaurant }, Issuer::Platform] {
            let id = issuer.promotion(code);
            let loaded = self.executor.store().load::<Promotion>(id.uuid()).await?;
            if loaded.exists()
                || self
                    .executor
                    .current::<Promotion>(id.uuid())
                    .await?
                    .exists()
            {
                let code = code.clone();
                return Ok(CartPromotion { id, code });
            }
        }
        Err(no_such_promotion().into())
    }
}

fn no_such_promotion() -> Refusal {
    let why = Inapplicable::Unknown;
    let (code, detail) = (why.code().to_owned(), why.to_string());
    let fault = Fault {
        code: code.clone(),
        pointer: "/code".to_owned(),
        detail: detail.clone(),
    };
    Refusal {
        class: Class::Unprocessable,
        code,
        detail,
        faults: vec![fault],
        extra: serde_json::Map::new(),
    }
}

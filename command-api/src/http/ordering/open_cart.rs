//! A customer opens a cart at a shop.

use std::borrow::Cow;

use axum::extract::State;
use domain::aggregates::{Cart, Restaurant};
use domain::decider::{Class, Fault};
use domain::kernel::actor::Channel;
use domain::kernel::ids::{CustomerId, RestaurantId};
use domain::ordering::cart::CartCommand;
use infra::http::policy::action::OpenCart;
use infra::http::{ApiError, Customer, Idempotency, Json};
use serde::Deserialize;
use utoipa::ToSchema;

use super::cart_answer::CartAnswer;
use crate::app::App;
use crate::execute::{ExecuteError, Refusal, Reply, Unit, Work};
use crate::http::answer::{Committed, Refusals, json_of};
use crate::http::asked::Asked;

/// At which shop.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OpenCartBody {
    /// The shop; a cart never changes it.
    restaurant_id: RestaurantId,
    /// Where the order comes in; the app when absent.
    #[serde(default = "app_channel")]
    channel: Channel,
}
domain::collect_struct!(OpenCartBody { restaurant_id, channel = app_channel() });

fn app_channel() -> Channel {
    Channel::App
}

/// Opens an empty cart.
#[utoipa::path(
    post,
    path = "/v1/carts",
    request_body = OpenCartBody,
    responses((status = 201, description = "Opened.", body = CartAnswer), Refusals)
)]
pub(super) async fn open_cart(
    State(app): State<App>,
    by: Customer<OpenCart>,
    key: Idempotency,
    Json(body): Json<OpenCartBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    app.carry_out(
        &asked,
        &Open {
            app: &app,
            customer: by.id,
            body,
        },
    )
    .await
}

struct Open<'a> {
    app: &'a App,
    customer: CustomerId,
    body: OpenCartBody,
}

impl Work for Open<'_> {
    fn name(&self) -> Cow<'static, str> {
        "ordering.cart.open".into()
    }

    async fn run(&self, unit: &mut Unit<'_>) -> Result<Reply, ExecuteError> {
        let OpenCartBody {
            restaurant_id: restaurant,
            channel,
        } = self.body;
        let shop = unit.load::<Restaurant>(restaurant.uuid()).await?;
        if shop.state.id().is_none() {
            return Err(no_such_shop().into());
        }
        let cart = unit.create::<Cart>(unit.context.fresh_id());
        unit.belongs_to(cart.stream.id);
        let open = CartCommand::Open {
            customer: self.customer,
            restaurant,
            channel,
        };
        let after = unit.decide(&cart, open)?;
        let answer = self.app.cart_answer(&after, None, unit.context.now).await?;
        let location = format!("/v1/carts/{}", after.stream.id);
        Ok(Reply::created(with_id(&answer, &after.stream.id), location).tagged(after.stream))
    }
}

/// The answer, also with the plain `id` that every creation gives.
fn with_id(answer: &CartAnswer, id: &uuid::Uuid) -> serde_json::Value {
    let mut body = json_of(answer);
    body["id"] = json_of(id);
    body
}

fn no_such_shop() -> Refusal {
    let (code, detail) = (
        "restaurant_unknown".to_owned(),
        "there is no such shop".to_owned(),
    );
    let pointer = "/restaurant_id".to_owned();
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

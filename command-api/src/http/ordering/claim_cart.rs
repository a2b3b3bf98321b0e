//! Somebody who has signed in takes over the cart that they filled as a guest: what it holds goes into their own cart at
//! that shop, which they may have had before, and the guest's cart ends.

use std::borrow::Cow;
use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use domain::aggregates::Cart;
use domain::decider::{Class, Fault};
use domain::kernel::ids::{CartId, CustomerId};
use domain::kernel::sealed::Sealed;
use domain::kernel::text::Note;
use domain::ordering::cart::{CartBody, CartCommand};
use domain::ordering::fulfilment::Fulfilment;
use domain::ordering::line::LineChoice;
use infra::event_store::Loaded;
use infra::http::policy::action::ClaimCart;
use infra::http::policy::{Role, Scope};
use infra::http::{ApiError, Customer, Edge, Idempotency, Json, Path};
use infra::vault::VaultError;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use super::cart_answer::CartAnswer;
use super::open_cart::OpenedCart;
use crate::app::App;
use crate::execute::{ExecuteError, Refusal, Reply, Unit, Work};
use crate::http::answer::{Committed, Refusals, json_of};
use crate::http::asked::Asked;
use crate::http::whose::only_theirs;

/// Shows that the caller is the guest.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ClaimCartBody {
    /// The token with which the cart was filled.
    cart_token: String,
}
domain::collect_struct!(ClaimCartBody { cart_token });

/// Takes a guest's cart over. Its lines are added to the customer's open cart at that shop; where that says nothing of
/// fulfilment, promotion and tip, they come along. Answers the customer's cart; asked again, the same.
#[utoipa::path(
    post,
    path = "/v1/carts/{cart_id}/claim",
    params(("cart_id" = uuid::Uuid, Path, description = "The guest's cart")),
    request_body = ClaimCartBody,
    responses((status = 200, description = "The customer's cart.", body = CartAnswer), Refusals)
)]
pub(super) async fn claim_cart(
    State(app): State<App>,
    by: Customer<ClaimCart>,
    Path(id): Path<CartId>,
    key: Idempotency,
    Extension(edge): Extension<Arc<Edge>>,
    Json(body): Json<ClaimCartBody>,
) -> Result<Committed, ApiError> {
    let guest = edge.tokens.read(&body.cart_token).ok();
    let guest = guest
        .filter(|guest| guest.role == Role::Guest)
        .ok_or_else(|| ApiError::from(ExecuteError::from(no_cart_token())))?;
    let asked = Asked::new(&by, key.key());
    let work = Claim {
        app: &app,
        guest: CustomerId::from(guest.id),
        customer: by.id,
        scope: &by.scope,
        id,
    };
    app.carry_out(&asked, &work).await
}

struct Claim<'a> {
    app: &'a App,
    guest: CustomerId,
    customer: CustomerId,
    scope: &'a Scope,
    id: CartId,
}

impl Work for Claim<'_> {
    fn name(&self) -> Cow<'static, str> {
        "ordering.cart.claim".into()
    }

    async fn run(&self, unit: &mut Unit<'_>) -> Result<Reply, ExecuteError> {
        let theirs = unit.load::<Cart>(self.id.uuid()).await?;
        only_theirs(&theirs, &Scope::Own(self.guest))?;
        let own = match &*theirs.state {
            Cart::Claimed { customer, cart, .. } if *customer == self.customer => {
                unit.load::<Cart>(cart.uuid()).await?
            }
            Cart::Absent
            | Cart::Open(_)
            | Cart::CheckedOut { .. }
            | Cart::Claimed { .. }
            | Cart::Abandoned(_) => self.take(unit, &theirs).await?,
        };
        let answer = self.app.cart_answer(&own, None, unit.context.now).await?;
        Ok(Reply::ok(json_of(&answer)).tagged(own.stream))
    }
}

impl Claim<'_> {
    /// Moves what the guest chose into the customer's own cart, which this gives.
    async fn take(
        &self,
        unit: &mut Unit<'_>,
        theirs: &Loaded<Cart>,
    ) -> Result<Loaded<Cart>, ExecuteError> {
        let body = theirs.state.body().ok_or(ExecuteError::NotTheirs)?;
        let OpenedCart { cart: mut own, .. } = self
            .app
            .open_cart_of(unit, self.customer, body.restaurant, body.channel)
            .await?;
        let cart = CartId::new(own.stream.id);
        unit.belongs_to(cart);
        // The end of the guest's cart is decided first: one that has expired is refused as such.
        let customer = self.customer;
        unit.decide(theirs, CartCommand::Claim { customer, cart })?;
        for command in self.moves(body, cart, &own.state).await? {
            own = unit.decide(&own, command)?;
        }
        Ok(own)
    }

    /// The commands that put a guest's choices into a cart.
    async fn moves(
        &self,
        from: &CartBody,
        into: CartId,
        own: &Cart,
    ) -> Result<Vec<CartCommand>, ExecuteError> {
        let mut moves = Vec::new();
        for line in &from.lines {
            let choice = LineChoice {
                note: self.note(line.choice.note.as_ref(), into).await?,
                ..line.choice.clone()
            };
            moves.push(self.app.adding(choice));
        }
        let Some(own) = own.body() else {
            return Ok(moves);
        };
        if let (None, Some(fulfilment)) = (&own.fulfilment, &from.fulfilment)
            && let Some(fulfilment) = self.fulfilment(fulfilment, into).await?
        {
            let window = from.window;
            moves.push(CartCommand::SetFulfilment { fulfilment, window });
        }
        if let (None, Some(promotion)) = (&own.promotion, &from.promotion) {
            let promotion = Some(promotion.clone());
            moves.push(CartCommand::SetPromotion { promotion });
        }
        if own.tip_minor == 0 && from.tip_minor > 0 {
            let amount_minor = from.tip_minor;
            moves.push(CartCommand::SetTip { amount_minor });
        }
        Ok(moves)
    }

    async fn note(
        &self,
        note: Option<&Sealed<Note>>,
        into: CartId,
    ) -> Result<Option<Sealed<Note>>, ExecuteError> {
        let Some(note) = note else { return Ok(None) };
        match self.opened(note).await? {
            Some(note) => Ok(Some(self.app.seal_note(self.scope, into, &note).await?)),
            None => Ok(None),
        }
    }

    /// The same for the customer; none when the address is gone.
    async fn fulfilment(
        &self,
        fulfilment: &Fulfilment,
        into: CartId,
    ) -> Result<Option<Fulfilment>, ExecuteError> {
        let Fulfilment::Delivery { address } = fulfilment else {
            return Ok(Some(fulfilment.clone()));
        };
        let Some(address) = self.opened(address).await? else {
            return Ok(None);
        };
        let sealed = self
            .app
            .seal_for_cart(self.scope, into, "address", &address);
        let address = sealed.await?;
        Ok(Some(Fulfilment::Delivery { address }))
    }

    async fn opened<T: DeserializeOwned>(
        &self,
        sealed: &Sealed<T>,
    ) -> Result<Option<T>, ExecuteError> {
        match self.app.vault.open(sealed).await {
            Ok(value) => Ok(Some(value)),
            Err(VaultError::Erased) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

fn no_cart_token() -> Refusal {
    let code = "cart_token_refused".to_owned();
    let detail = "this is no token of a cart, or its time is over".to_owned();
    Refusal {
        class: Class::Unprocessable,
        code: code.clone(),
        detail: detail.clone(),
        faults: vec![Fault {
            code,
            pointer: "/cart_token".to_owned(),
            detail,
        }],
        extra: serde_json::Map::new(),
    }
}

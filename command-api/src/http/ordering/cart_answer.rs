//! What every write to a cart answers: what the cart costs now, or all that keeps it from being ordered.
//!
//! Shop, menu and stock are only looked at: a cart is no promise, and checkout asserts them.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use domain::aggregates::{Cart, Kind};
use domain::joint::price_cart::price_cart;
use domain::kernel::address::Address;
use domain::kernel::fault::Fault;
use domain::kernel::geo::GeoPoint;
use domain::kernel::ids::CartId;
use domain::kernel::sealed::{Origin, Sealed};
use domain::kernel::text::Note;
use domain::ordering::cart::{CartBody, CartCommand};
use domain::ordering::fulfilment::Fulfilment;
use domain::ordering::line::LineId;
use domain::ordering::quote::Quote;
use infra::event_store::{Loaded, StoreError, StreamId};
use infra::http::policy::Scope;
use infra::vault::{Class, VaultError};
use serde::Serialize;
use utoipa::ToSchema;

use super::market::LoadedMarket;
use crate::app::App;
use crate::execute::{ExecuteError, Reply, Unit, Work, name_of};
use crate::http::answer::json_of;
use crate::http::whose::only_theirs;

/// A cart after a write.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CartAnswer {
    /// The cart.
    cart_id: CartId,
    /// Its version, as in `ETag`.
    version: i64,
    /// The line that was added or changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<LineId>,
    /// What it costs and promises, unless something is refused.
    quote: Option<Quote>,
    /// All that keeps it from being ordered.
    refusals: Vec<Fault>,
}

/// A command on a cart, answered with its quote.
pub(super) struct ChangeCart<'a> {
    pub(super) app: &'a App,
    pub(super) scope: &'a Scope,
    pub(super) id: CartId,
    pub(super) expected: Option<i64>,
    pub(super) command: CartCommand,
}

impl Work for ChangeCart<'_> {
    fn name(&self) -> Cow<'static, str> {
        name_of::<Cart>(&self.command)
    }

    async fn run(&self, unit: &mut Unit<'_>) -> Result<Reply, ExecuteError> {
        let cart = unit.load::<Cart>(self.id.uuid()).await?;
        only_theirs(&cart, self.scope)?;
        unit.expect_version(&cart, self.expected)?;
        unit.belongs_to(self.id);
        let after = unit.decide(&cart, self.command.clone())?;
        let line = line_of(&self.command, &after);
        let answer = self.app.cart_answer(&after, line, unit.context.now).await?;
        Ok(Reply::ok(json_of(&answer)).tagged(after.stream))
    }
}

/// The line that a command was about.
fn line_of(command: &CartCommand, after: &Loaded<Cart>) -> Option<LineId> {
    match command {
        CartCommand::AddLine { .. } => after.state.body().map(|body| LineId::new(body.last_line)),
        CartCommand::ChangeLine { line, .. } => Some(*line),
        CartCommand::Open { .. }
        | CartCommand::RemoveLine { .. }
        | CartCommand::SetFulfilment { .. }
        | CartCommand::SetPromotion { .. }
        | CartCommand::SetTip { .. }
        | CartCommand::CheckOut { .. }
        | CartCommand::Claim { .. }
        | CartCommand::Abandon => None,
    }
}

impl App {
    /// The cart and its quote, or all that is wrong with it.
    ///
    /// # Errors
    /// When store or vault cannot be read.
    pub(super) async fn cart_answer(
        &self,
        cart: &Loaded<Cart>,
        line: Option<LineId>,
        now: DateTime<Utc>,
    ) -> Result<CartAnswer, ExecuteError> {
        let (quote, refusals) = match self.quote(&cart.state, now).await? {
            Ok(quote) => (Some(quote), Vec::new()),
            Err(refusals) => (None, refusals),
        };
        let cart_id = CartId::new(cart.stream.id);
        Ok(CartAnswer {
            cart_id,
            version: cart.version,
            line,
            quote,
            refusals,
        })
    }

    async fn quote(
        &self,
        cart: &Cart,
        now: DateTime<Utc>,
    ) -> Result<Result<Quote, Vec<Fault>>, ExecuteError> {
        let Some(body) = cart.body() else {
            return Ok(Err(Vec::new()));
        };
        let loaded = self.current_market(body).await?;
        let place = self.place_of(body).await?;
        let offers = loaded.offers();
        let priced = price_cart(cart, place, &loaded.at(now, &offers, &self.flags));
        if let Ok(quote) = &priced {
            self.quotes.remember(quote);
        }
        Ok(priced.map_err(|faults| faults.0))
    }

    /// The shop as the database has it, or had it a moment ago, which one question settles when it is
    /// cached. It is not asserted: a shop's stock moves with every order, and a cart is no promise.
    async fn current_market(&self, cart: &CartBody) -> Result<LoadedMarket, StoreError> {
        let store = self.executor.store();
        let held = LoadedMarket::peek(store, cart).await?;
        let versions = held.versions();
        if self.executor.lately_at(&versions).await? {
            return Ok(held);
        }
        let streams: Vec<StreamId> = versions.iter().map(|(stream, _)| *stream).collect();
        store.forget(&streams);
        LoadedMarket::peek(store, cart).await
    }

    /// Where the cart goes. An address whose key is destroyed is none.
    ///
    /// # Errors
    /// When the vault cannot open it.
    pub(super) async fn place_of(&self, body: &CartBody) -> Result<Option<GeoPoint>, VaultError> {
        self.place_to(body.fulfilment.as_ref()).await
    }

    /// The same of what is to be brought somewhere.
    ///
    /// # Errors
    /// When the vault cannot open it.
    pub(super) async fn place_to(
        &self,
        fulfilment: Option<&Fulfilment>,
    ) -> Result<Option<GeoPoint>, VaultError> {
        match fulfilment {
            Some(Fulfilment::Delivery { address }) => {
                Ok(self.opened_door(address).await?.map(|door| door.pin))
            }
            Some(Fulfilment::Pickup) | None => Ok(None),
        }
    }

    /// A door; none when its person was erased.
    ///
    /// # Errors
    /// When the vault cannot answer.
    pub(super) async fn opened_door(
        &self,
        address: &Sealed<Address>,
    ) -> Result<Option<Address>, VaultError> {
        match self.vault.open(address).await {
            Ok(door) => Ok(Some(door)),
            Err(VaultError::Erased) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Seals a customer's words about a line.
    ///
    /// # Errors
    /// When the vault cannot.
    pub(super) async fn seal_note(
        &self,
        scope: &Scope,
        cart: CartId,
        note: &Note,
    ) -> Result<Sealed<Note>, VaultError> {
        self.seal_for_cart(scope, cart, "note", note).await
    }

    /// Seals what a customer says about a cart. What somebody says about another's cart is sealed for
    /// nobody, as it goes nowhere.
    ///
    /// # Errors
    /// When the vault cannot.
    pub(super) async fn seal_for_cart<T: Serialize>(
        &self,
        scope: &Scope,
        cart: CartId,
        field: &str,
        value: &T,
    ) -> Result<Sealed<T>, VaultError> {
        let subject = match scope {
            Scope::Own(customer) => customer.uuid(),
            Scope::Any | Scope::Shops(_) | Scope::Assigned(_) | Scope::Me => infra::vault::SYSTEM,
        };
        let (kind, field) = (Kind::Cart.as_str().to_owned(), field.to_owned());
        let origin = Origin {
            kind,
            id: cart.uuid(),
            field,
        };
        self.vault
            .seal(subject, Class::order(self.clock.now()), origin, value)
            .await
    }
}

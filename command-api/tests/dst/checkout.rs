//! What takes more than one command: a cart is filled in one commit and ordered in another by the joint
//! decision, and a shop packs.

use std::borrow::Cow;
use std::sync::Arc;

use command_api::execute::{ExecuteError, Refusal, Reply, Unit, Work};
use domain::aggregates::{Cart, Inventory, Kind, Menu, Order, Payment, Promotion, Restaurant};
use domain::joint::checkout::{CheckoutRejection, CheckoutRequest, check_out};
use domain::joint::price_cart::price_cart;
use domain::joint::{Market, Offer};
use domain::kernel::flags::Flags;
use domain::kernel::ids::{CartId, OrderId, PaymentId};
use domain::ordering::cart::CartCommand;
use domain::ordering::line::LineId;
use domain::ordering::order::OrderCommand;
use infra::event_store::StreamId;
use serde_json::json;
use uuid::Uuid;

use crate::shop::{BOWLS_MAX, PROMOTION};

/// Fills a new cart.
pub(crate) struct FillCart {
    pub(crate) cart: Uuid,
    pub(crate) commands: Vec<CartCommand>,
}

impl Work for FillCart {
    fn name(&self) -> Cow<'static, str> {
        "ordering.cart.fill".into()
    }

    async fn run(&self, unit: &mut Unit<'_>) -> Result<Reply, ExecuteError> {
        let mut cart = unit.load::<Cart>(self.cart).await?;
        for command in &self.commands {
            cart = unit.decide(&cart, command.clone())?;
        }
        Ok(Reply::done().tagged(cart.stream))
    }
}

/// Boils and seals what an order still has of a line, and closes the bag.
pub(crate) struct Pack {
    pub(crate) order: Uuid,
    pub(crate) line: LineId,
}

impl Work for Pack {
    fn name(&self) -> Cow<'static, str> {
        "ordering.order.pack".into()
    }

    async fn run(&self, unit: &mut Unit<'_>) -> Result<Reply, ExecuteError> {
        let (line, mut order) = (self.line, unit.load::<Order>(self.order).await?);
        for bowl in 1..=BOWLS_MAX {
            let steps = [
                OrderCommand::BowlBoiled { line, bowl },
                OrderCommand::BowlSealed { line, bowl },
            ];
            for step in steps {
                // There may be fewer bowls.
                order = unit.decide(&order, step).unwrap_or(order);
            }
        }
        unit.decide(&order, OrderCommand::Ready)?;
        Ok(Reply::done().tagged(order.stream))
    }
}

/// Orders what a cart holds at the price that holds now.
pub(crate) struct CheckOut {
    pub(crate) cart: Uuid,
    pub(crate) flags: Arc<Flags>,
}

impl Work for CheckOut {
    fn name(&self) -> Cow<'static, str> {
        "ordering.cart.check_out".into()
    }

    async fn run(&self, unit: &mut Unit<'_>) -> Result<Reply, ExecuteError> {
        let cart = unit.load::<Cart>(self.cart).await?;
        let body = cart.state.body().ok_or(ExecuteError::NotTheirs)?;
        let shop = unit.load::<Restaurant>(body.restaurant.uuid()).await?;
        let menu = unit.load::<Menu>(body.restaurant.uuid()).await?;
        let stock = unit.load::<Inventory>(body.restaurant.uuid()).await?;
        let promotion = match &body.promotion {
            Some(own) => Some(unit.load::<Promotion>(own.id.uuid()).await?),
            None => None,
        };
        let offers = promotion.iter().map(|promotion| Offer {
            id: PROMOTION,
            promotion: &promotion.state,
        });
        let offers: Vec<Offer<'_>> = offers.collect();
        let market = Market {
            shop: &shop.state,
            menu: &menu.state,
            stock: &stock.state,
            offers: &offers,
            flags: &self.flags,
            now: unit.context.now,
        };
        let quote = price_cart(&cart.state, None, &market)
            .map_err(|faults| Refusal::from(&CheckoutRejection::CartRefused(faults)));
        let request = CheckoutRequest {
            cart: CartId::new(self.cart),
            quote_id: match quote {
                Ok(quote) => quote.quote_id,
                Err(refusal) => return Err(refusal.into()),
            },
            order: OrderId::new(unit.context.fresh_id()),
            payment: PaymentId::new(unit.context.fresh_id()),
            place: None,
            acknowledged: None,
        };
        let done = check_out(&cart.state, &request, &market, &unit.context)
            .map_err(|rejection| Refusal::from(&rejection))?;
        let order = unit.create::<Order>(request.order.uuid());
        let payment = unit.create::<Payment>(request.payment.uuid());
        unit.belongs_to(request.order);
        unit.write(&cart, &done.cart)?;
        unit.write(&stock, &done.inventory)?;
        for (_, events) in &done.promotions {
            if let Some(promotion) = &promotion {
                unit.write(promotion, events)?;
            }
        }
        unit.write(&order, &done.order)?;
        unit.write(&payment, &done.payment)?;
        let answer = json!({"order": request.order, "payment": request.payment});
        Ok(Reply::ok(answer).tagged(order.stream))
    }

    fn queue_for(&self) -> Vec<StreamId> {
        vec![StreamId {
            kind: Kind::Cart,
            id: self.cart,
        }]
    }
}

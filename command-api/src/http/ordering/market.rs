//! What a cart is measured against, loaded: shop, menu, stock, and the promotions that may hold.
//!
//! The automatic promotions stand in two books, the shop's and the platform's. They are streams like
//! menu and stock, so a quote knows exactly those that exist when it is made, in whichever process.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::aggregates::{Inventory, Kind, Menu, Promotion, PromotionBook, Restaurant};
use domain::joint::{Market, Offer};
use domain::kernel::flags::Flags;
use domain::kernel::ids::{PromotionId, RestaurantId};
use domain::ordering::cart::CartBody;
use domain::restaurant::promotion::Issuer;
use infra::event_store::{EventStore, Loaded, StoreError, StreamId};

use crate::execute::{ExecuteError, Unit};

/// A shop with all that a quote is made of.
pub(super) struct LoadedMarket {
    pub(super) stock: Loaded<Inventory>,
    shop: Loaded<Restaurant>,
    menu: Loaded<Menu>,
    books: [Loaded<PromotionBook>; 2],
    pub(super) promotions: Vec<Loaded<Promotion>>,
}

/// The streams that every quote of a shop is made of.
pub(super) fn market_streams(shop: RestaurantId) -> Vec<StreamId> {
    let of_shop = [Kind::Restaurant, Kind::Menu, Kind::Inventory].map(|kind| StreamId {
        kind,
        id: shop.uuid(),
    });
    let books = books_of(shop).map(|issuer| StreamId {
        kind: Kind::PromotionBook,
        id: issuer.book(),
    });
    of_shop.into_iter().chain(books).collect()
}

fn books_of(restaurant: RestaurantId) -> [Issuer; 2] {
    [Issuer::Shop { restaurant }, Issuer::Platform]
}

/// The promotions that may hold for a cart: the automatic ones and its own.
fn promotions(books: &[Loaded<PromotionBook>; 2], own: &[PromotionId]) -> Vec<StreamId> {
    let automatic = books.iter().flat_map(|book| book.state.promotions());
    let mut ids: Vec<PromotionId> = automatic.chain(own).copied().collect();
    ids.sort_unstable();
    ids.dedup();
    let stream = |id: PromotionId| StreamId {
        kind: Kind::Promotion,
        id: id.uuid(),
    };
    ids.into_iter().map(stream).collect()
}

/// The promotion that a cart names, if any.
fn own_of(cart: &CartBody) -> Vec<PromotionId> {
    cart.promotion.iter().map(|own| own.id).collect()
}

impl LoadedMarket {
    /// What the caches know, or else the database. Nothing is asserted.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) async fn peek(store: &EventStore, cart: &CartBody) -> Result<Self, StoreError> {
        store.prefetch(&market_streams(cart.restaurant)).await?;
        let shop = cart.restaurant.uuid();
        let [own, platform] = books_of(cart.restaurant);
        let books = [
            store.load(own.book()).await?,
            store.load(platform.book()).await?,
        ];
        let wanted = promotions(&books, &own_of(cart));
        store.prefetch(&wanted).await?;
        let mut promotions = Vec::with_capacity(wanted.len());
        for stream in wanted {
            promotions.push(store.load(stream.id).await?);
        }
        Ok(Self {
            shop: store.load(shop).await?,
            menu: store.load(shop).await?,
            stock: store.load(shop).await?,
            books,
            promotions,
        })
    }

    /// The same for a commit, which asserts all of it but the promotions that are for other shops, or over: their uses
    /// elsewhere are no matter of this order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) async fn load(unit: &mut Unit<'_>, cart: &CartBody) -> Result<Self, ExecuteError> {
        Self::load_with(unit, cart.restaurant, &own_of(cart)).await
    }

    /// The same with promotions of its own, as an order has them.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) async fn load_with(
        unit: &mut Unit<'_>,
        restaurant: RestaurantId,
        named: &[PromotionId],
    ) -> Result<Self, ExecuteError> {
        unit.prefetch(&market_streams(restaurant)).await?;
        let shop = restaurant.uuid();
        let [own, platform] = books_of(restaurant);
        let books = [
            unit.load(own.book()).await?,
            unit.load(platform.book()).await?,
        ];
        let wanted = promotions(&books, named);
        unit.prefetch(&wanted).await?;
        let mut promotions = Vec::with_capacity(wanted.len());
        for StreamId { id, .. } in wanted {
            let seen = unit.peek::<Promotion>(id).await?;
            let is_asked_for =
                named.contains(&PromotionId::new(id)) || seen.state.concerns(restaurant);
            promotions.push(if is_asked_for {
                unit.load(id).await?
            } else {
                seen
            });
        }
        Ok(Self {
            shop: unit.load(shop).await?,
            menu: unit.load(shop).await?,
            stock: unit.load(shop).await?,
            books,
            promotions,
        })
    }

    /// Every stream with the version that it was read at.
    pub(super) fn versions(&self) -> Vec<(StreamId, i64)> {
        let books = self.books.iter().map(|book| (book.stream, book.version));
        let promotions = self.promotions.iter();
        let promotions = promotions.map(|promotion| (promotion.stream, promotion.version));
        let of_shop = [
            (self.shop.stream, self.shop.version),
            (self.menu.stream, self.menu.version),
            (self.stock.stream, self.stock.version),
        ];
        of_shop.into_iter().chain(books).chain(promotions).collect()
    }

    /// The promotions as a quote meets them.
    pub(super) fn offers(&self) -> Vec<Offer<'_>> {
        let offer = |promotion| {
            let Loaded { stream, state, .. }: &Loaded<Promotion> = promotion;
            Offer {
                id: PromotionId::new(stream.id),
                promotion: Arc::as_ref(state),
            }
        };
        self.promotions.iter().map(offer).collect()
    }

    /// The market at an instant, with its [`LoadedMarket::offers`].
    pub(super) fn at<'a>(
        &'a self,
        now: DateTime<Utc>,
        offers: &'a [Offer<'a>],
        flags: &'a Flags,
    ) -> Market<'a> {
        Market {
            shop: &self.shop.state,
            menu: &self.menu.state,
            stock: &self.stock.state,
            offers,
            flags,
            now,
        }
    }
}

//! The views: the one list of them, what a view is, and how a batch is folded into one.
//!
//! To add a view: a file with a row and a fold, a line in `views!`, a migration. A row folds one
//! stream; what needs two streams is joined when it is read.

pub(crate) mod row;

mod alone;
mod fold;
mod remembered;
mod slots;

mod carts;
mod deliveries;
mod drivers;
mod kitchen_queue;
mod menus;
mod order_details;
mod order_timeline;
mod orders;
mod payments;
mod promotions;
mod restaurants;
mod stock;

use async_trait::async_trait;
use domain::aggregates::{AnyEvent, Kind};
use domain::decider::{Event, Recorded};
use sqlx::{PgConnection, PgPool};

use carts::Carts;
use deliveries::Deliveries;
use drivers::Drivers;
use fold::Care;
pub use fold::{ApplyError, Gap};
pub(crate) use fold::{Folding, Outcome};
use kitchen_queue::KitchenQueue;
use menus::Menus;
use order_details::OrderDetails;
use order_timeline::OrderTimeline;
use orders::Orders;
use payments::Payments;
use promotions::Promotions;
pub(crate) use remembered::Remembered;
use restaurants::Restaurants;
use stock::Stock;

/// The events of an aggregate that views follow.
pub(crate) trait Followed: Event {
    /// The aggregate's kind.
    const KIND: Kind;
    /// The event, if it is one of this aggregate.
    fn pick(event: &AnyEvent) -> Option<&Self>;
}

macro_rules! followed {
    ($($aggregate:ident: $event:ty),+ $(,)?) => { $(
        impl Followed for $event {
            const KIND: Kind = Kind::$aggregate;

            fn pick(event: &AnyEvent) -> Option<&Self> {
                if let AnyEvent::$aggregate(event) = event { Some(event) } else { None }
            }
        }
    )+ };
}

followed! {
    Restaurant: domain::restaurant::restaurant::RestaurantEvent,
    Menu: domain::restaurant::menu::MenuEvent,
    Inventory: domain::restaurant::inventory::InventoryEvent,
    Promotion: domain::restaurant::promotion::PromotionEvent,
    Cart: domain::ordering::cart::CartEvent,
    Order: domain::ordering::order::OrderEvent,
    Payment: domain::payment::payment::PaymentEvent,
    Delivery: domain::delivery::delivery::DeliveryEvent,
    Driver: domain::driver::driver::DriverEvent,
}

/// What a fold makes of a row.
#[derive(Debug)]
pub(crate) enum Change<R> {
    /// The row is now this.
    Put(R),
    /// The event is of no interest to this view.
    Keep,
    /// The row leaves the view.
    Remove,
}

/// Why an event cannot be folded; it will not go better next time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FoldError {
    /// The stream does not begin with the event that opens it.
    #[error("{event} comes before the event that opens the stream")]
    NotOpened {
        /// The event's name.
        event: &'static str,
    },
    /// The event makes no sense for the row.
    #[error("{0}")]
    Senseless(String),
}

/// A view with one row for each stream.
pub(crate) trait FoldedView: Send + Sync + 'static {
    /// Its name, which is its table.
    const NAME: &'static str = <Self::Row as row::Row>::TABLE;
    /// Whether its rows carry every sequence of the stream, so that a gap shows in them. One view of
    /// each aggregate does; its sequences are what is announced.
    const ANCHOR: bool;
    /// Whether rows are remembered between batches: not where they are large and seldom change.
    const REMEMBERED: bool = true;
    /// The events it follows.
    type Event: Followed;
    /// Its row.
    type Row: row::Row;

    /// Folds one event. An anchor puts a row for every event.
    ///
    /// # Errors
    /// When the event makes no sense for the row; it is parked.
    fn fold(
        row: Option<Self::Row>,
        event: &Recorded<Self::Event>,
    ) -> Result<Change<Self::Row>, FoldError>;

    /// Whether an event can change a row at all; asked before the row is read.
    fn concerns(_event: &Self::Event) -> bool {
        true
    }
}

/// Which tables are read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// Those that are served.
    Live,
    /// Those that a rebuild makes beside them.
    Next,
    /// Those that were served before, kept for going back.
    Kept,
}

impl Version {
    /// The schema of its tables, which have the same names in each.
    pub(crate) fn schema(self) -> &'static str {
        match self {
            Self::Live => "views",
            Self::Next => "views_next",
            Self::Kept => "views_kept",
        }
    }
}

/// Where rows are found that a batch is folded into.
pub(crate) struct Source<'a> {
    /// The database.
    pub(crate) pool: &'a PgPool,
    /// Which of its tables.
    pub(crate) version: Version,
    /// What need not be read from it.
    pub(crate) remembered: &'a Remembered,
}

/// What a view has folded and not yet written.
#[async_trait]
pub(crate) trait Unwritten: Send + Sync {
    /// Writes it.
    ///
    /// # Errors
    /// As [`ApplyError`].
    async fn write(
        &self,
        connection: &mut PgConnection,
        version: Version,
    ) -> Result<(), ApplyError>;

    /// Remembers it, once it is committed.
    fn remember(self: Box<Self>, remembered: &mut Remembered);
}

/// Anything that folds a batch into its table.
pub(crate) trait View {
    /// Its name.
    const VIEW: &'static str;
    /// The aggregate it follows.
    const FOLLOWS: Kind;

    /// Folds what of the batch concerns it, in memory.
    fn fold_batch(
        source: &Source<'_>,
        folding: &Folding<'_>,
        outcome: &mut Outcome,
    ) -> impl Future<Output = Result<Box<dyn Unwritten>, ApplyError>> + Send;

    /// Folds and writes it event by event.
    fn fold_carefully(
        connection: &mut PgConnection,
        folding: &Folding<'_>,
        outcome: &mut Outcome,
    ) -> impl Future<Output = Result<(), ApplyError>> + Send;
}

impl<V: FoldedView> View for V {
    const VIEW: &'static str = V::NAME;
    const FOLLOWS: Kind = V::Event::KIND;

    async fn fold_batch(
        source: &Source<'_>,
        folding: &Folding<'_>,
        outcome: &mut Outcome,
    ) -> Result<Box<dyn Unwritten>, ApplyError> {
        let slots = slots::fold_together::<V>(source, folding, outcome).await?;
        Ok(Box::new(slots))
    }

    async fn fold_carefully(
        connection: &mut PgConnection,
        folding: &Folding<'_>,
        outcome: &mut Outcome,
    ) -> Result<(), ApplyError> {
        alone::fold_alone::<V>(connection, folding, outcome).await
    }
}

/// Name of a view and the aggregate it follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViewInfo {
    /// Its name.
    pub name: &'static str,
    /// The aggregate it follows.
    pub follows: Kind,
}

macro_rules! views {
    ($($view:ident: $aggregate:ident),+ $(,)?) => {
        /// Every view, in the order in which a batch is folded.
        pub const VIEWS: &[ViewInfo] = &[$(
            ViewInfo { name: <$view as View>::VIEW, follows: Kind::$aggregate },
        )+];

        $(const _: () = assert!(
            matches!(<$view as View>::FOLLOWS, Kind::$aggregate),
            "the line of a view names the aggregate it follows",
        );)+

        /// Folds a batch in memory into every view that `folding` asks for, but those that need care.
        ///
        /// # Errors
        /// As [`ApplyError`].
        pub(crate) async fn fold_batch(
            source: &Source<'_>,
            folding: &Folding<'_>,
            outcome: &mut Outcome,
        ) -> Result<Vec<Box<dyn Unwritten>>, ApplyError> {
            let mut unwritten = Vec::new();
            $(if folding.wants::<$view>(Care::Together) {
                unwritten.push(<$view as View>::fold_batch(source, folding, outcome).await?);
            })+
            Ok(unwritten)
        }

        /// Folds and writes a batch into the views that need care.
        ///
        /// # Errors
        /// As [`ApplyError`]; nothing may be committed then.
        pub(crate) async fn fold_carefully(
            connection: &mut PgConnection,
            folding: &Folding<'_>,
            outcome: &mut Outcome,
        ) -> Result<(), ApplyError> {
            $(if folding.wants::<$view>(Care::OneByOne) {
                <$view as View>::fold_carefully(connection, folding, outcome).await?;
            })+
            Ok(())
        }
    };
}

views! {
    Restaurants: Restaurant,
    Menus: Menu,
    Stock: Inventory,
    Promotions: Promotion,
    Carts: Cart,
    Orders: Order,
    OrderDetails: Order,
    KitchenQueue: Order,
    OrderTimeline: Order,
    Payments: Payment,
    Deliveries: Delivery,
    Drivers: Driver,
}

/// The names of all views.
pub(crate) fn names() -> Vec<&'static str> {
    VIEWS.iter().map(|view| view.name).collect()
}

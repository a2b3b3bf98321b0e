//! What can be asked of a cart.

use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use crate::kernel::actor::Channel;
use crate::kernel::ids::{CartId, CustomerId, OrderId, RestaurantId};
use crate::kernel::key::Key;
use crate::kernel::quantity::{Minutes, Quantity};
use crate::kernel::sealed::Sealed;
use crate::kernel::text::Note;
use crate::ordering::cart::event::CartPromotion;
use crate::ordering::fulfilment::Fulfilment;
use crate::ordering::line::{LineChoice, LineId, OptionChoice, Shortage};
use crate::ordering::window::Window;

/// A request to a cart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, EnumDiscriminants)]
#[serde(tag = "type", rename_all = "snake_case")]
#[strum_discriminants(
    name(CartCommandKind),
    doc = "The commands of a cart without their fields.",
    derive(Hash, VariantArray, IntoStaticStr, Serialize, Deserialize),
    serde(rename_all = "snake_case"),
    strum(serialize_all = "snake_case")
)]
pub enum CartCommand {
    /// Starts an empty cart.
    Open {
        /// Whose it is.
        customer: CustomerId,
        /// The shop; a cart never changes it.
        restaurant: RestaurantId,
        /// Where the order comes in.
        channel: Channel,
        /// How long it can be used.
        life: Minutes,
    },
    /// Adds a line.
    AddLine {
        /// What is wanted.
        choice: LineChoice,
        /// How many lines a cart of this shop takes.
        lines_max: u32,
    },
    /// Changes a line; what is not named stays.
    ChangeLine {
        /// Which.
        line: LineId,
        /// Another quantity.
        quantity: Option<Quantity>,
        /// Other options, all of them.
        options: Option<Vec<OptionChoice>>,
        /// Another note.
        #[serde(default)]
        note: NoteChange,
        /// Another choice for a shortage.
        shortage: Option<Shortage>,
        /// What goes with that choice: the item to put in its place.
        #[serde(default)]
        substitute: Option<Key>,
    },
    /// Takes a line out.
    RemoveLine {
        /// Which.
        line: LineId,
    },
    /// Says how the order reaches the customer.
    SetFulfilment {
        /// How.
        fulfilment: Fulfilment,
        /// When; as soon as possible when absent.
        #[serde(default)]
        window: Option<Window>,
    },
    /// Names the cart's promotion.
    SetPromotion {
        /// Which; none takes it back.
        promotion: Option<CartPromotion>,
    },
    /// Sets the tip.
    SetTip {
        /// In minor units of the shop's currency; zero takes it back.
        amount_minor: i64,
    },
    /// Ends the cart as an order; only `joint::checkout` sends it.
    CheckOut {
        /// The order it became.
        order: OrderId,
    },
    /// Ends a guest's cart, which somebody who has signed in took over.
    Claim {
        /// Who.
        customer: CustomerId,
        /// Their cart, which holds the lines now.
        cart: CartId,
    },
    /// Throws the cart away.
    Abandon,
}

/// What becomes of a line's note.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum NoteChange {
    /// It stays.
    #[default]
    Keep,
    /// It goes.
    Clear,
    /// It becomes this.
    Set {
        /// The new note, sealed.
        note: Sealed<Note>,
    },
}

//! The one list of aggregates. From it come the kinds, topic names, the sum types over all events and commands, the
//! published schemas, and `for_each_aggregate!` for suites.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::decider::{self, Decider, DecodeError, Event, Facets};
pub use crate::delivery::delivery::Delivery;
pub use crate::driver::driver::Driver;
pub use crate::ordering::cart::Cart;
pub use crate::ordering::order::Order;
pub use crate::payment::payment::Payment;
pub use crate::restaurant::inventory::Inventory;
pub use crate::restaurant::menu::Menu;
pub use crate::restaurant::promotion::Promotion;
pub use crate::restaurant::promotion_book::PromotionBook;
pub use crate::restaurant::restaurant::Restaurant;

macro_rules! aggregates {
    ($($name:ident = $kind:literal),+ $(,)?) => {
        aggregates! { @with ($) $($name = $kind),+ }
    };
    (@with ($d:tt) $($name:ident = $kind:literal),+) => {
        /// Which aggregate.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Kind {
            $(#[doc = concat!("`", $kind, "`")] #[serde(rename = $kind)] $name,)+
        }

        impl Kind {
            /// All of them, in the order of the list.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// `context.aggregate`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $kind,)+
                }
            }
        }

        /// An event of any aggregate.
        #[derive(Debug, Clone, PartialEq)]
        pub enum AnyEvent {
            $(#[doc = concat!("`", $kind, "`")] $name(<$name as Decider>::Event),)+
        }

        impl AnyEvent {
            /// Which aggregate it happened to.
            pub const fn kind(&self) -> Kind {
                match self {
                    $(Self::$name(_) => Kind::$name,)+
                }
            }

            /// Its wire name.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(event) => event.name(),)+
                }
            }

            /// The version of its wire form.
            pub fn version(&self) -> &'static str {
                match self {
                    $(Self::$name(event) => event.version(),)+
                }
            }

            /// Its wire form.
            ///
            /// # Errors
            /// When JSON cannot hold it, which no event's sample shows.
            pub fn to_json(&self) -> Result<String, serde_json::Error> {
                match self {
                    $(Self::$name(event) => serde_json::to_string(event),)+
                }
            }

            /// Reads a stored event, lifting older versions first.
            ///
            /// # Errors
            /// [`DecodeError`] when the payload is not the event that kind, name and version say.
            pub fn decode(kind: Kind, name: &str, version: &str, payload: &str) -> Result<Self, DecodeError> {
                match kind {
                    $(Kind::$name => decider::decode::<$name>(name, version, payload).map(Self::$name),)+
                }
            }

            /// The JSON Schema of every event: kind → event name → schema.
            pub fn schemas() -> BTreeMap<&'static str, BTreeMap<String, Value>> {
                BTreeMap::from([$(($kind, schemas_of::<$name>()),)+])
            }
        }

        $(impl From<<$name as Decider>::Event> for AnyEvent {
            fn from(event: <$name as Decider>::Event) -> Self {
                Self::$name(event)
            }
        })+

        /// A command for any aggregate: `{"kind": "ordering.order", "to": ["<id>", {"type": "accept", …}]}`.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind", content = "to")]
        pub enum AnyCommand {
            $(#[doc = concat!("`", $kind, "`")] #[serde(rename = $kind)] $name(Uuid, <$name as Decider>::Command),)+
        }

        impl AnyCommand {
            /// Which aggregate it is for.
            pub const fn kind(&self) -> Kind {
                match self {
                    $(Self::$name(..) => Kind::$name,)+
                }
            }

            /// The aggregate's id.
            pub const fn stream(&self) -> Uuid {
                match self {
                    $(Self::$name(stream, _) => *stream,)+
                }
            }
        }

        /// The state of any aggregate.
        #[derive(Debug, Clone, PartialEq)]
        pub enum AnyState {
            $(#[doc = concat!("`", $kind, "`")] $name(Box<$name>),)+
        }

        impl AnyState {
            /// An aggregate to which nothing has happened.
            pub fn new(kind: Kind) -> Self {
                match kind {
                    $(Kind::$name => Self::$name(Box::default()),)+
                }
            }

            /// What the metadata of its events tells about it.
            pub fn facets(&self, stream: Uuid) -> Facets {
                match self {
                    $(Self::$name(state) => state.facets(stream),)+
                }
            }
        }

        $(const _: () = assert!(same($kind, <$name as Decider>::KIND), "the list and KIND disagree");)+

        /// Hands all aggregate types to a macro: `callback! { path::A, path::B, … }`.
        #[macro_export]
        macro_rules! for_each_aggregate {
            ($d callback:ident) => {
                $d callback! { $($crate::aggregates::$name),+ }
            };
        }
    };
}

aggregates! {
    Restaurant = "restaurant.restaurant",
    Menu = "restaurant.menu",
    Inventory = "restaurant.inventory",
    Promotion = "restaurant.promotion",
    PromotionBook = "restaurant.promotion_book",
    Cart = "ordering.cart",
    Order = "ordering.order",
    Payment = "payment.payment",
    Delivery = "delivery.delivery",
    Driver = "driver.driver",
}

impl Kind {
    /// The kind of this name.
    ///
    /// # Errors
    /// [`DecodeError::UnknownKind`].
    pub fn parse(name: &str) -> Result<Self, DecodeError> {
        let found = Self::ALL.iter().find(|kind| kind.as_str() == name);
        found
            .copied()
            .ok_or_else(|| DecodeError::UnknownKind(name.to_owned()))
    }

    /// The topic of its events; the prefix is configuration, by default `ramen`.
    pub fn topic(self, prefix: &str) -> String {
        format!("{prefix}.{}.v1", self.as_str())
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Kind {
    type Err = DecodeError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::parse(name)
    }
}

/// String equality at compile time.
const fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut index = 0;
    while index < one.len() {
        if one[index] != other[index] {
            return false;
        }
        index += 1;
    }
    true
}

/// The schema of each event of an aggregate. The enum's schema has one branch for each; definitions go with every one.
fn schemas_of<D: Decider>() -> BTreeMap<String, Value> {
    let whole = schemars::schema_for!(D::Event).to_value();
    let definitions = whole.get("$defs").cloned();
    let branches = whole
        .get("oneOf")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    branches
        .into_iter()
        .filter_map(|mut branch| {
            let name = branch
                .pointer("/properties/type/const")?
                .as_str()?
                .to_owned();
            let used = definitions
                .as_ref()
                .map(|all| used_definitions(&branch, all));
            let object = branch.as_object_mut()?;
            object.insert(
                "$schema".into(),
                whole.get("$schema").cloned().unwrap_or_default(),
            );
            object.insert("title".into(), Value::String(format!("{} {name}", D::KIND)));
            if let Some(used) = used {
                object.insert("$defs".into(), used);
            }
            Some((name, branch))
        })
        .collect()
}

/// Those definitions that a schema refers to, directly or through others.
fn used_definitions(schema: &Value, all: &Value) -> Value {
    let mut wanted = references(schema);
    let mut used = serde_json::Map::new();
    while let Some(name) = wanted.pop() {
        if let Some(definition) = all.get(&name).filter(|_| !used.contains_key(&name)) {
            wanted.extend(references(definition));
            used.insert(name, definition.clone());
        }
    }
    Value::Object(used)
}

/// The names behind every `$ref` within a schema.
fn references(schema: &Value) -> Vec<String> {
    match schema {
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, value)| {
                match value
                    .as_str()
                    .and_then(|text| text.strip_prefix("#/$defs/"))
                {
                    Some(target) if name == "$ref" => vec![target.to_owned()],
                    Some(_) | None => references(value),
                }
            })
            .collect(),
        Value::Array(elements) => elements.iter().flat_map(references).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

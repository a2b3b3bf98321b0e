//! What an aggregate is: decide, evolve, and the names under which its events are stored. Not how they are stored.

use std::collections::HashSet;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use strum::VariantNames;
use uuid::Uuid;

use crate::kernel::actor::Channel;
pub use crate::kernel::fault::Fault;
use crate::kernel::ids::{OrderId, RestaurantId};
use crate::kernel::money::Currency;
use crate::kernel::refusal::NotAllowed;

/// A fact of an aggregate's history, stored for ever as JSON `{"type": "<name>", …}`.
///
/// `VariantNames` (strum, `serialize_all = "snake_case"`) lists the names of all events of the aggregate.
pub trait Event:
    Serialize
    + DeserializeOwned
    + JsonSchema
    + VariantNames
    + Clone
    + PartialEq
    + Debug
    + Send
    + Sync
    + 'static
{
    /// The wire name: the variant in `snake_case`.
    fn name(&self) -> &'static str;

    /// The version of the wire form that this build writes.
    fn version(&self) -> &'static str {
        "1"
    }

    /// At least one of every variant, with every optional field filled in one of them.
    fn samples() -> Vec<Self>;
}

/// Why a command was refused, named as the state that forbids it.
pub trait Rejection: std::error::Error + PartialEq + Clone + Send + Sync + 'static {
    /// Stable `snake_case` code for clients.
    fn code(&self) -> &'static str;

    /// What sort of refusal it is; decides the HTTP status.
    fn class(&self) -> Class;

    /// The single faults when several hold at once, each with its JSON pointer into the request.
    fn faults(&self) -> Vec<Fault> {
        Vec::new()
    }
}

/// The sort of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The thing does not exist, or not for this caller (404).
    NotFound,
    /// The caller may not do this (403).
    Forbidden,
    /// The state forbids it now (409).
    Conflict,
    /// The request makes no sense for this thing (422).
    Unprocessable,
}

/// The rows of a transition table: from, command, to.
pub type Transitions<D> = &'static [(
    <D as Decider>::Stage,
    <D as Decider>::CommandKind,
    <D as Decider>::Stage,
)];

/// What a stage or a command kind must offer so that tables and suites can speak about it.
pub trait Label: Copy + Eq + Hash + Debug + Into<&'static str> + strum::VariantArray {}

impl<T: Copy + Eq + Hash + Debug + Into<&'static str> + strum::VariantArray> Label for T {}

/// An aggregate: its state, with two pure functions.
pub trait Decider:
    Default + Clone + PartialEq + Debug + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// `context.aggregate`, for instance `ordering.order`.
    const KIND: &'static str;
    /// Which command is allowed at which stage, and where it may lead.
    const TRANSITIONS: Transitions<Self>;

    /// What can be asked of it.
    type Command: Clone + PartialEq + Debug + Serialize + DeserializeOwned + Send + Sync + 'static;
    /// What can happen to it.
    type Event: Event;
    /// Why it can say no.
    type Rejection: Rejection;
    /// The stages of its life, derived from the state.
    type Stage: Label;
    /// The commands without their fields, derived from the command.
    type CommandKind: Label + for<'a> From<&'a Self::Command>;

    /// The stage it is in.
    fn stage(&self) -> Self::Stage;

    /// Says what happens. Nothing (`Ok(vec![])`) when the command is done already.
    ///
    /// # Errors
    /// The rejection when a rule forbids the command.
    fn decide(
        &self,
        command: Self::Command,
        context: &Context,
    ) -> Result<Vec<Self::Event>, Self::Rejection>;

    /// Says what is true afterwards. Cannot fail: it has happened.
    fn evolve(&mut self, event: &Self::Event);

    /// What the metadata of its events tells about it. `stream` is its own id.
    fn facets(&self, stream: Uuid) -> Facets;

    /// Lifts a stored payload of an older version to the present form, JSON to JSON. `payload` is an object, of which
    /// nothing else is certain: it must not panic.
    fn upcast(_name: &str, _version: &str, payload: Value) -> Value {
        payload
    }
}

/// The commands that `D`'s table allows from `stage`, each once, in table order.
pub fn allowed_from<D: Decider>(stage: D::Stage) -> Vec<D::CommandKind> {
    let mut seen = HashSet::new();
    D::TRANSITIONS
        .iter()
        .filter(|(from, kind, _)| *from == stage && seen.insert(*kind))
        .map(|(_, kind, _)| *kind)
        .collect()
}

/// Whether `D`'s table has a row for `kind` from the stage that `state` is in.
pub fn is_allowed<D: Decider>(state: &D, kind: D::CommandKind) -> bool {
    let now_at = state.stage();
    D::TRANSITIONS
        .iter()
        .any(|(from, command, _)| *from == now_at && *command == kind)
}

/// Lets a command pass whose row is in the table.
///
/// # Errors
/// [`NotAllowed`] with the stage and what is allowed from there.
pub fn check_allowed<D: Decider>(
    state: &D,
    command: D::CommandKind,
) -> Result<(), NotAllowed<D::Stage, D::CommandKind>> {
    if is_allowed(state, command) {
        return Ok(());
    }
    Err(NotAllowed {
        stage: state.stage(),
        command,
        allowed: allowed_from::<D>(state.stage()),
    })
}

/// Applies events in order to a fresh state.
pub fn replay<'a, D: Decider>(events: impl IntoIterator<Item = &'a D::Event>) -> D {
    let mut state = D::default();
    for event in events {
        state.evolve(event);
    }
    state
}

/// Reads a stored event, lifting older versions first.
///
/// # Errors
/// [`DecodeError`] when the payload is no event of this aggregate, or not the one that its name says.
pub fn decode<D: Decider>(
    name: &str,
    version: &str,
    payload: &str,
) -> Result<D::Event, DecodeError> {
    let malformed = |source| DecodeError::Malformed {
        kind: D::KIND,
        name: name.to_owned(),
        version: version.to_owned(),
        source,
    };
    if let Ok(event) = serde_json::from_str::<D::Event>(payload)
        && event.version() == version
        && event.name() == name
    {
        return Ok(event);
    }
    // Upcasters may rely on an object: nothing else was ever written.
    let stored: serde_json::Map<String, Value> =
        serde_json::from_str(payload).map_err(malformed)?;
    let lifted = D::upcast(name, version, Value::Object(stored));
    let event: D::Event = serde_json::from_value(lifted).map_err(malformed)?;
    if event.name() == name || version != event.version() {
        Ok(event)
    } else {
        Err(DecodeError::OtherName {
            kind: D::KIND,
            name: name.to_owned(),
            found: event.name(),
        })
    }
}

/// Why a stored event cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// No aggregate has this kind.
    #[error("unknown kind {0}")]
    UnknownKind(String),
    /// The payload does not have the form of this event.
    #[error("malformed event {name} version {version} of {kind}")]
    Malformed {
        /// The aggregate's kind.
        kind: &'static str,
        /// The stored name.
        name: String,
        /// The stored version.
        version: String,
        /// What JSON says.
        #[source]
        source: serde_json::Error,
    },
    /// The payload is another event than its name says.
    #[error("event of {kind} named {name} holds {found}")]
    OtherName {
        /// The aggregate's kind.
        kind: &'static str,
        /// The stored name.
        name: String,
        /// The name that the payload gives itself.
        found: &'static str,
    },
}

/// What every event's metadata carries about its aggregate, so that analytics needs no joins. Nothing personal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facets {
    /// The shop.
    pub restaurant: Option<RestaurantId>,
    /// The order.
    pub order: Option<OrderId>,
    /// The shop's city, as it is named there.
    pub city: Option<String>,
    /// The shop's currency.
    pub currency: Option<Currency>,
    /// The local date on which the opening range began.
    pub service_date: Option<NaiveDate>,
    /// Where the order came in.
    pub channel: Option<Channel>,
}

/// The world as a decision may see it: the time and fresh ids.
#[derive(Debug)]
pub struct Context {
    /// The instant of the decision.
    pub now: DateTime<Utc>,
    seed: [u8; 10],
    drawn: AtomicU64,
}

impl Context {
    /// A context at `now`, cut to microseconds (what Postgres keeps), whose ids come from `seed`.
    pub fn new(now: DateTime<Utc>, seed: [u8; 10]) -> Self {
        use chrono::SubsecRound as _;
        Self {
            now: now.trunc_subsecs(6),
            seed,
            drawn: AtomicU64::new(0),
        }
    }

    /// The next id: a `UUIDv7` of `now` and the seed. The same context gives the same ids in the same order, rising.
    pub fn fresh_id(&self) -> Uuid {
        let millis = u64::try_from(self.now.timestamp_millis()).unwrap_or(0);
        let drawn = self.drawn.fetch_add(1, Ordering::Relaxed);
        // The counter goes into the low 56 bits, which carry neither version nor variant.
        let mut random = self.seed;
        let mut low = [0_u8; 8];
        low[1..].copy_from_slice(&random[3..]);
        let sum = u64::from_be_bytes(low).wrapping_add(drawn).to_be_bytes();
        random[3..].copy_from_slice(&sum[1..]);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}

/// An event with its place in the history.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded<E> {
    /// What happened.
    pub event: E,
    /// The event's own id.
    pub event_id: Uuid,
    /// The aggregate's id.
    pub stream: Uuid,
    /// Its number within the stream, from 1.
    pub sequence: i64,
    /// Its number in the whole log, from 1.
    pub position: i64,
    /// When it was stored.
    pub recorded_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_ids_differ_rise_and_repeat_with_the_seed() {
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let (one, two) = (Context::new(now, [7; 10]), Context::new(now, [7; 10]));
        let first: Vec<_> = (0..1000).map(|_| one.fresh_id()).collect();
        let second: Vec<_> = (0..1000).map(|_| two.fresh_id()).collect();
        assert_eq!(first, second);
        assert!(first.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(first.iter().all(|id| id.get_version_num() == 7));
    }

    /// An aggregate whose only event has a second version: `boiled_secs` became `seconds`.
    #[derive(Debug, Clone, Default, PartialEq, Serialize, serde::Deserialize)]
    struct Timer;

    #[derive(Debug, Clone, PartialEq, Serialize, serde::Deserialize, JsonSchema, VariantNames)]
    #[serde(tag = "type", rename_all = "snake_case")]
    #[strum(serialize_all = "snake_case")]
    enum TimerEvent {
        Boiled { seconds: u32 },
    }

    #[derive(Debug, Clone, PartialEq, Serialize, serde::Deserialize, strum::EnumDiscriminants)]
    #[strum_discriminants(name(TimerCommandKind))]
    #[strum_discriminants(derive(Hash, strum::IntoStaticStr, strum::VariantArray))]
    enum TimerCommand {
        Boil,
    }

    #[derive(Debug, Clone, PartialEq, thiserror::Error)]
    #[error("never")]
    struct TimerRejection;

    impl Event for TimerEvent {
        fn name(&self) -> &'static str {
            "boiled"
        }

        fn version(&self) -> &'static str {
            "2"
        }

        fn samples() -> Vec<Self> {
            vec![Self::Boiled { seconds: 90 }]
        }
    }

    impl Rejection for TimerRejection {
        fn code(&self) -> &'static str {
            "never"
        }

        fn class(&self) -> Class {
            Class::Conflict
        }
    }

    impl Decider for Timer {
        const KIND: &'static str = "test.timer";
        const TRANSITIONS: Transitions<Self> = &[(
            TimerCommandKind::Boil,
            TimerCommandKind::Boil,
            TimerCommandKind::Boil,
        )];

        type Command = TimerCommand;
        type Event = TimerEvent;
        type Rejection = TimerRejection;
        type Stage = TimerCommandKind;
        type CommandKind = TimerCommandKind;

        fn stage(&self) -> TimerCommandKind {
            TimerCommandKind::Boil
        }

        fn decide(
            &self,
            TimerCommand::Boil: TimerCommand,
            _: &Context,
        ) -> Result<Vec<TimerEvent>, TimerRejection> {
            Ok(TimerEvent::samples())
        }

        fn evolve(&mut self, _: &TimerEvent) {}

        fn facets(&self, _: Uuid) -> Facets {
            Facets::default()
        }

        fn upcast(_: &str, version: &str, mut payload: Value) -> Value {
            if version == "1" {
                payload["seconds"] = payload["boiled_secs"].take();
            }
            payload
        }
    }

    #[test]
    fn an_old_version_is_lifted_and_the_present_one_read_as_it_is() {
        let boiled = TimerEvent::Boiled { seconds: 90 };
        let old = r#"{"type": "boiled", "boiled_secs": 90}"#;
        let new = r#"{"type": "boiled", "seconds": 90}"#;
        assert_eq!(decode::<Timer>("boiled", "1", old).unwrap(), boiled);
        assert_eq!(decode::<Timer>("boiled", "2", new).unwrap(), boiled);
        assert!(matches!(
            decode::<Timer>("boiled", "2", old),
            Err(DecodeError::Malformed { .. })
        ));
        assert!(matches!(
            decode::<Timer>("sealed", "2", new),
            Err(DecodeError::OtherName { .. })
        ));
        assert!(matches!(
            decode::<Timer>("boiled", "1", "[]"),
            Err(DecodeError::Malformed { .. })
        ));
    }
}

//! A client of our own public HTTP API, for the commands that use the marketplace as others do:
//! `import`, `demo` and `simulate`. It knows the API's conventions (tokens, idempotency keys,
//! consistency tokens, versions, problem details) and nothing of the server's types.
//!
//! A rehearsal also has its client record what was sent and answered (`recording`), for the checker.

mod answer;
mod api;
mod call;
mod dish;
mod followed;
mod history;
mod latency;
mod mishaps;
mod people;
mod recording;
mod routes;
mod session;
mod sse;
mod stripe;
mod templates;

pub(crate) use answer::{Answer, CallError};
pub(crate) use api::{Api, Origins, Patience};
pub(crate) use call::Repeat;
pub(crate) use dish::Dish;
pub(crate) use followed::{Followed, Seen};
pub(crate) use history::History;
pub(crate) use latency::Quantiles;
pub(crate) use mishaps::MishapCounts;
pub(crate) use people::{Door, Person, Role, id_of};
pub(crate) use recording::{Kind, Recording};
pub(crate) use routes::{Courier, Customer, Dispatcher, Kitchen, Line};
pub(crate) use session::Session;
pub(crate) use stripe::{CardForm, Confirmation};
